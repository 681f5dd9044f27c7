import Foundation
import TestSupport
import Testing

/// Two servers on one host, and one ledger.
@Suite(.serialized, .enabled(if: RealHost.isAvailable))
struct TwoServersTests {
  @Test func `usage of one user on both adds up, and both sessions go`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice", "--quota", "1MB")
    try quota.admin("add", "bob")
    let office = try quota.server("office")
    let home = try quota.server("home")
    let there = try office.client("alice")
    let here = try home.client("alice")
    let bob = try home.client("bob")
    for client in [there, here, bob] { #expect(try client.connect() == .up) }
    try there.upload(600_000)
    try quota.sweep()
    #expect(try there.ping() && here.ping())
    try here.download(600_000)
    try bob.download(600_000)
    try quota.sweep()
    for client in [there, here] {
      try client.wait(for: "to be halted") { $0 == .halted("Traffic quota used up") }
    }
    #expect(try bob.ping())
    #expect(try there.connect() == .refused(""))
    #expect(try here.connect() == .refused(""))
    try office.stop()
    try home.stop()
    try quota.expectExactAfterSweeps()
  }

  @Test func `a server that is down neither delays nor closes what the other has`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice", "--quota", "1MB")
    let office = try quota.server("office")
    let home = try quota.server("home")
    let there = try office.client("bob")
    let here = try home.client("alice")
    try there.connect()
    try here.connect()
    try quota.sweep()
    #expect(try quota.openSessions() == 2)
    try office.crash()
    try here.upload(1_100_000)
    let said = try quota.sweep(expecting: [69])
    #expect(said.errors.contains("office"))
    try here.wait(for: "to be halted") { $0 == .halted("Traffic quota used up") }
    try here.waitUntilGone()
    #expect(try quota.openSessions() == 1)
    #expect(try quota.usage(of: "alice") == quota.truth()["alice"])
  }
}
