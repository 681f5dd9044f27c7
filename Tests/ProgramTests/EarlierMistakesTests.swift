import Foundation
import TestSupport
import Testing

/// One test for each mistake of the Python project that came before.
@Suite struct EarlierMistakesTests {
  @Test func `usage is not added per sweep and again at disconnect`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    let alice = try server.enter("alice")
    try alice.upload(1_000_000)
    for _ in 0..<3 { try quota.sweep().expect(status: 0) }
    try alice.leave()
    try quota.sweep().expect(status: 0)
    try quota.expectTruth(of: server)
  }

  @Test func `the last counters are not kept in memory`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    let alice = try server.enter("alice")
    var expected: Int64 = 1836 + 1823
    // Every sweep is a process of its own that has only the database to remember by.
    for _ in 0..<3 {
      try alice.upload(1000)
      expected += 1000
      try quota.sweep().expect(status: 0)
      #expect(try quota.used("alice") == expected)
    }
  }

  @Test func `sessions are not keyed by user name`() throws {
    let quota = try Installation()
    let server = try quota.addServer { $0.duplicateCommonNames = true }
    let sessions = try (0..<3).map { _ in try server.enter("alice") }
    for (number, session) in sessions.enumerated() { try session.upload(1000 * (number + 1)) }
    try quota.sweep().expect(status: 0)
    #expect(try quota.openSessions == 3)
    #expect(try quota.used("alice") == 3 * (1836 + 1823) + 6000)
    for session in sessions { try session.leave() }
    try quota.sweep().expect(status: 0)
    try quota.expectTruth(of: server)
  }

  @Test func `a transaction is not spread over several connections`() throws {
    // A program killed at any moment leaves a ledger whose parts agree.
    let quota = try Installation()
    let server = try quota.addServer()
    try server.populate(2000, prefix: "user", received: 1000, sent: 2000)
    for pause in stride(from: 0.01, to: 0.4, by: 0.03) {
      try server.addTraffic(received: 10, sent: 10)
      _ = try Program.run(
        Program.path("quota-sweep"), ["--config", quota.config],
        environment: ["PATH": "/usr/bin:/bin"], timeout: pause)
      let sums = try [LedgerProbe.Measure.periods, .history, .sessions].map {
        try quota.probe.totalUsage(by: $0).total
      }
      let mirror = try quota.probe.users.reduce(0) { $0 + $1.bytesUsed }
      #expect(sums == [mirror, mirror, mirror])
    }
    try quota.sweep().expect(status: 0)
    let truth = try server.sessions.reduce(0) { $0 + $1.received + $1.sent }
    #expect(try quota.probe.users.reduce(0) { $0 + $1.bytesUsed } == truth)
  }

  @Test func `what was swept is not lost when OpenVPN crashes`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    let alice = try server.enter("alice")
    try alice.upload(50_000)
    try quota.sweep().expect(status: 0)
    try server.crash()
    try server.start()
    let again = try server.enter("alice")
    try again.upload(300)
    try quota.sweep().expect(status: 0)
    #expect(try quota.openSessions == 1)
    #expect(try quota.used("alice") == 2 * (1836 + 1823) + 50_300)
    #expect(try quota.probe.loggedSessions.map(\.usage.received) == [51_836])
  }

  @Test(arguments: [1, 2, 3])
  func `the server's status-version does not matter`(version: Int) throws {
    let quota = try Installation()
    let server = try quota.addServer { $0.statusVersion = version }
    try server.enter("alice, \"the\" first").upload(1000)
    try quota.sweep().expect(status: 0)
    #expect(try quota.used("alice, \"the\" first") == 1836 + 1823 + 1000)
  }

  @Test func `the text END ends a listing only as a line of its own`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    for name in ["END", "THE END", "END\u{7F}", "FRIEND", "zoe"] {
      try server.enter(name).upload(1000)
    }
    try quota.sweep().expect(status: 0)
    #expect(try quota.probe.names == ["END", "END_", "FRIEND", "THE END", "zoe"])
    #expect(try quota.openSessions == 5)
  }

  @Test func `kill is not given a client id`() throws {
    let quota = try Installation(["DEFAULT_QUOTA": "10kB"])
    let server = try quota.addServer()
    // A common name that reads like the other's client id.
    let zero = try server.enter("1")
    let one = try server.enter("alice")
    try one.upload(20_000)
    try quota.sweep().expect(status: 0)
    #expect(zero.isConnected)
    #expect(!one.isConnected)
    #expect(try server.commands.allSatisfy { !$0.hasPrefix("kill") })
  }

  @Test func `the hooks start in OpenVPN's bare environment`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    try server.enter("alice").leave()
    #expect(try server.hooks.map(\.status) == [0, 0])
    #expect(try server.log == "")
    for program in ["quota-connect", "quota-disconnect"] {
      let outcome = try Program.run(Program.path(program), ["--version"], environment: [:])
      #expect(outcome.status == 0)
      #expect(outcome.output.hasPrefix(program))
    }
  }

  @Test func `no path is hard-coded`() throws {
    // Everything is somewhere unusual, with spaces in it, and it works all the same.
    let quota = try Installation()
    try FileManager.default.createDirectory(
      atPath: quota.folder + "/an odd place", withIntermediateDirectories: true)
    quota.settings["DATABASE"] = quota.folder + "/an odd place/traffic.sqlite"
    quota.settings["LOG_FILE"] = quota.folder + "/an odd place/some.log"
    try quota.sweep().expect(status: 0)
    let server = try quota.addServer()
    try server.enter("alice", since: now - 60).leave()
    try quota.sweep().expect(status: 0)
    try quota.expectTruth(of: server)
    #expect(FileManager.default.fileExists(atPath: quota.folder + "/an odd place/some.log"))
  }

  @Test func `the connect check knows what live sessions have used`() throws {
    let quota = try Installation()
    let server = try quota.addServer {
      $0.duplicateCommonNames = true
      $0.linger = 60_000
    }
    try quota.admin("add", "alice", "--quota", "10kB")
    let first = try server.enter("alice")
    try first.upload(20_000)
    try quota.sweep().expect(status: 0)
    // The first session is still there, nothing has been closed or logged.
    #expect(try quota.openSessions == 1)
    #expect(try server.enter("alice").isRefused)
  }

  @Test func `a second server's socket is watched`() throws {
    let quota = try Installation()
    let servers = try (0..<3).map { _ in try quota.addServer() }
    for (number, server) in servers.enumerated() {
      try server.enter("alice").upload(1000 * (number + 1))
    }
    try quota.sweep().expect(status: 0)
    #expect(try quota.openSessions == 3)
    #expect(try quota.used("alice") == 3 * (1836 + 1823) + 6000)
    for server in servers { #expect(try server.connections == 1) }
  }
}
