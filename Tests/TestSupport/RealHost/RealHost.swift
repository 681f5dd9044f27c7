import Foundation

/// A host of a test's own: a network namespace in which real OpenVPN servers run, and one more
/// for each client, joined to it by a veth pair.
///
/// Nothing of it touches the machine's own network. All of it goes away with the last server,
/// client or host that a test holds; what a killed run left is cleared when the next host is made.
package final class RealHost {
  /// Whether stories can be told on a real OpenVPN here.
  package static var isAvailable: Bool { isAvailable(with: .usual) }

  /// Whether they can be told on this OpenVPN.
  ///
  /// With `CI=true` it always says yes, so that a missing OpenVPN fails there and is never skipped.
  package static func isAvailable(with openvpn: OpenVPNProgram) -> Bool {
    missing(openvpn).isEmpty || ProcessInfo.processInfo.environment["CI"] == "true"
  }

  /// What stands between this machine and a real OpenVPN; empty if nothing does.
  private static func missing(_ openvpn: OpenVPNProgram) -> [String] {
    var missing: [String] = []
    if geteuid() != 0 { missing.append("root") }
    if !Capability.netAdmin.isEffective { missing.append("CAP_NET_ADMIN") }
    if unsafe access("/dev/net/tun", R_OK | W_OK) != 0 { missing.append("/dev/net/tun") }
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    for program in [openvpn.path, "openssl", "ip", "ping"] {
      let places = program.contains("/") ? [program] : folders.map { "\($0)/\(program)" }
      if !places.contains(where: { unsafe access($0, X_OK) == 0 }) { missing.append(program) }
    }
    return missing
  }

  /// The OpenVPN of its servers and clients.
  package let openvpn: OpenVPNProgram

  /// A folder for configs, logs, sockets and whatever a test wants to keep beside them. Everybody
  /// may enter it, as hooks may run as `nobody`.
  package let folder: String

  let certificates: Certificates
  private let namespaces: Namespaces
  private var daemons: [Daemon] = []
  private var servers = 0
  private var clients = 0

  package init(_ openvpn: OpenVPNProgram = .usual) throws {
    self.openvpn = openvpn
    let missing = RealHost.missing(openvpn)
    guard missing.isEmpty else {
      throw RealHostError("no real OpenVPN here, for want of \(missing.joined(separator: ", "))")
    }
    Namespaces.clearDead()
    namespaces = Namespaces()
    folder = namespaces.folder
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    certificates = try Certificates(in: folder)
    do {
      try namespaces.add("host")
    } catch {
      tearDown()
      throw error
    }
  }

  deinit { tearDown() }

  /// Kills every process of the host and removes its namespaces and its folder.
  package func tearDown() {
    for daemon in daemons { daemon.kill() }
    daemons.removeAll()
    namespaces.removeAll()
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// The namespace the servers run in.
  package var serverNamespace: String { namespaces.name("host") }

  /// Writes a file into the host's folder and gives its path.
  @discardableResult
  package func write(_ text: String, to name: String, mode: Int = 0o644) throws -> String {
    let path = folder + "/" + name
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    return path
  }

  /// A number for the next server: its port and its tunnel's network follow from it.
  func nextServer() -> Int {
    defer { servers += 1 }
    return servers
  }

  /// A number for the next client: its network device and its files follow from it.
  func nextClient() -> Int {
    clients += 1
    return clients
  }

  /// Makes a namespace for a client, joined to the servers' by a network of its own.
  func network(_ number: Int) throws -> String {
    let name = "c\(number)"
    try namespaces.add(name)
    try namespaces.join(name, to: "host", network: number)
    return namespaces.name(name)
  }

  /// Starts a program in one of the namespaces and remembers to end it.
  func spawn(_ command: [String], in namespace: String, log: String) throws -> Daemon {
    let daemon = try Daemon(["ip", "netns", "exec", namespace] + command, log: log)
    daemons.append(daemon)
    return daemon
  }
}

/// Something a story on a real host needed and did not get.
package struct RealHostError: Error, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}

/// Looks again every few milliseconds until something is so.
///
/// - Parameter seconds: how long to look, which has to do for a busy machine; then it throws, naming
///   `what`, with `details` behind it.
package func eventually(
  _ what: String, within seconds: Double = 60, details: () -> String = { "" },
  until condition: () throws -> Bool
) throws {
  let deadline = Date().addingTimeInterval(seconds)
  while try !condition() {
    guard Date() < deadline else {
      throw RealHostError("waited \(seconds) s in vain for \(what)\n\(details())")
    }
    usleep(5000)
  }
}
