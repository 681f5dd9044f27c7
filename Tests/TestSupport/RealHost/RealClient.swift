import Foundation

/// A real OpenVPN client in a network namespace of its own.
package final class RealClient: VPNClient {
  /// What a client brings along.
  package struct Options {
    /// A name and a password, for servers that ask for them.
    package var credentials: (user: String, password: String)?
    /// Whether it has a certificate, made out to its name.
    package var hasCertificate = true
    /// Tunnel bytes after which the client renegotiates its keys; 0 leaves that to the hour.
    package var renegotiateAfter = 0
    /// Says good-bye over UDP when it leaves; else the server has to find out.
    package var notifiesOfExit = true
    /// Further lines for the client's config.
    package var lines: [String] = []

    package init() {}
  }

  /// How things stand, as the client's own log has it.
  package enum State: Equatable, Sendable {
    /// Not started, or still shaking hands.
    case connecting
    /// The tunnel is up.
    case up
    /// The server said `AUTH_FAILED`, with the reason it gave, which mostly is none.
    case refused(String)
    /// The server told the client to stop, with this text.
    case halted(String)
    /// The process ended otherwise.
    case ended
  }

  package let name: String
  package let server: RealServer
  package let options: Options

  private let network: String
  private let namespace: String
  private let files: String
  private var host = 2
  private var daemon: Daemon?

  init(_ name: String, of server: RealServer, _ options: Options) throws {
    self.name = name
    self.server = server
    self.options = options
    let place = try server.host.nextClient()
    network = "10.77.\(place.number)."
    namespace = place.namespace
    files = "\(server.host.folder)/client-\(place.number)"
    if let credentials = options.credentials {
      try use(user: credentials.user, password: credentials.password)
    }
  }

  /// Sets what the client answers when it is next asked for a name and a password, which a
  /// renegotiation does too.
  package func use(user: String, password: String) throws {
    try server.host.write(
      "\(user)\n\(password)\n", to: (files as NSString).lastPathComponent + ".password")
  }

  /// Starts the client and waits until it is up, was refused or gave up.
  @discardableResult
  package func connect() throws -> State {
    try begin()
    return try waitUntilSettled()
  }

  /// Starts the client and waits for nothing.
  package func begin() throws {
    // One that was turned away says so before it ends.
    try eventually("the end of the client \(name)", details: tail) {
      if daemon?.isRunning != true { return true }
      let state = try state
      guard state != .up, state != .connecting else {
        throw RealHostError("the client \(name) is running already")
      }
      return false
    }
    let config = try server.host.write(
      try configuration(), to: (files as NSString).lastPathComponent + ".conf")
    daemon = try server.host.spawn(
      ["openvpn", "--config", config], in: namespace, log: files + ".log")
  }

  /// Waits until the client is up, was refused, halted or gave up.
  @discardableResult
  package func waitUntilSettled(within seconds: Double = 15) throws -> State {
    try eventually("the client \(name) to settle", within: seconds, details: tail) {
      try state != .connecting
    }
    return try state
  }

  /// Waits until the client's log says that things stand in a certain way.
  package func wait(
    for what: String, within seconds: Double = 15, until isSo: (State) throws -> Bool
  ) throws {
    try eventually("\(name) \(what)", within: seconds, details: tail) { try isSo(state) }
  }

  /// Makes a running client connect anew (SIGUSR1), from another port, and waits until it settled.
  @discardableResult
  package func reconnect() throws -> State {
    let before = try connections
    daemon?.signal(SIGUSR1)
    try wait(for: "to connect again") { _ in
      try connections > before || daemon?.isRunning != true
    }
    return try state
  }

  /// How often the tunnel came up since the client was started.
  package var connections: Int {
    get throws { try log.components(separatedBy: Said.up).count - 1 }
  }

  package var state: State {
    get throws {
      let text = try log
      if let text = Said.text(after: Said.halt, in: text) { return .halted(text) }
      if let text = Said.text(after: Said.refusal, in: text) {
        return .refused(String(text.drop { $0 == "," }))
      }
      if daemon?.isRunning != true { return daemon == nil ? .connecting : .ended }
      guard let up = text.range(of: Said.up, options: .backwards) else { return .connecting }
      let since = text[up.upperBound...]
      return since.contains(Said.restart) || since.contains(Said.exit) ? .connecting : .up
    }
  }

  package var isConnected: Bool { (try? state) == .up }

  /// What the client wrote since it was last started.
  package var log: String {
    get throws { try daemon?.text ?? "" }
  }

  /// Whether a packet makes it to the server and back, within a second each try.
  package func ping(tries: Int = 1) throws -> Bool {
    for _ in 0..<tries {
      let outcome = try Program.run(
        "ip", ["netns", "exec", namespace, "ping", "-n", "-q", "-c1", "-W1", server.address])
      if outcome.status == 0 { return true }
    }
    return false
  }

  package func upload(_ bytes: Int) throws { try tunnel().send(bytes) }

  package func download(_ bytes: Int) throws { try tunnel().fetch(bytes) }

  /// Moves as many bytes as make the client renegotiate its keys and waits until it begins.
  ///
  /// What is moved need not arrive: the server may turn the renegotiation down. The option
  /// `renegotiateAfter` has to be set.
  package func renegotiate() throws {
    let begun = "TLS: soft reset"
    let before = try log.components(separatedBy: begun).count
    let tunnel = try tunnel()
    try? tunnel.send(options.renegotiateAfter, patience: 0.3)
    try wait(for: "to renegotiate") { _ in
      try log.components(separatedBy: begun).count > before
    }
  }

  /// Moves the client to another address of its network while the tunnel stays up, and waits until
  /// the server answers it there. Only UDP clients float.
  package func float() throws {
    let old = host
    host += 1
    try Namespaces.ip(
      ["-n", namespace, "-batch", "-"],
      input: """
        addr del \(network)\(old)/24 dev eth0
        addr add \(network)\(host)/24 dev eth0

        """)
    guard try ping(tries: 10) else {
      throw RealHostError("the server did not follow \(name) to \(network)\(host)\n\(tail())")
    }
  }

  /// Goes away with a notice and does not wait for what the server makes of it.
  package func sayGoodbye() throws {
    guard let daemon, daemon.isRunning else { return }
    daemon.signal(SIGTERM)
  }

  package func leave() throws {
    try sayGoodbye()
    try eventually("the end of the client \(name)", details: tail) { daemon?.isRunning != true }
    try waitUntilGone()
  }

  /// Dies without a word (SIGKILL). The server finds out when its `timeout` has passed.
  package func vanish() throws { try daemon?.end(by: SIGKILL) }

  /// Waits until the server has run the disconnect hook of every session of this client that it
  /// let in.
  package func waitUntilGone(within seconds: Double = 20) throws {
    try eventually("the end of the sessions of \(name)", within: seconds, details: tail) {
      guard server.isRunning else { return true }
      let ended = try server.endings.filter {
        $0.owner != nil && $0.cameFrom.hasPrefix(network)
      }
      return try ended.count >= server.admissions(from: network)
    }
  }

  private func tail() -> String { daemon?.tail() ?? "it never ran" }

  private func tunnel() throws -> Tunnel {
    try Tunnel(from: namespace, to: server.host.serverNamespace, at: server.address)
  }

  private func configuration() throws -> String {
    let isDatagram = server.options.transport == .udp
    var lines = [
      "client", "dev tun", "nobind", "proto \(isDatagram ? "udp4" : "tcp4-client")",
      "remote \(network)1 \(server.port)", "ca \(server.host.certificates.authority)",
      "connect-retry 1 1", "connect-timeout 5", "verb 3",
    ]
    if options.hasCertificate {
      lines += [
        "cert \(try server.host.certificates.certificate(for: name))",
        "key \(server.host.certificates.key)",
      ]
    }
    if isDatagram, options.notifiesOfExit { lines.append("explicit-exit-notify 1") }
    if options.credentials != nil {
      lines += ["auth-user-pass \(files).password", "auth-nocache"]
    }
    if options.renegotiateAfter > 0 { lines.append("reneg-bytes \(options.renegotiateAfter)") }
    return (lines + options.lines).joined(separator: "\n") + "\n"
  }

  /// What OpenVPN 2.6's log says.
  private enum Said {
    static let up = "Initialization Sequence Completed"
    static let refusal = "AUTH: Received control message: AUTH_FAILED"
    static let halt = "Halt command was pushed by server ('"
    static let restart = "process restarting"
    static let exit = "process exiting"

    /// What stands behind the last occurrence, up to the end of the line and without the quotes.
    static func text(after mark: String, in log: String) -> String? {
      guard let range = log.range(of: mark, options: .backwards) else { return nil }
      let rest = log[range.upperBound...].prefix { $0 != "\n" }
      return rest.hasSuffix("')") ? String(rest.dropLast(2)) : String(rest)
    }
  }
}
