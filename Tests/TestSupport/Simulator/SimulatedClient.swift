import Foundation

/// A client of a `SimulatedServer`.
package final class SimulatedClient: VPNClient {
  package let name: String
  /// The id the server gave it; nil if it was refused.
  package private(set) var clientID: Int?
  private let server: SimulatedServer
  private var serial: Int

  init(name: String, server: SimulatedServer, serial: Int, clientID: Int?) {
    self.name = name
    self.server = server
    self.serial = serial
    self.clientID = clientID
  }

  /// How the simulator's commands call its session, also when client ids start over.
  package var handle: String { "#\(serial)" }

  /// What the server knows of the session, living or ended.
  package struct Fate: Sendable {
    /// `live`, `left`, `dropped` or `refused`.
    package let state: String
    /// Bytes from the client.
    package let received: Int64
    /// Bytes to the client.
    package let sent: Int64
    /// The control message of the last `client-kill`.
    package let message: String?
  }

  /// What became of the session.
  package var fate: Fate {
    get throws {
      let words = try server.ask("fate \(serial)").split(separator: " ").map(String.init)
      return Fate(
        state: words[0], received: Int64(words[1]) ?? -1, sent: Int64(words[2]) ?? -1,
        message: words.count > 3 ? words[3].removingPercentEncoding ?? words[3] : nil)
    }
  }

  package var isConnected: Bool {
    guard let fate = try? fate else { return false }
    // The client is off at once, whatever the server still lists.
    return fate.state == "live" && fate.message == nil
  }

  /// Whether the server refused it at the door.
  package var isRefused: Bool { clientID == nil }

  package var log: String {
    get throws {
      let fate = try fate
      if isRefused { return "AUTH: Received control message: AUTH_FAILED\n" }
      var log = "Initialization Sequence Completed\n"
      guard let message = fate.message else { return log }
      let parts = message.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
      let text = parts.count > 1 ? String(parts[1]) : ""
      switch parts.first {
      case "HALT": log += "Halt command was pushed by server ('\(text)')\n"
      case "RESTART": log += "Connection reset command was pushed by server ('\(text)')\n"
      case "AUTH_FAILED": log += "AUTH: Received control message: \(message)\n"
      default: log += "WARNING: Received unknown control message: \(message)\n"
      }
      return log
    }
  }

  package func isHalted(with text: String) throws -> Bool { try fate.message == "HALT,\(text)" }

  package func upload(_ bytes: Int) throws { try server.ask("traffic \(handle) \(bytes) 0") }

  package func download(_ bytes: Int) throws { try server.ask("traffic \(handle) 0 \(bytes)") }

  package func leave() throws { try server.ask("leave \(handle)") }

  package func comeBack() throws {
    let again = try server.enter(name)
    clientID = again.clientID
    serial = again.serial
  }

  package func float() throws { try float(to: "203.0.113.\(serial % 250 + 1):4711") }

  package func waitUntilGone() throws { try server.settle() }

  /// Sets the counters, as data-channel offload does when it reports less than there was.
  package func setCounters(received: Int64, sent: Int64) throws {
    try server.ask("counters \(handle) \(received) \(sent)")
  }

  /// Shows other names from now on, as after a renegotiation; `UNDEF` for none.
  package func rename(commonName: String, username: String? = nil) throws {
    let words = [commonName, username].compactMap {
      $0?.addingPercentEncoding(withAllowedCharacters: .alphanumerics)
    }
    try server.ask("rename \(handle) \(words.joined(separator: " "))")
  }

  /// Gets another virtual address, as when a later script pushes one.
  package func move(to address: String) throws { try server.ask("address \(handle) \(address)") }

  /// Sends from another address, `IP:PORT`, from now on.
  package func float(to real: String) throws { try server.ask("float \(handle) \(real)") }

  /// Goes without a disconnect hook.
  package func drop() throws { try server.ask("drop \(handle)") }
}
