import Foundation
import TestSupport
import Testing

/// The main job: over quota, out, and not in again before the quota is raised.
@Suite(.serialized, .enabled(if: RealHost.isAvailable))
struct OverQuotaTests {
  @Test func `one sweep halts who is over quota, and the door stays shut until it is raised`()
    throws
  {
    let quota = try QuotaHost()
    try quota.admin("add", "alice", "--quota", "1MB")
    try quota.admin("add", "bob")
    let server = try quota.server()
    let alice = try server.client("alice")
    let bob = try server.client("bob")
    #expect(try alice.connect() == .up)
    #expect(try bob.connect() == .up)
    try alice.upload(600_000)
    try alice.download(600_000)
    try bob.upload(1_200_000)

    let said = try quota.sweep("--dry-run")
    #expect(said.output.contains("alice"))
    #expect(try quota.usage().isEmpty)
    #expect(try alice.ping())

    try quota.sweep()
    try alice.wait(for: "to be halted") { $0 == .halted("Traffic quota used up") }
    #expect(try quota.events("killed").keys.contains { $0.hasPrefix("alice ") })
    #expect(try bob.ping())

    #expect(try alice.connect() == .refused(""))
    // The hook writes no log: the sweep does when it takes the journal in.
    try quota.sweep()
    #expect(try quota.log.contains("refused"))
    #expect(bob.isConnected)

    try quota.admin("set", "alice", "--quota", "10MB")
    #expect(try alice.connect() == .up)
    try alice.upload(20_000)
    try quota.sweep()
    #expect(try alice.ping())
    #expect(try bob.ping())
    try server.stop()
    try quota.expectExactAfterSweeps()
  }

  @Test func `traffic of a live session counts at the door`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice")
    var options = RealServer.Options()
    options.duplicateCommonName = true
    let server = try quota.server("office", options)
    let first = try server.client("alice")
    let second = try server.client("alice")
    try first.connect()
    try first.upload(600_000)
    try quota.sweep()
    try quota.admin("set", "alice", "--quota", "500kB")
    #expect(try second.connect() == .refused(""))
    #expect(try first.ping())
  }

  @Test func `both sessions of one certificate go when their sum is over`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice", "--quota", "1MB")
    var options = RealServer.Options()
    options.duplicateCommonName = true
    let server = try quota.server("office", options)
    let clients = try [server.client("alice"), server.client("alice")]
    for client in clients {
      try client.connect()
      try client.upload(600_000)
    }
    try quota.sweep()
    for client in clients {
      try client.wait(for: "to be halted") { $0 == .halted("Traffic quota used up") }
    }
    for client in clients { try client.waitUntilGone() }
    try quota.expectExactAfterSweeps()
  }

  @Test func `a disabled user is disconnected and refused, and let in again when enabled`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice")
    let server = try quota.server()
    let alice = try server.client("alice")
    #expect(try alice.connect() == .up)
    try quota.admin("disable", "alice")
    try quota.sweep()
    try alice.wait(for: "to be disconnected") { $0 != .up }
    try alice.waitUntilGone()
    #expect(try alice.connect() == .refused(""))
    try quota.admin("enable", "alice")
    #expect(try alice.connect() == .up)
  }
}
