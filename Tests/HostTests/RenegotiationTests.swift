import Foundation
import TestSupport
import Testing

/// Names that move during a session move no bytes to another account.
@Suite(.serialized, .enabled(if: RealHost.isAvailable))
struct RenegotiationTests {
  @Test(arguments: ["common-name", "username"])
  func `who renegotiates under another's name with a wrong password pays for himself`(
    identity: String
  ) throws {
    let quota = try QuotaHost(["IDENTIFY_BY": identity])
    try quota.admin("add", "alice")
    try quota.admin("add", "bob")
    var options = RealServer.Options()
    options.passwords = ["alice": "hers", "bob": "his"]
    let server = try quota.server("office", options)
    var bringing = RealClient.Options()
    bringing.credentials = ("alice", "hers")
    bringing.renegotiateAfter = 100_000
    let alice = try server.client("certificate", bringing)
    try alice.connect()
    try alice.upload(50_000)
    try quota.sweep()
    try alice.use(user: "bob", password: "wrong")
    try alice.renegotiate()
    try alice.wait(for: "to be refused") { $0 == .refused("") }
    #expect(try server.listing().map(\.name) == ["certificate"])
    try quota.sweep()
    try alice.waitUntilGone()
    let ending = try #require(try server.endings.first)
    #expect(ending.usernameAtTheEnd == "bob")
    try quota.expectExactAfterSweeps()
    #expect(try quota.usage(of: "bob").total == 0)
    #expect(
      try quota.probe.names == ["alice", "bob"])
  }

  @Test func `the same without a single sweep`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice")
    try quota.admin("add", "bob")
    var options = RealServer.Options()
    options.passwords = ["alice": "hers", "bob": "his"]
    let server = try quota.server("office", options)
    var bringing = RealClient.Options()
    bringing.credentials = ("alice", "hers")
    bringing.renegotiateAfter = 100_000
    let alice = try server.client("certificate", bringing)
    try alice.connect()
    try alice.use(user: "bob", password: "wrong")
    try alice.renegotiate()
    try alice.waitUntilGone()
    try quota.expectExact()
    #expect(try quota.usage(of: "bob").total == 0)
  }

  @Test func `listings taken in the midst of renegotiations change nobody's account`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice")
    var options = RealServer.Options()
    options.passwords = ["alice": "hers"]
    let server = try quota.server("office", options)
    var bringing = RealClient.Options()
    bringing.credentials = ("alice", "hers")
    bringing.renegotiateAfter = 20_000
    let alice = try server.client("certificate", bringing)
    try alice.connect()
    let storm = SweepStorm(quota)
    for _ in 1...20 { try alice.renegotiate() }
    while storm.sweeps < 5 { try alice.renegotiate() }
    storm.stop()
    try server.stop()
    #expect(try alice.log.components(separatedBy: "soft reset").count > 10)
    try quota.expectExactAfterSweeps()
    #expect(try quota.probe.names == ["alice"])
  }

  @Test func `a live row that reads UNDEF stays its owner's`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice", "--quota", "400kB")
    let verify = try quota.host.write(
      "#!/bin/sh\n[ ! -e '\(quota.host.folder)/revoked' ]\n", to: "tls-verify", mode: 0o755)
    var options = RealServer.Options()
    options.lines = ["tls-verify \(verify)"]
    let server = try quota.server("office", options)
    var bringing = RealClient.Options()
    bringing.renegotiateAfter = 200_000
    let alice = try server.client("alice", bringing)
    try alice.connect()
    try alice.upload(100_000)
    try quota.sweep()
    try quota.host.write("", to: "revoked")
    try alice.renegotiate()
    try eventually("the row to lose its name") {
      try server.listing().map(\.name) == ["UNDEF"]
    }
    try quota.sweep()
    #expect(try quota.usage(of: "alice").received > 200_000)
    #expect(try quota.openSessions() == 1)
    try server.stop()
    try quota.expectExactAfterSweeps()
    #expect(try quota.probe.names == ["alice"])
  }
}
