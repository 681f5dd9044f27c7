import TestSupport
import Testing

/// Clients that are turned away at the door.
@Suite struct RefusalTests {
  @Test func `a hundred refused tries are one counted row and no usage`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    try quota.admin("add", "alice", "--quota", "10kB")
    let alice = try server.enter("alice", since: now - 5000)
    try alice.upload(20_000)
    try alice.leave()
    let before = try quota.used("alice")
    for number in 0..<100 {
      let client = try server.enter("alice", since: now - 4000 + Int64(number) * 11)
      #expect(client.isRefused)
      if number % 40 == 39 { try quota.sweep().expect(status: 0) }
    }
    #expect(try server.hooks.count { $0.status != 0 } == 100)
    try quota.sweep().expect(status: 0)
    #expect(try quota.used("alice") == before)
    let refusals = try quota.probe.events("refused")
    #expect(refusals.map(\.count) == [100] && refusals.map(\.detail) == ["quota"])
    try quota.expectTruth(of: server)
  }

  @Test func `refused tries are one event a user and reason, also without a sweep`() throws {
    let quota = try Installation(["UNKNOWN_USERS": "reject"])
    let server = try quota.addServer()
    for number in 0..<20 {
      for name in ["mallory", "trudy"] {
        #expect(try server.enter(name, since: now - 1000 + Int64(number) * 11).isRefused)
      }
    }
    try quota.takeInJournal()
    #expect(try quota.probe.names.isEmpty)
    #expect(
      try quota.probe.events.map { "\($0.user) \($0.detail) \($0.count)" }.sorted()
        == ["mallory unknown 20", "trudy unknown 20"])
  }

  @Test func `the log does not repeat itself over one user's tries`() throws {
    let quota = try Installation(["UNKNOWN_USERS": "reject"])
    let server = try quota.addServer()
    for number in 0..<20 { _ = try server.enter("mallory", since: now - 1000 + Int64(number)) }
    for _ in 1...2 { try quota.sweep().expect(status: 0) }
    let log = try String(contentsOfFile: quota.folder + "/log", encoding: .utf8)
    #expect(log.split(separator: "\n").count { $0.contains("refused") } == 1)
  }

  @Test func `the log tells of refusals whichever program takes them in`() throws {
    let quota = try Installation(["UNKNOWN_USERS": "reject"])
    let server = try quota.addServer()
    #expect(try server.enter("mallory", since: now - 100).isRefused)
    try quota.admin("list")
    let log = try String(contentsOfFile: quota.folder + "/log", encoding: .utf8)
    #expect(log.contains("info quota-admin: refused user=mallory"))
  }

  @Test func `a disabled user stays out and an enabled one comes in`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    try quota.admin("add", "alice")
    try quota.admin("disable", "alice")
    #expect(try server.enter("alice", since: now - 100).isRefused)
    try quota.admin("enable", "alice")
    #expect(try !server.enter("alice", since: now - 50).isRefused)
  }

  @Test func `a higher quota lets a user in again`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    try quota.admin("add", "alice", "--quota", "1kB")
    let alice = try server.enter("alice", since: now - 100)
    try alice.leave()
    #expect(try server.enter("alice", since: now - 50).isRefused)
    try quota.admin("set", "alice", "--quota", "1GB")
    #expect(try !server.enter("alice", since: now - 20).isRefused)
  }

  @Test func `a refusal by another handler adds no session to the log`() throws {
    let quota = try Installation()
    // As a client-connect script of the operator's own that says no after ours is not there.
    let server = try quota.addServer { $0.clientConnect = "/bin/false" }
    try quota.admin("add", "alice")
    #expect(try server.enter("alice").isRefused)
    try quota.sweep().expect(status: 0)
    #expect(try quota.probe.loggedSessions.isEmpty)
    #expect(try quota.used("alice") == 0)
  }

  @Test func `a name whose row would break the listing is refused`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    _ = try server.enter("alice")
    #expect(try server.enter("bob", username: String(repeating: "u", count: 500)).isRefused)
    try quota.sweep().expect(status: 0)
    #expect(try quota.probe.events("refused").map(\.detail) == ["name-too-long"])
    #expect(try quota.probe.names == ["alice"])
  }
}
