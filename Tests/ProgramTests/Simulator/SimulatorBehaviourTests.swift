import TestSupport
import Testing

/// The ways in which a simulated server can be out of order.
@Suite struct SimulatorBehaviourTests {
  let server: SimulatedServer

  init() throws {
    server = try SimulatedServer()
    try server.populate(20, prefix: "user")
  }

  @Test func `a busy server gives no byte until it is free`() throws {
    try server.behave(.busy)
    let client = try ManagementClient(server.management)
    try client.send("pid\n")
    #expect(try client.bytes(for: 0.15).isEmpty)
    try server.behave(.normal)
    #expect(try client.line()?.hasPrefix(">INFO:") == true)
    #expect(try client.line() == "SUCCESS: pid=\(server.processID)")
  }

  @Test func `a mute server greets and no more`() throws {
    try server.behave(.mute)
    let client = try ManagementClient(server.management)
    #expect(try client.line()?.hasPrefix(">INFO:") == true)
    try client.send("pid\n")
    #expect(try client.bytes(for: 0.15).isEmpty)
  }

  @Test func `a stalling server stops in the middle of a listing`() throws {
    try server.behave(.stall)
    let client = try ManagementClient(server.management)
    try client.send("status 3\npid\n")
    let text = String(decoding: try client.bytes(for: 0.15), as: UTF8.self)
    #expect(text.contains("CLIENT_LIST\tuser"))
    #expect(!text.contains("END"))
    #expect(!text.contains("pid="))
  }

  @Test func `a cut-off server hangs up in the middle of a listing`() throws {
    try server.behave(.cut)
    let client = try ManagementClient(server.management)
    try client.send("status 3\npid\n")
    let text = String(decoding: try client.rest(), as: UTF8.self)
    #expect(text.contains("CLIENT_LIST\tuser"))
    #expect(!text.contains("END"))
  }

  @Test func `a truncated listing has rows, no end, and the pid behind it`() throws {
    try server.behave(.truncate)
    let client = try ManagementClient(server.management)
    try client.send("status 3\npid\n")
    let text = try client.text(upTo: "SUCCESS: pid=\(server.processID)\r\n")
    #expect(text.split(separator: "\r\n").count { $0.hasPrefix("CLIENT_LIST") } == 10)
    #expect(!text.contains("END"))
  }

  @Test func `a server in hold knows its pid and nothing of its clients`() throws {
    try server.behave(.hold)
    let client = try ManagementClient(server.management)
    _ = try client.line()
    #expect(try client.line() == ">HOLD:Waiting for hold release:0")
    for command in ["status", "kill", "client-kill"] {
      #expect(
        try client.answer(to: "\(command) 3") == [
          "ERROR: The '\(command)' command is not supported by the current daemon mode"
        ])
    }
    #expect(try client.answer(to: "pid") == ["SUCCESS: pid=\(server.processID)"])
    #expect(try client.answer(to: "hold release") == ["SUCCESS: hold release succeeded"])
    #expect(try client.answer(to: "status 3").count > 20)
  }

  @Test func `garbage is no line of OpenVPN's`() throws {
    try server.behave(.garbage)
    let client = try ManagementClient(server.management)
    let bytes = try client.bytes(for: 0.15)
    #expect(bytes.count == 4096)
    #expect(Set(bytes).count > 200)
  }

  @Test func `a web server answers as one`() throws {
    try server.behave(.http)
    let client = try ManagementClient(server.management)
    #expect(try client.line() == "HTTP/1.1 400 Bad Request")
  }

  @Test func `a flood is lines without an end`() throws {
    try server.behave(.flood)
    let client = try ManagementClient(server.management)
    _ = try client.line()
    for _ in 0..<1000 { #expect(try client.line()?.hasPrefix(">LOG:") == true) }
  }

  @Test func `an endless line is none`() throws {
    try server.behave(.endless)
    let bytes = try ManagementClient(server.management).bytes(for: 0.1)
    #expect(bytes.count > 10_000)
    #expect(!bytes.contains(UInt8(ascii: "\n")))
  }

  @Test func `a chatty server talks around its answers`() throws {
    try server.behave(.chatty)
    let client = try ManagementClient(server.management)
    _ = try client.line()
    try client.send("pid\n")
    #expect(try client.line()?.hasPrefix(">LOG:") == true)
    #expect(try client.line() == "SUCCESS: pid=\(server.processID)")
    #expect(try client.line()?.hasPrefix(">STATE:") == true)
  }

  @Test func `a slow server needs 20 ms for a byte`() throws {
    try server.behave(.slow)
    let count = try ManagementClient(server.management).bytes(for: 0.5).count
    #expect((5...26).contains(count))
  }

  @Test func `a closing server hangs up without a word`() throws {
    try server.behave(.closing, for: 1)
    #expect(try ManagementClient(server.management).rest().isEmpty)
    // Only that one connection was to be treated so.
    #expect(try ManagementClient(server.management).line()?.hasPrefix(">INFO:") == true)
    #expect(try server.connections == 2)
  }
}
