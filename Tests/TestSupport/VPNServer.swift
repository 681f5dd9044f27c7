/// A VPN server that a test tells a story on.
///
/// The real OpenVPN and the simulator both are one, so that every story that can be told on both
/// is told on both.
package protocol VPNServer: AnyObject {
  /// Where the management interface listens, as the setting `MANAGEMENT` writes it: `unix:/path`.
  var management: String { get }

  /// The final counters OpenVPN itself gave for every session that ended with a disconnect hook,
  /// in the order they ended. Refused clients, whose hook runs too, are not among them.
  var finished: [FinalCounters] { get throws }

  /// Lets a client try to come in and waits until it is in or was refused.
  func connect(_ name: String) throws -> any VPNClient

  /// Ends the server without a chance to run a hook, as a crash or `kill -9` does.
  func crash() throws

  /// Stops the server as `systemctl stop` does (SIGTERM): one disconnect hook for each client.
  func stop() throws

  /// Drops every client with its hook and starts over in the same process (SIGUSR1).
  func softRestart() throws

  /// Reads the config again and starts over in the same process, dropping every client with its
  /// hook (SIGHUP).
  func hangUp() throws

  /// Starts a server that crashed or was stopped; its process id is another one.
  func start() throws
}

/// One client of a `VPNServer`.
package protocol VPNClient: AnyObject {
  /// The common name in its certificate.
  var name: String { get }

  /// Whether the tunnel is up now, as the client sees it.
  var isConnected: Bool { get }

  /// Whether the server turned it away when it last tried to come in.
  var isRefused: Bool { get }

  /// Everything the client wrote to its own log so far.
  var log: String { get throws }

  /// Whether the server told it to stop, with this text, since it last tried to come in.
  func isHalted(with text: String) throws -> Bool

  /// Moves at least this many bytes from the client to the server and waits until they arrived.
  func upload(_ bytes: Int) throws

  /// Moves at least this many bytes from the server to the client and waits until they arrived.
  func download(_ bytes: Int) throws

  /// Goes away with notice and waits until the server has run the disconnect hook.
  func leave() throws

  /// Tries to come in again, as a new session, and waits until it is in or was refused.
  func comeBack() throws

  /// Sends from another address from now on, within the same session.
  func float() throws

  /// Waits until the server has run the disconnect hook of every session it had.
  func waitUntilGone() throws
}

/// What OpenVPN counted for one ended session, in bytes as the server sees them.
package struct FinalCounters: Equatable, Sendable {
  /// The owner: the common name the client came in under.
  package let name: String
  /// From the client: upload.
  package let received: Int64
  /// To the client: download.
  package let sent: Int64

  package init(name: String, received: Int64, sent: Int64) {
    self.name = name
    self.received = received
    self.sent = sent
  }
}
