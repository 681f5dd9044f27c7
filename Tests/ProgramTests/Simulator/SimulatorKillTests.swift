import TestSupport
import Testing

/// How the simulator's clients are disconnected.
@Suite struct SimulatorKillTests {
  static func server(_ format: String = "2.6", linger: Int = 150) throws -> SimulatedServer {
    var setup = SimulatedServer.Setup()
    setup.format = format
    setup.linger = linger
    setup.duplicateCommonNames = true
    return try SimulatedServer(setup)
  }

  @Test func `client-kill tells the client and leaves the session a while`() throws {
    let server = try Self.server()
    let alice = try server.enter("alice")
    let client = try ManagementClient(server.management)
    #expect(
      try client.answer(to: "client-kill 0 \"HALT,used up\"")
        == ["SUCCESS: client-kill command succeeded"])
    #expect(!alice.isConnected)
    #expect(try alice.log.contains("Halt command was pushed by server ('used up')"))
    try alice.upload(1000)
    #expect(try client.answer(to: "status 3").contains { $0.contains("\t2836\t") })
    try server.settle()
    #expect(try server.sessions.isEmpty)
    #expect(
      try server.finished == [FinalCounters(name: "alice", received: 2836, sent: 1823)])
  }

  @Test func `client-kill without a message says restart`() throws {
    let server = try Self.server()
    let alice = try server.enter("alice")
    _ = try ManagementClient(server.management).answer(to: "client-kill 0")
    #expect(try alice.fate.message == "RESTART")
  }

  @Test(arguments: [("2.5", true), ("2.6", false)])
  func `another client-kill prolongs the lingering in old releases only`(
    format: String, prolongs: Bool
  ) throws {
    let server = try Self.server(format, linger: 400)
    _ = try server.enter("alice")
    let client = try ManagementClient(server.management)
    _ = try client.line()
    _ = try client.answer(to: "client-kill 0")
    #expect(try client.bytes(for: 0.25).isEmpty)
    _ = try client.answer(to: "client-kill 0")
    #expect(try client.bytes(for: 0.25).isEmpty)
    #expect(try server.sessions.isEmpty == !prolongs)
  }

  @Test func `kill ends all sessions of a name at once`() throws {
    let server = try Self.server()
    for name in ["alice", "alice", "bob"] { _ = try server.enter(name) }
    let client = try ManagementClient(server.management)
    #expect(
      try client.answer(to: "kill alice")
        == ["SUCCESS: common name 'alice' found, 2 client(s) killed"])
    #expect(try server.finished.map(\.name) == ["alice", "alice"])
    #expect(try server.sessions.map(\.name) == ["bob"])
  }

  @Test func `kill UNDEF ends unfinished handshakes, without a hook`() throws {
    let server = try Self.server()
    for _ in 0..<3 { _ = try server.handshake() }
    let client = try ManagementClient(server.management)
    #expect(
      try client.answer(to: "kill UNDEF")
        == ["SUCCESS: common name 'UNDEF' found, 3 client(s) killed"])
    #expect(try server.finished.isEmpty)
  }

  @Test(
    arguments: [
      ("2.6", "kill 192.0.2.9:1194", "SUCCESS: 1 client(s) at address 192.0.2.9:1194 killed"),
      ("2.6", "kill alice:zzz", "ERROR: error parsing IP address: alice"),
      (
        "2.7", "kill udp:192.0.2.9:1194",
        "SUCCESS: 1 client(s) at address udp:192.0.2.9:1194 killed"
      ),
      ("2.7", "kill 192.0.2.9:1194", "ERROR: common name '192.0.2.9' not found"),
      (
        "2.7", "kill udp4:192.0.2.9:1194",
        "ERROR: port number or protocol out of range: 1194 udp4"
      ),
      ("2.7", "kill alice:zzz", "SUCCESS: common name 'alice' found, 1 client(s) killed"),
    ])
  func `what kill takes for an address differs by release`(
    format: String, command: String, answer: String
  ) throws {
    let server = try Self.server(format)
    _ = try server.enter("alice", real: "192.0.2.9:1194")
    let client = try ManagementClient(server.management)
    #expect(try client.answer(to: command) == [answer])
    #expect(try server.sessions.isEmpty == answer.hasPrefix("SUCCESS"))
  }

  @Test func `kill by address finds no client of a dual-stack socket`() throws {
    var setup = SimulatedServer.Setup()
    setup.dualStack = true
    let server = try SimulatedServer(setup)
    _ = try server.enter("alice", real: "192.0.2.9:1194")
    #expect(
      try ManagementClient(server.management).answer(to: "kill 192.0.2.9:1194")
        == ["ERROR: client at address 192.0.2.9:1194 not found"])
  }

  @Test func `a soft restart ends all and counts client ids from 0 again`() throws {
    let server = try Self.server()
    _ = try server.enter("alice")
    _ = try server.enter("bob")
    let client = try ManagementClient(server.management)
    let before = server.processID
    try server.softRestart()
    #expect(Set(try server.finished.map(\.name)) == ["alice", "bob"])
    #expect(try server.enter("carol").clientID == 0)
    // The management connection stays.
    #expect(try client.answer(to: "pid") == ["SUCCESS: pid=\(before)"])
  }
}
