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
    /// The port it always comes from; else another one each time.
    package var port: Int?
    /// What it comes over, where the server listens for both.
    package var transport: RealServer.Options.Transport?
    /// Whether it makes a network device. One that only shakes hands is up faster without.
    package var hasDevice = true
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

  /// Which of the host's networks it is in.
  private let place: Int
  /// The network namespace that its end of the tunnel is in.
  package let namespace: String
  private let number: Int
  private let files: String
  private var host = 2
  private var daemon: Daemon?

  init(
    _ name: String, of server: RealServer, _ options: Options, beside neighbour: RealClient?
  ) throws {
    self.name = name
    self.server = server
    self.options = options
    number = server.host.nextClient()
    place = neighbour?.place ?? number
    namespace = try neighbour?.namespace ?? server.host.network(place)
    files = "\(server.host.folder)/client-\(number)"
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
      [server.host.openvpn.path, "--config", config], in: namespace, log: files + ".log")
  }

  /// Waits until the client is up, was refused, halted or gave up.
  @discardableResult
  package func waitUntilSettled() throws -> State {
    try eventually("the client \(name) to settle", details: tail) {
      try state != .connecting
    }
    return try state
  }

  /// Waits until the client's log says that things stand in a certain way.
  package func wait(for what: String, until isSo: (State) throws -> Bool) throws {
    try eventually("\(name) \(what)", details: tail) { try isSo(state) }
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

  package var isRunning: Bool { daemon?.isRunning == true }

  package var isConnected: Bool { (try? state) == .up }

  /// What the client wrote since it was last started.
  package var log: String {
    get throws { try daemon?.text ?? "" }
  }

  /// Whether a packet makes it to the server and back within half a minute. It is tried again and again,
  /// and a try may fail at once: a client that is given another address makes its device anew.
  package func ping() throws -> Bool {
    let deadline = Date().addingTimeInterval(RealClient.patience)
    while Date() < deadline {
      let outcome = try Program.run(
        "ip",
        [
          "netns", "exec", namespace, "ping", "-n", "-q", "-c1", "-W1", "-I", device,
          server.address,
        ])
      if outcome.status == 0 { return true }
      usleep(5000)
    }
    return false
  }

  /// How many seconds a tunnel may stand still on a busy machine.
  private static let patience = 30.0

  /// Whether the server answers once to an address in a network behind the client.
  package func ping(from address: String) throws -> Bool {
    let inside = ["netns", "exec", namespace]
    _ = try Program.run("ip", inside + ["ip", "address", "replace", "\(address)/32", "dev", "lo"])
    let ping = ["ping", "-n", "-q", "-c1", "-W1", "-I", address, server.address]
    return try Program.run("ip", inside + ping).status == 0
  }

  package func upload(_ bytes: Int) throws { try upload(bytes, patience: RealClient.patience) }

  package func download(_ bytes: Int) throws { try download(bytes, patience: RealClient.patience) }

  /// - Parameter patience: how many seconds the tunnel may stand still meanwhile.
  package func upload(_ bytes: Int, patience: Double) throws {
    try tunnel(patience: patience).send(bytes, patience: patience)
  }

  /// - Parameter patience: how many seconds the tunnel may stand still meanwhile.
  package func download(_ bytes: Int, patience: Double) throws {
    try tunnel(patience: patience).fetch(bytes, patience: patience)
  }

  /// Moves bytes until the client begins to renegotiate its keys.
  ///
  /// What is moved need not arrive: the server may turn the renegotiation down. The option
  /// `renegotiateAfter` has to be set.
  package func renegotiate() throws {
    let begun = "TLS: soft reset"
    let before = try log.components(separatedBy: begun).count
    let tunnel = try tunnel()
    try wait(for: "to renegotiate") { _ in
      try? tunnel.send(options.renegotiateAfter, patience: 0.3)
      return try log.components(separatedBy: begun).count > before
    }
  }

  /// Moves the client to another address of its network while the tunnel stays up, and waits until
  /// the server answers it there. Only UDP clients float.
  package func float() throws {
    try changeAddress()
    guard try ping() else {
      throw RealHostError("the server did not follow \(name) to its address \(host)\n\(tail())")
    }
  }

  /// Moves the client to another address of its network and waits for nothing.
  package func changeAddress() throws {
    host = 2 + (host - 1) % 250
    try Namespaces.ip(
      ["-n", namespace, "-4", "-batch", "-"],
      input: """
        addr flush dev eth0
        addr add 10.77.\(place).\(host)/24 dev eth0

        """)
  }

  /// Goes away with a notice and does not wait for what the server makes of it.
  package func sayGoodbye() throws { signal(SIGTERM) }

  /// Sends its process a signal, where there is one.
  package func signal(_ number: Int32) { daemon?.signal(number) }

  package func leave() throws {
    try sayGoodbye()
    try eventually("the end of the client \(name)", details: tail) { daemon?.isRunning != true }
    // Over UDP the server takes five seconds for it. They are spared where nobody else is meant.
    let rows = server.isRunning ? try server.listing().filter { $0.name == name } : []
    if rows.count == 1, rows[0].realAddress.contains("10.77.\(place).") {
      try server.ask("kill \(name)")
    }
    try waitUntilGone()
  }

  /// Dies without a word (SIGKILL). The server finds out when its `timeout` has passed.
  package func vanish() throws { try daemon?.end(by: SIGKILL) }

  /// Waits until the server has run the disconnect hook of every session of this client that it
  /// let in.
  package func waitUntilGone() throws {
    try eventually("the end of the sessions of \(name)", details: tail) {
      guard server.isRunning else { return true }
      let ended = try server.endings.filter {
        $0.owner != nil && isOurs($0.cameFrom)
      }
      return try ended.count >= server.admissions(where: isOurs)
    }
  }

  private func isOurs(_ address: String) -> Bool {
    address.hasPrefix("10.77.\(place).") || address.hasPrefix("fd77:\(place)::")
  }

  private func tail() -> String { daemon?.tail() ?? "it never ran" }

  private func tunnel(patience: Double = RealClient.patience) throws -> Tunnel {
    try Tunnel(
      from: namespace, on: device, to: server.host.serverNamespace, at: server.address,
      patience: patience)
  }

  /// The name of its network device.
  private var device: String {
    options.hasDevice ? "\(server.options.isBridge ? "tap" : "tun")\(number)" : "null"
  }

  private func configuration() throws -> String {
    let isIPv6 = server.options.isIPv6
    let transport = options.transport ?? server.options.transport
    let isDatagram = transport == .udp
    var lines = [
      "client", "dev \(device)", "proto \(transport.word(isIPv6: isIPv6, ofServer: false))",
      "remote \(isIPv6 ? "fd77:\(place)::1" : "10.77.\(place).1") \(server.port)",
      "ca \(server.host.certificates.authority)",
      "connect-retry 1 1", "connect-timeout 5", "verb 3",
      options.port.map { "lport \($0)" } ?? "nobind",
    ]
    if options.hasCertificate {
      lines += [
        "cert \(try server.host.certificates.certificate(for: name))",
        "key \(server.host.certificates.key)",
      ]
    }
    if !options.hasDevice { lines.append("dev-type \(server.options.isBridge ? "tap" : "tun")") }
    if server.options.isBridge, options.hasDevice {
      lines.append("ifconfig 10.99.\(server.number).\(10 + number) 255.255.255.0")
    }
    if isDatagram, options.notifiesOfExit { lines.append("explicit-exit-notify 1") }
    if options.credentials != nil {
      lines += ["auth-user-pass \(files).password", "auth-nocache"]
    }
    if options.renegotiateAfter > 0 { lines.append("reneg-bytes \(options.renegotiateAfter)") }
    return (lines + options.lines).joined(separator: "\n") + "\n"
  }

  /// What OpenVPN's log says.
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
