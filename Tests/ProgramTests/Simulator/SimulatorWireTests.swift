import TestSupport
import Testing

/// How the simulator greets, queues and answers: as OpenVPN 2.6 does.
@Suite struct SimulatorWireTests {
  @Test(arguments: [("2.3", 1), ("2.4", 1), ("2.5", 3), ("2.6", 5), ("2.7", 6)])
  func `the greeting carries the release's interface version`(
    format: String, version: Int
  ) throws {
    var setup = SimulatedServer.Setup()
    setup.format = format
    let server = try SimulatedServer(setup)
    let client = try ManagementClient(server.management)
    #expect(
      try client.line()
        == ">INFO:OpenVPN Management Interface Version \(version) -- type 'help' for more info")
  }

  @Test func `a second client gets no byte until the first has left`() throws {
    let server = try SimulatedServer()
    let first = try ManagementClient(server.management)
    _ = try first.line()
    let second = try ManagementClient(server.management)
    try second.send("pid\n")
    #expect(try second.bytes(for: 0.15).isEmpty)
    try first.send("quit\n")
    #expect(try first.rest().isEmpty)
    #expect(try second.line()?.hasPrefix(">INFO:") == true)
    #expect(try second.line() == "SUCCESS: pid=\(server.processID)")
  }

  @Test func `quit before the end of a listing throws the listing away`() throws {
    let server = try SimulatedServer()
    try server.populate(100, prefix: "user")
    let client = try ManagementClient(server.management)
    _ = try client.line()
    try client.send("status 3\nquit\n")
    #expect(try client.rest().isEmpty)
  }

  @Test func `commands behind one another are answered in order`() throws {
    let server = try SimulatedServer()
    _ = try server.enter("alice")
    let client = try ManagementClient(server.management)
    try client.send("pid\nstatus 2\npid\n")
    let all = try client.text(upTo: "END\r\nSUCCESS: pid=\(server.processID)\r\n")
    #expect(all.contains("SUCCESS: pid=\(server.processID)\r\nTITLE,OpenVPN 2.6."))
    #expect(try server.commands == ["pid", "status 2", "pid"])
  }

  @Test func `the password is asked for without a line end, and thrice at most`() throws {
    var setup = SimulatedServer.Setup()
    setup.password = "open sesame"
    let server = try SimulatedServer(setup)
    let stranger = try ManagementClient(server.management)
    for _ in 0..<3 {
      #expect(try stranger.text(upTo: ":") == "ENTER PASSWORD:")
      try stranger.send("wrong\n")
    }
    #expect(try stranger.rest().isEmpty)
    let friend = try ManagementClient(server.management)
    _ = try friend.text(upTo: "ENTER PASSWORD:")
    try friend.send("open sesame\r\n")
    #expect(try friend.line() == "SUCCESS: password is correct")
    #expect(try friend.line()?.hasPrefix(">INFO:") == true)
  }

  @Test func `a client that comes in is told of between the answers`() throws {
    let server = try SimulatedServer()
    let client = try ManagementClient(server.management)
    _ = try client.line()
    let id = try #require(try server.enter("alice").clientID)
    #expect(try client.line() == ">CLIENT:ESTABLISHED,\(id)")
    #expect(try client.line() == ">CLIENT:ENV,common_name=alice")
    #expect(try client.text(upTo: "END\r\n").hasSuffix(">CLIENT:ENV,END\r\n"))
    #expect(try client.answer(to: "pid") == ["SUCCESS: pid=\(server.processID)"])
  }

  @Test(
    arguments: [
      ("foo bar", "unknown command, enter 'help' for more options"),
      ("status 4", "bad status format version number"),
      ("kill", "the 'kill' command requires 1 parameter"),
      ("client-kill", "the 'client-kill' command requires at least 1 parameter"),
      ("client-kill x", "cannot parse CID"),
      ("client-kill 7", "client-kill command failed"),
      ("client-kill -1", "client-kill command failed"),
      ("kill a", "common name 'a' not found"),
      ("kill a:1", "error parsing IP address: a"),
      ("kill a:", "common name 'a' not found"),
      ("kill :", "kill parse"),
      ("kill \"\"", "kill parse"),
      ("kill 1.2.3.4:5", "client at address 1.2.3.4:5 not found"),
      ("kill 1.2.3.4:99999", "port number is out of range: 99999"),
      ("kill \"a b", "Options error: No closing quotation (\") in TCP:0"),
      ("kill 'a b", "Options error: No closing single quotation (') in TCP:0"),
      ("kill \"a \\\"b\\\" \\\\c\"", "common name 'a \"b\" \\c' not found"),
      ("kill 'a \"b\" c'", "common name 'a \"b\" c' not found"),
      ("pid;", "unknown command, enter 'help' for more options"),
    ])
  func `mistakes are answered in OpenVPN's own words`(command: String, error: String) throws {
    let server = try SimulatedServer()
    let client = try ManagementClient(server.management)
    #expect(try client.answer(to: command) == ["ERROR: \(error)"])
  }

  @Test func `a parameter may have 256 bytes and not one more`() throws {
    let server = try SimulatedServer()
    let client = try ManagementClient(server.management)
    let message = String(repeating: "m", count: 256)
    _ = try server.enter("alice")
    #expect(
      try client.answer(to: "client-kill 0 \(message)")
        == ["SUCCESS: client-kill command succeeded"])
    #expect(
      try client.answer(to: "client-kill 0 \(message)m") == [
        "ERROR: Options error: Parameter at TCP:0 is too long (256 chars max): "
          + message.dropLast()
      ])
  }

  @Test func `comments, empty lines and overlong lines get no answer`() throws {
    let server = try SimulatedServer()
    let client = try ManagementClient(server.management)
    let overlong = String(repeating: "x", count: 1024)
    #expect(
      try client.answer(to: "# status\n\n\(overlong)pid") == [
        "SUCCESS: pid=\(server.processID)"
      ])
  }

  @Test func `control characters in a command are dropped`() throws {
    let server = try SimulatedServer()
    let client = try ManagementClient(server.management)
    #expect(try client.answer(to: "p\ti\u{1}d\r") == ["SUCCESS: pid=\(server.processID)"])
  }

  @Test func `it listens on TCP too`() throws {
    var setup = SimulatedServer.Setup()
    setup.host = "127.0.0.1"
    let server = try SimulatedServer(setup)
    #expect(
      try ManagementClient(server.management).answer(to: "pid") == [
        "SUCCESS: pid=\(server.processID)"
      ])
  }

  @Test func `version and load-stats are answered`() throws {
    let server = try SimulatedServer()
    let alice = try server.enter("alice")
    try alice.setCounters(received: 10, sent: 20)
    let client = try ManagementClient(server.management)
    #expect(try client.answer(to: "version").last == "Management Version: 5")
    #expect(try client.answer(to: "load-stats") == ["SUCCESS: nclients=1,bytesin=10,bytesout=20"])
  }
}
