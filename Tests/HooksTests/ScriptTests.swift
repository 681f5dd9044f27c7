import Gate
import Quota
import Testing

/// `--then PROGRAM [ARGUMENT…]`: the script that the server already had.
@Suite struct `The server's own script` {
  private let words = [
    "--server", "udp", "--then", "script", "--config", "of its own", "/tmp/file",
  ]

  private func host() throws -> HookHost {
    let host = try HookHost()
    host.users["alice"] = AccessUser(maxSessions: 1)
    try host.publish()
    return host
  }

  @Test func `is run once the answer is yes, and may still say no`() throws {
    let host = try host()
    #expect(host.connect(host.client("alice"), words).isIn)
    #expect(host.scripts == [4])
    host.disconnect(host.client("alice"))
    host.script = { 1 }
    #expect(!host.connect(host.client("alice"), words).isIn)
    let record = try #require(try host.records().last)
    #expect(record.kind == .out && record.reason == .script)
    // What the script refused is no session.
    host.script = { 0 }
    #expect(host.connect(host.client("alice", port: 2), words).isIn)
  }

  @Test func `is not run for a client that is refused`() throws {
    let host = try host()
    host.users["alice"]?.isEnabled = false
    try host.publish()
    #expect(!host.connect(host.client("alice"), words).isIn)
    #expect(host.scripts.isEmpty)
  }

  @Test(arguments: [1, 2, 127, 137])
  func `keeps the client out by any status but 0`(status: Int32) throws {
    let host = try host()
    host.script = { status }
    #expect(!host.connect(host.client("alice"), words).isIn)
  }

  @Test func `keeps the client out where it cannot be run, as OpenVPN has it`() throws {
    let host = try host()
    host.script = { nil }
    let ran = host.connect(host.client("alice"), words)
    #expect(!ran.isIn)
    #expect(ran.errors.count == 1)
    #expect(try host.records().last?.reason == .script)
  }

  @Test func `takes its time, in which the user may come in on another server`() throws {
    let host = try host()
    host.script = {
      host.script = { 0 }
      host.connect(host.client("alice", port: 9, server: "other", pid: 1))
      return 0
    }
    #expect(!host.connect(host.client("alice"), words).isIn)
    #expect(try host.records().map(\.reason) == [nil, .sessions])
  }

  @Test func `follows the disconnect hook once the end is written`() throws {
    let host = try host()
    let client = host.client("alice")
    host.connect(client)
    let ran = host.disconnect(client, received: 1, sent: 2, duration: 3, words)
    #expect(host.successors == [4])
    // It is another program then; that it could not be run is told.
    #expect(ran.status == 0 && ran.errors.count == 1)
    let record = try #require(try host.records().last)
    #expect(record.kind == .end)
    #expect(record.received == 1 && record.sent == 2 && record.duration == 3)
  }

  @Test(arguments: [
    (["--then"], "--then wants a program"), (["--config"], "--config wants the path of a file"),
    (["--server"], "--server wants a name"), (["--verbose"], "unknown option --verbose"),
    (["-\u{1B}[2J"], "unknown option -\\x1B[2J"),
  ])
  func `and other words that make no sense are told, and the work goes on`(
    arguments: [String], problem: String
  ) throws {
    let host = try host()
    let ran = host.connect(host.client("alice", changes: ["QUOTA_CONFIG": nil]), arguments)
    #expect(ran.isIn)
    #expect(ran.errors == ["quota-connect: warning: \(problem)"])
  }

  @Test func `tells its version`() throws {
    let host = try host()
    let ran = host.run("/a/quota-connect", ["--version"], [:])
    #expect(ran.status == 0 && ran.errors.isEmpty)
    #expect(ran.said.first?.hasPrefix("quota-connect 0.") == true)
  }
}
