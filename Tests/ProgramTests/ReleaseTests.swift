import TestSupport
import Testing

/// What is done about each release of OpenVPN, on a simulator that has its habits.
@Suite struct `On OpenVPN` {
  /// A release, and where it differs from the others.
  struct Release: CustomTestStringConvertible, Sendable {
    let name: String
    /// How a client is told to go.
    let kill: String
    /// How one is dropped that outlived being told twice; nil where it is dropped at once.
    let drop: String?
    /// The hooks that run for a client that is refused.
    let refusal: [String]

    var testDescription: String { name }
    /// Whether its listing has a second address.
    var listsIPv6: Bool { name != "2.3" }
  }

  static let releases = [
    Release(name: "2.3", kill: "kill 192.0.2.9:1194", drop: nil, refusal: ["connect"]),
    Release(
      name: "2.4", kill: "client-kill 0 \"HALT,over\"", drop: "kill 192.0.2.9:1194",
      refusal: ["connect"]),
    Release(
      name: "2.5", kill: "client-kill 0 \"HALT,over\"", drop: "kill 192.0.2.9:1194",
      refusal: ["connect"]),
    Release(
      name: "2.6", kill: "client-kill 0 \"HALT,over\"", drop: "kill 192.0.2.9:1194",
      refusal: ["connect", "disconnect"]),
    Release(
      name: "2.7", kill: "client-kill 0 \"HALT,over\"", drop: "kill udp:192.0.2.9:1194",
      refusal: ["connect", "disconnect"]),
  ]

  @Test(arguments: releases)
  func `users are metered, disconnected and refused alike`(release: Release) throws {
    let quota = try Installation(["KILL_MESSAGE": "HALT,over"])
    let server = try quota.addServer { $0.format = release.name }
    try quota.admin("add", "alice", "--quota", "10kB")
    let alice = try server.enter("alice", real: "192.0.2.9:1194")
    let bob = try server.enter("bob", address6: release.listsIPv6 ? "fd00::5" : nil)
    for client in [alice, bob] { try client.upload(20_000) }
    try quota.sweep().expect(status: 0)
    #expect(try server.commands.filter { $0.contains("kill") } == [release.kill])
    #expect(bob.isConnected && !alice.isConnected)
    try server.settle()

    let hooks = try server.hooks.count
    #expect(try server.enter("alice", real: "192.0.2.9:1194").isRefused)
    #expect(try server.hooks.dropFirst(hooks).map(\.kind) == release.refusal)
    try bob.upload(5000)
    try quota.sweep().expect(status: 0)
    #expect(try quota.openSessions == 1)
    #expect(try quota.used("bob") == 1836 + 1823 + 25_000)
    try bob.leave()
    try quota.sweep().expect(status: 0)
    #expect(try quota.probe.events("refused").map(\.count) == [1])
    try quota.expectTruth(of: server)
  }

  @Test(arguments: releases)
  func `who does not go when told to is dropped`(release: Release) throws {
    guard let drop = release.drop else { return }
    let quota = try Installation(["DEFAULT_QUOTA": "10kB", "KILL_MESSAGE": "HALT,over"])
    let server = try quota.addServer {
      $0.format = release.name
      $0.linger = 60_000
    }
    try server.enter("alice", real: "192.0.2.9:1194").upload(20_000)
    for _ in 0..<3 {
      try quota.sweep().expect(status: 0)
      try quota.probe.ageKills()
    }
    #expect(
      try server.commands.filter { $0.contains("kill") } == [release.kill, release.kill, drop])
    #expect(try server.sessions.isEmpty)
  }
}
