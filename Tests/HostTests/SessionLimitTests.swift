import Foundation
import SQLite
import TestSupport
import Testing

/// So many sessions at once and no more: the door keeps to it, and the sweep sees to it.
@Suite(.serialized, .enabled(if: RealHost.isAvailable))
struct SessionLimitTests {
  /// TCP, so that the server knows at once who is gone.
  private var options: RealServer.Options {
    var options = RealServer.Options()
    options.transport = .tcp
    options.duplicateCommonName = true
    return options
  }

  @Test func `the door knows of sessions before any sweep does, and after`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice", "--max-sessions", "2")
    let server = try quota.server("office", options)
    let devices = try (1...3).map { _ in try server.client("alice") }
    #expect(try devices[0].connect() == .up)
    #expect(try devices[1].connect() == .up)
    #expect(try devices[2].connect() == .refused(""))
    #expect(try quota.probe.openSessions.isEmpty, "no sweep has run")
    #expect(try server.client("bob").connect() == .up)

    try quota.sweep()
    #expect(try quota.log.contains("refused user=alice reason=\"too many sessions at once\""))
    #expect(try quota.openSessions() == 3)
    #expect(try devices[2].connect() == .refused(""))
    #expect(try devices[0].ping() && devices[1].ping(), "two are allowed to stay")
    try devices[0].leave()
    #expect(try devices[2].connect() == .up)
  }

  @Test func `the sweep sends the newest away, and tells it why`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice")
    let server = try quota.server("office", options)
    let devices = try (1...3).map { _ in try server.client("alice") }
    for device in devices { #expect(try device.connect() == .up) }
    try quota.admin("set", "alice", "--max-sessions", "2")
    try quota.sweep()
    try devices[2].wait(for: "to be halted") { $0 == .halted("Too many sessions at once") }
    try devices[2].waitUntilGone()
    try quota.sweep()
    #expect(try devices[0].ping() && devices[1].ping())
    #expect(try quota.events("killed") == ["alice sessions": 1])
    #expect(try devices[2].connect() == .refused(""))
  }

  @Test func `after a crash of the server nobody is locked out by what was open then`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice", "--max-sessions", "2")
    let server = try quota.server("office", options)
    let devices = try (1...2).map { _ in try server.client("alice") }
    for device in devices { #expect(try device.connect() == .up) }
    try quota.sweep()
    try server.crash()
    try server.start()
    for device in devices {
      try device.wait(for: "to be back") { state in
        try device.connections == 2 || state != .up && state != .connecting
      }
      #expect(try device.state == .up)
    }
    let third = try server.client("alice")
    #expect(try third.connect() == .refused(""), "two are in again")
    try quota.sweep()
    #expect(try quota.openSessions() == 2)
    #expect(try devices[0].ping() && devices[1].ping())
  }

  @Test(arguments: [false, true])
  func `a client that takes the place of its own dead session is let in`(isLocked: Bool) throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice", "--max-sessions", "1")
    // Over UDP the server does not notice, and drops the old session for the new one.
    let server = try quota.server()
    let dead = try server.client("alice")
    #expect(try dead.connect() == .up)
    try quota.sweep()
    try dead.vanish()
    // Within the second it would be taken for the same session.
    let since = try #require(try server.listing().first?.since)
    try eventually("the next second") { Int(Date().timeIntervalSince1970) > since }
    let database = try Connection(quota.data + "/quota.db", busyTimeout: 5000)
    // The connect hook finds the end in the journal, whether or not anybody could take it in.
    if isLocked { try database.execute("BEGIN IMMEDIATE") }
    #expect(try server.client("alice").connect() == .up)
    if isLocked { try database.execute("ROLLBACK") }
    #expect(try quota.openSessions() == 1)
  }

  @Test func `sessions on two servers add up, at the door and for the sweep`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice", "--max-sessions", "2")
    let office = try quota.server("office", options)
    let home = try quota.server("home", options)
    let there = try office.client("alice")
    let here = try home.client("alice")
    #expect(try there.connect() == .up)
    // The session that is the newer of the two began in a later second.
    usleep(1_000_000)
    #expect(try here.connect() == .up)
    let third = try home.client("alice")
    #expect(try third.connect() == .refused(""))
    try quota.sweep()
    #expect(try third.connect() == .refused(""))
    #expect(try office.client("alice").connect() == .refused(""))

    try quota.admin("set", "alice", "--max-sessions", "1")
    try quota.sweep()
    try here.wait(for: "to be halted") { $0 == .halted("Too many sessions at once") }
    #expect(try there.ping())
  }
}
