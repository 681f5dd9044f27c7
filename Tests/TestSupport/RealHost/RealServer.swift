import Foundation

/// A real OpenVPN server on a `RealHost`.
///
/// It is made stopped, so that a test can write a `quota.conf` with its `management` address, and
/// begins with `start()`.
package final class RealServer: VPNServer {
  /// How a server is set up. The defaults are those of a plain UDP server.
  package struct Options {
    /// What carries the tunnel.
    package enum Transport: String, Sendable {
      case udp, tcp

      /// What `proto` calls it.
      func word(isIPv6: Bool, ofServer: Bool) -> String {
        let suffix = self == .udp ? "" : ofServer ? "-server" : "-client"
        return rawValue + (isIPv6 ? "6" : "4") + suffix
      }
    }

    package var transport = Transport.udp
    /// Clients come over IPv6, and have IPv6 in the tunnel as well.
    package var isIPv6 = false
    /// A bridge (`dev tap`) that hands out no addresses: its clients bring their own.
    package var isBridge = false
    /// 2.7: listens for TCP as well, on the same port.
    package var hasBothTransports = false
    /// Lets several clients with one certificate in at once.
    package var duplicateCommonName = false
    /// Whom the server becomes once it is up; hooks then run as that user and group.
    package var user: String?
    package var group: String?
    /// User names and passwords, checked by a verify script. Names then come from these
    /// (`username-as-common-name`) and not from certificates.
    package var passwords: [String: String]?
    /// The command that stands before the verify script, such as `/path/quota-connect --config F`;
    /// the harness adds ` --then`.
    package var loginHook: String?
    /// Whether passwords come in the environment, in place of a file.
    package var hasPasswordsInEnvironment = false
    /// The client-connect command, such as `/path/quota-connect --config F`; the harness adds
    /// ` --then` and a script of its own.
    package var connectHook: String?
    /// The client-disconnect command, in the same manner.
    package var disconnectHook: String?
    /// Seconds of silence after which a session ends.
    package var timeout = 60
    /// A command the server is started through, such as `likeDebianUnit`.
    package var wrapper: [String] = []
    /// Further lines for the server's config.
    package var lines: [String] = []

    package init() {}

    /// Drops the capabilities that Debian's `openvpn-server@.service` drops, CAP_CHOWN among them;
    /// root in a container may have them to inherit as well.
    package static let likeDebianUnit = [
      "setpriv", "--inh-caps=-all", "--bounding-set",
      "-all,+ipc_lock,+net_admin,+net_bind_service,+net_raw,+setgid,+setuid,+setpcap,+sys_chroot"
        + ",+dac_override,+audit_write",
    ]
  }

  /// A session that ended with a disconnect hook, or a refused client whose hook ran as well.
  package struct Ending: Equatable, Sendable {
    /// The name the client came in under; nil for one that was refused.
    package let owner: String?
    /// `common_name` in the disconnect hook's own environment.
    package let nameAtTheEnd: String
    /// `username` there; empty if the client brought none.
    package let usernameAtTheEnd: String
    package let processID: Int
    /// `time_unix`: when the session began.
    package let since: Int
    /// Seconds it lasted.
    package let duration: Int
    /// `ifconfig_pool_remote_ip` at the end.
    package let virtualAddress: String
    /// `untrusted_ip`: where the client came from when it last shook hands.
    package let cameFrom: String
    package let received: Int64
    package let sent: Int64
  }

  /// A row of `status 3`.
  package struct Row: Equatable, Sendable {
    package let name: String
    package let realAddress: String
    package let virtualAddress: String
    package let received: Int64
    package let sent: Int64
    package let since: Int
    package let username: String
    package let clientID: String
  }

  package let host: RealHost
  package var options: Options
  package let name: String
  /// The path of the management socket.
  package let socket: String
  /// What goes into the setting `MANAGEMENT`.
  package var management: String { "\(name)=unix:\(socket)" }

  let number: Int
  private var daemon: Daemon?

  /// Makes a server that is not running yet.
  ///
  /// - Parameter name: what the setting `MANAGEMENT` calls it.
  package init(on host: RealHost, name: String = "office", _ options: Options = Options()) throws {
    self.host = host
    self.name = name
    self.options = options
    number = host.nextServer()
    socket = "\(host.folder)/\(name).sock"
    try host.write("", to: "\(name)-truth", mode: 0o666)
    try FileManager.default.createDirectory(
      atPath: "\(host.folder)/\(name)-tmp", withIntermediateDirectories: false,
      attributes: [.posixPermissions: 0o1777])
  }

  /// The address of the server inside the tunnel.
  package var address: String { "10.99.\(number).1" }

  /// Where the server listens for clients.
  var port: Int { 1194 + number }

  /// The id of the server's process.
  package var processID: Int {
    get throws { Int(try running.identifier) }
  }

  package var isRunning: Bool { daemon?.isRunning == true }

  /// What the server, with its hooks, wrote since it was last started.
  package var log: String {
    get throws { try daemon?.text ?? "" }
  }

  package func start() throws {
    let config = try host.write(try configuration(), to: "\(name).conf")
    let daemon = try host.spawn(
      options.wrapper + [host.openvpn.path, "--cd", host.folder, "--config", config],
      in: host.serverNamespace, log: "\(host.folder)/\(name).log")
    self.daemon = daemon
    try waitUntilReady()
  }

  package func stop() throws { try running.end(by: SIGTERM) }

  package func crash() throws { try running.end(by: SIGKILL) }

  package func softRestart() throws { try restart(by: SIGUSR1) }

  /// Reads the config again and starts over in the same process, dropping every client with its
  /// hook (SIGHUP).
  package func hangUp() throws { try restart(by: SIGHUP) }

  /// Makes a client in a network of its own that has not tried to connect yet.
  ///
  /// - Parameter neighbour: a client whose network and address it shares.
  package func client(
    _ name: String, _ options: RealClient.Options = RealClient.Options(),
    beside neighbour: RealClient? = nil
  ) throws -> RealClient {
    try RealClient(name, of: self, options, beside: neighbour)
  }

  package func connect(_ name: String) throws -> any VPNClient {
    let client = try client(name)
    try client.connect()
    return client
  }

  /// Asks the management interface and gives the lines of the answer.
  @discardableResult
  package func ask(_ command: String) throws -> [String] {
    try ManagementProbe.ask(command, at: socket)
  }

  /// The live sessions as `status 3` lists them.
  package func listing() throws -> [Row] {
    try ask("status 3").filter { $0.hasPrefix("CLIENT_LIST\t") }.map { line in
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      guard fields.count == 13 else { throw RealHostError("a row of another shape: \(line)") }
      return Row(
        name: fields[1], realAddress: fields[2], virtualAddress: fields[3],
        received: Int64(fields[5]) ?? -1, sent: Int64(fields[6]) ?? -1,
        since: Int(fields[8]) ?? -1, username: fields[9], clientID: fields[10])
    }
  }

  package var finished: [FinalCounters] {
    get throws {
      try endings.compactMap { ending in
        ending.owner.map {
          FinalCounters(name: $0, received: ending.received, sent: ending.sent)
        }
      }
    }
  }

  /// Every run of the disconnect hook, in their order, refused clients' included.
  package var endings: [Ending] {
    get throws { try truth().endings }
  }

  /// How many sessions the connect hook let in so far, of those that came from an address that
  /// `isMeant` says yes to.
  package func admissions(where isMeant: (String) -> Bool = { _ in true }) throws -> Int {
    try truth().admitted.filter(isMeant).count
  }

  /// The names of those whose session OpenVPN ended without its disconnect hook, one for each session.
  ///
  /// A client that comes back from its port while the server has its session goes on with it. Up to a
  /// second passes between the new TLS session and its keys (`CAS_RECONNECT_PENDING` in ssl.c and forward.c);
  /// `multi_close_instance` in multi.c runs no hook meanwhile. The log says so with `verb 4`.
  package var endedWithoutHook: [String] {
    get throws {
      let text = String(
        decoding: try Data(contentsOf: URL(fileURLWithPath: "\(host.folder)/\(name).log")),
        as: UTF8.self)
      var (established, pending, ended): (Set<String>, Set<String>, [String]) = ([], [], [])
      for line in text.split(separator: "\n") {
        // Date, time, microseconds, `name/address:port`, message.
        let words = line.split(separator: " ", maxSplits: 4).map(String.init)
        guard words.count == 5 else { continue }
        let (client, message) = (words[3], words[4])
        if message.hasPrefix("MULTI: primary virtual IP for ") {
          established.insert(client)
        } else if message.hasPrefix("TLS: move_session: dest=TM_ACTIVE src=TM_INITIAL") {
          if established.contains(client) { pending.insert(client) }
        } else if message.hasPrefix("Timers: ") {
          pending.remove(client)
        } else if let moved = message.firstMatch(
          of: #/ floated from \S*?([0-9.]+:[0-9]+) to \S*?([0-9.]+:[0-9]+)/#)
        {
          let other = client.replacing(String(moved.1), with: String(moved.2))
          if established.remove(client) != nil { established.insert(other) }
          if pending.remove(client) != nil { pending.insert(other) }
        } else if message.contains("client-instance ") {
          established.remove(client)
          if pending.remove(client) != nil { ended.append(client) }
        } else if line.contains(" process restarting") || line.contains(" process exiting") {
          ended += pending
          (established, pending) = ([], [])
        }
      }
      return ended.map { String($0.prefix { $0 != "/" }) }
    }
  }

  /// Reads what the scripts behind the hooks noted.
  ///
  /// An ending belongs to the last admission before it of the same process and second that has none:
  /// from the same port to the same virtual address, else from the same port, else to the same
  /// virtual address, for a client that floated and restarted its TLS has another port. The script
  /// behind the connect hook runs only if the hook let the client in, so an ending without its note
  /// was a refusal.
  private func truth() throws -> (admitted: [String], endings: [Ending]) {
    let path = "\(host.folder)/\(name)-truth"
    let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    var open: [[String]] = []
    var admitted: [String] = []
    var endings: [Ending] = []
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      guard fields.count == 11 else { throw RealHostError("a note of another shape: \(line)") }
      if fields[0] == "client-connect" {
        open.append(fields)
        admitted.append(fields[3])
        continue
      }
      let places = [[1, 2, 3, 4, 5], [1, 2, 3, 4], [1, 2, 5]].lazy.compactMap { columns in
        open.lastIndex { note in columns.allSatisfy { note[$0] == fields[$0] } }
      }
      let owner = places.first.map { open.remove(at: $0)[10] }
      endings.append(
        Ending(
          owner: owner, nameAtTheEnd: fields[10], usernameAtTheEnd: fields[9],
          processID: Int(fields[1]) ?? -1, since: Int(fields[2]) ?? -1,
          duration: Int(fields[8]) ?? -1, virtualAddress: fields[5], cameFrom: fields[3],
          received: Int64(fields[6]) ?? -1, sent: Int64(fields[7]) ?? -1))
    }
    return (admitted, endings)
  }

  private var running: Daemon {
    get throws {
      guard let daemon, daemon.isRunning else {
        throw RealHostError("the server \(name) is not running\n\(daemon?.tail() ?? "")")
      }
      return daemon
    }
  }

  private func restart(by signal: Int32) throws {
    let before = try readies()
    try running.signal(signal)
    try waitUntilReady(after: before)
  }

  private func readies() throws -> Int {
    try log.components(separatedBy: "Initialization Sequence Completed").count - 1
  }

  private func waitUntilReady(after count: Int = 0) throws {
    try eventually("the server \(name)", details: { self.daemon?.tail() ?? "" }) {
      guard try running.isRunning else { return false }
      return try readies() > count
    }
  }

  private func configuration() throws -> String {
    let note = try host.write(
      """
      #!/bin/sh
      # OpenVPN's own word on a session, in one write to one line.
      printf '%s\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\n' "$script_type" "$daemon_pid" \\
        "$time_unix" "${untrusted_ip:-$untrusted_ip6}" "$untrusted_port" \\
        "${ifconfig_pool_remote_ip:-$ifconfig_pool_remote_ip6}" "$bytes_received" "$bytes_sent" \\
        "$time_duration" "$username" "$common_name" >>'\(host.folder)/\(name)-truth'

      """, to: "\(name)-note", mode: 0o755)
    func hook(_ command: String?) -> String {
      let line = command.map { "\($0) --then \(note)" } ?? note
      return line.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    }
    var lines =
      network + [
        "ca \(host.certificates.authority)", "key \(host.certificates.key)",
        "cert \(try host.certificates.certificate(for: "server"))", "dh none",
        "management \(socket) unix", "tmp-dir \(host.folder)/\(name)-tmp", "script-security 2",
        "client-connect \"\(hook(options.connectHook))\"",
        "client-disconnect \"\(hook(options.disconnectHook))\"",
        "ping 1", "ping-restart \(options.timeout)", "push \"ping 1\"",
        "push \"ping-restart \(options.timeout)\"", "persist-key", "persist-tun", "verb 3",
      ]
    if options.duplicateCommonName { lines.append("duplicate-cn") }
    if let user = options.user { lines.append("user \(user)") }
    if let group = options.group { lines.append("group \(group)") }
    if let passwords = options.passwords {
      try host.write(
        passwords.map { "\($0.key) \($0.value)\n" }.joined(), to: "\(name)-passwords")
      let verify = try host.write(
        """
        #!/bin/sh
        user=$username
        [ -z "$1" ] || { read -r user && read -r password; } <"$1"
        while read -r known secret; do
          [ "$user $password" = "$known $secret" ] && exit 0
        done <'\(host.folder)/\(name)-passwords'
        exit 1

        """, to: "\(name)-verify", mode: 0o755)
      let inEnvironment = options.hasPasswordsInEnvironment
      let command = options.loginHook.map { "\($0) --then \(verify)" } ?? verify
      lines += [
        "username-as-common-name",
        "auth-user-pass-verify \"\(command)\" \(inEnvironment ? "via-env" : "via-file")",
      ]
      if inEnvironment { lines.append("script-security 3") }
    }
    return (lines + options.lines).joined(separator: "\n") + "\n"
  }

  /// The lines about devices, addresses and sockets.
  private var network: [String] {
    var lines: [String] = []
    if options.isBridge {
      lines += [
        "dev tap\(number)", "mode server", "tls-server", "ifconfig \(address) 255.255.255.0",
      ]
    } else {
      lines += ["dev tun\(number)", "topology subnet", "server 10.99.\(number).0 255.255.255.0"]
    }
    if options.isIPv6 { lines.append("server-ipv6 fd99:\(number)::/64") }
    if options.hasBothTransports {
      lines += ["udp4", "tcp4-server"].map { "local * \(port) \($0)" }
    } else {
      lines += [
        "proto \(options.transport.word(isIPv6: options.isIPv6, ofServer: true))", "port \(port)",
      ]
    }
    return lines
  }
}
