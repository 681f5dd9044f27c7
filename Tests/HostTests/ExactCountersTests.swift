import Foundation
import TestSupport
import Testing

/// The ledger is OpenVPN's own final counters, to the byte, whatever the clients did and whenever
/// sweeps ran.
@Suite(.serialized, .enabled(if: RealHost.isAvailable))
struct ExactCountersTests {
  @Test(arguments: [RealServer.Options.Transport.udp, .tcp])
  func `connects, kills and reconnects`(transport: RealServer.Options.Transport) throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice")
    var options = RealServer.Options()
    options.transport = transport
    let server = try quota.server("office", options)
    let alice = try server.client("alice")
    let bob = try server.client("bob")
    try alice.connect()
    try bob.connect()
    try alice.upload(150_000)
    try bob.download(90_000)
    try quota.sweep()
    try alice.download(250_000)
    try alice.reconnect()
    try alice.upload(50_000)
    try quota.sweep()
    try server.ask("kill bob")
    // Over TCP the client notices, and comes back by itself.
    if transport == .udp { try bob.reconnect() }
    try bob.wait(for: "to be back") { _ in try bob.connections == 2 }
    try bob.upload(30_000)
    let row = try #require(try server.listing().first { $0.name == "alice" })
    try server.ask("client-kill \(row.clientID) RESTART")
    try quota.sweep()
    try alice.wait(for: "to be back") { _ in try alice.connections == 3 }
    try alice.upload(20_000)
    // Both at once: over UDP the server takes five seconds for a good-bye.
    try bob.sayGoodbye()
    try alice.leave()
    try bob.waitUntilGone()
    #expect(try server.finished.count == 5)
    try quota.expectExactAfterSweeps()
  }

  @Test func `a float to another address`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice")
    let server = try quota.server()
    let alice = try server.client("alice")
    try alice.connect()
    try alice.upload(100_000)
    try quota.sweep()
    try alice.float()
    try alice.upload(100_000)
    try quota.sweep()
    #expect(try quota.openSessions() == 1)
    try alice.float()
    try alice.download(100_000)
    try alice.leave()
    #expect(try server.finished.count == 1)
    try quota.expectExactAfterSweeps()
  }

  @Test func `two sessions of one certificate`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice")
    var options = RealServer.Options()
    options.duplicateCommonName = true
    let server = try quota.server("office", options)
    let first = try server.client("alice")
    let second = try server.client("alice")
    try first.connect()
    try second.connect()
    try first.upload(100_000)
    try second.download(200_000)
    try quota.sweep()
    #expect(try quota.openSessions() == 2)
    try first.download(50_000)
    try server.stop()
    #expect(try server.finished.count == 2)
    try quota.expectExactAfterSweeps()
  }

  @Test func `a client that dies without a word`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice")
    var options = RealServer.Options()
    options.timeout = 5
    let server = try quota.server("office", options)
    let alice = try server.client("alice")
    try alice.connect()
    try alice.upload(100_000)
    try quota.sweep()
    try alice.download(100_000)
    try alice.vanish()
    try alice.waitUntilGone()
    try quota.expectExactAfterSweeps()
  }

  @Test func `an address that another script pushes behind our hook`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice")
    let push = try quota.host.write(
      """
      #!/bin/sh
      echo "ifconfig-push 10.99.0.77 255.255.255.0" >>"$3"
      exec "$2" "$3"

      """, to: "push", mode: 0o755)
    let server = try quota.server(then: push)
    let alice = try server.client("alice")
    try alice.connect()
    try alice.upload(100_000)
    try quota.sweep()
    #expect(try server.listing().map(\.virtualAddress) == ["10.99.0.77"])
    try alice.upload(50_000)
    try server.stop()
    try quota.expectExactAfterSweeps()
  }

  @Test func `sweeps at every moment change nothing`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice")
    try quota.admin("add", "bob")
    let server = try quota.server()
    let storm = SweepStorm(quota)
    let alice = try server.client("alice")
    let bob = try server.client("bob")
    try alice.connect()
    try bob.connect()
    for _ in 1...4 {
      try alice.upload(100_000)
      try bob.download(100_000)
      try alice.reconnect()
      try server.ask("kill bob")
      try bob.reconnect()
      try bob.upload(20_000)
      try alice.download(20_000)
    }
    while storm.sweeps < 5 { try bob.upload(10_000) }
    try server.stop()
    storm.stop()
    #expect(try server.finished.count == 10)
    try quota.expectExactAfterSweeps()
  }
}
