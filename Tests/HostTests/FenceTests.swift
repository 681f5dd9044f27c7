import Foundation
import TestSupport
import Testing

/// The kernel cuts between two sweeps: where the quota ends, and nobody but the user.
@Suite(.serialized, .enabled(if: RealHost.isAvailable && QuotaHost.hasNft))
struct FenceTests {
  /// Bytes that a server has counted for a client's live sessions.
  private func counted(_ name: String, on servers: [RealServer]) throws -> Int64 {
    try servers.flatMap { try $0.listing() }.filter { $0.name == name }
      .reduce(0) { $0 + $1.received + $1.sent }
  }

  /// Moves bytes until they stand still, or the connection is refused. On a busy machine they may stand
  /// still before the quota ends, so it is tried until a try moves nothing.
  private func exhaust(
    _ name: String, on servers: RealServer..., by move: () throws -> Void
  ) throws {
    var (before, now): (Int64, Int64) = (0, 0)
    repeat {
      before = now
      #expect(throws: (any Error).self) { try move() }
      now = try counted(name, on: servers)
    } while now - before > 65536
  }

  /// What a user may be early, and late: two of the kernel's packets, what is on its way through the
  /// tunnel when it closes, and a hundredth.
  private func expectCut(
    at limit: Int64, _ used: Int64, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(used >= limit - 65536, sourceLocation: sourceLocation)
    #expect(used <= limit + limit / 100 + 1_000_000, sourceLocation: sourceLocation)
  }

  @Test func `a download ends at the quota, another user's goes on, and a grant opens again`()
    throws
  {
    let quota = try QuotaHost(["FENCE": "yes"])
    try quota.admin("add", "alice", "--quota", "20MB")
    try quota.admin("add", "bob")
    let server = try quota.server()
    let alice = try server.client("alice")
    let bob = try server.client("bob")
    #expect(try alice.connect() == .up)
    #expect(try bob.connect() == .up)
    try quota.fence()
    try exhaust("alice", on: server) { try alice.download(60_000_000, patience: 3) }
    expectCut(at: 20_000_000, try counted("alice", on: [server]))
    try bob.download(5_000_000)
    #expect(try bob.ping())

    try quota.admin("grant", "alice", "10MB")
    try quota.fence()
    try eventually("alice to be let go on") { try alice.ping() }
    try exhaust("alice", on: server) { try alice.upload(60_000_000, patience: 3) }
    expectCut(at: 30_000_000, try counted("alice", on: [server]))
    try quota.sweep()
    try quota.fence()
    try alice.wait(for: "to be halted") { $0 == .halted("Traffic quota used up") }
    try server.stop()
    try quota.expectExactAfterSweeps()
    try quota.fence()
    #expect(try !quota.nft("list", "table", "inet", "openvpn_quota").contains("10.99."))
  }

  @Test func `two sessions of one user on two servers share the quota, by IPv6 as well`() throws {
    let quota = try QuotaHost(["FENCE": "yes"])
    try quota.admin("add", "alice", "--quota", "20MB")
    var options = RealServer.Options()
    options.isIPv6 = true
    let office = try quota.server("office")
    let home = try quota.server("home", options)
    let there = try office.client("alice")
    let here = try home.client("alice")
    #expect(try there.connect() == .up)
    try quota.fence()
    try there.download(8_000_000)
    #expect(try here.connect() == .up)
    try quota.fence()
    try here.upload(4_000_000)
    try quota.sweep()
    try quota.fence()
    try exhaust("alice", on: office, home) { try here.download(60_000_000, patience: 3) }
    #expect(throws: (any Error).self) { try there.download(100_000, patience: 3) }
    expectCut(at: 20_000_000, try counted("alice", on: [office, home]))
    let table = try quota.nft("list", "table", "inet", "openvpn_quota")
    #expect(table.contains("fd99:1::") && table.components(separatedBy: "quota u_").count == 2)
  }

  @Test func `a network behind a client is the user's, from the sweep on that found it`() throws {
    let quota = try QuotaHost(["FENCE": "yes"])
    try quota.admin("add", "alice", "--quota", "20MB")
    let folder = try TemporaryDirectory()
    _ = try folder.write("iroute 192.168.5.0 255.255.255.0\n", to: "alice")
    var options = RealServer.Options()
    options.lines = ["client-config-dir \(folder.path)", "route 192.168.5.0 255.255.255.0"]
    let server = try quota.server("office", options)
    let alice = try server.client("alice")
    #expect(try alice.connect() == .up)
    try quota.fence()
    try eventually("the network to be reached") { try alice.ping(from: "192.168.5.1") }
    #expect(try !quota.nft("list", "quotas").contains(" used "))
    try quota.sweep()
    #expect(try quota.fence().errors.isEmpty)
    #expect(try !quota.nft("list", "quotas").contains(" used "))
    try eventually("an answer") { try alice.ping(from: "192.168.5.1") }
    #expect(try quota.nft("list", "quotas").contains(" used "))
    let table = try quota.nft("list", "table", "inet", "openvpn_quota")
    #expect(table.contains("192.168.5.0/24 : \"u_"))
    try quota.admin("disable", "alice")
    try quota.fence()
    #expect(try !alice.ping(from: "192.168.5.1"))
    try quota.admin("enable", "alice")
    try quota.fence()
    try eventually("an answer again") { try alice.ping(from: "192.168.5.1") }
    try alice.leave()
    try quota.fence()
    #expect(try !quota.nft("list", "table", "inet", "openvpn_quota").contains("192.168.5."))
  }

  @Test func `with little left, a client that connects right after a sweep is cut at that`() throws
  {
    let quota = try QuotaHost(["FENCE": "yes"])
    try quota.admin("add", "alice", "--quota", "5MB")
    let server = try quota.server()
    let alice = try server.client("alice")
    #expect(try alice.connect() == .up)
    try alice.download(3_500_000)
    try alice.leave()
    try quota.sweep()
    #expect(try alice.connect() == .up)
    try quota.fence()
    let before = try quota.usage(of: "alice")
    try exhaust("alice", on: server) { try alice.download(20_000_000, patience: 3) }
    expectCut(
      at: 5_000_000, Int64(before.received + before.sent) + (try counted("alice", on: [server])))
  }

  @Test func `whom the quota slows down goes on slowly, and at full speed after a grant`() throws {
    let quota = try QuotaHost(["FENCE": "yes"])
    try quota.admin("add", "alice", "--quota", "3MB", "--then", "1Mbit")
    let server = try quota.server()
    let alice = try server.client("alice")
    #expect(try alice.connect() == .up)
    try quota.fence()
    try alice.download(4_000_000, patience: 30)
    func seconds(_ bytes: Int) throws -> Double {
      let begun = Date()
      try alice.download(bytes, patience: 30)
      return Date().timeIntervalSince(begun)
    }
    // The kernel slows by itself, and the sweep lets it be.
    for _ in 1...2 {
      let time = try seconds(500_000)
      // A second's worth and a packet go at once.
      #expect(time > 2)
      try quota.sweep()
      try quota.fence()
    }
    #expect(try alice.connections == 1)
    try quota.admin("grant", "alice", "100MB")
    try quota.sweep()
    try quota.fence()
    #expect(try !quota.nft("list", "table", "inet", "openvpn_quota").contains("limit r_"))
    // At 1 Mbit/s it would take 78 s.
    #expect(try seconds(10_000_000) < 70)
    #expect(try alice.connections == 1)
    try server.stop()
    try quota.expectExactAfterSweeps()
  }

  @Test func `a table that was flushed is set up anew, and taken away without FENCE`() throws {
    let quota = try QuotaHost(["FENCE": "yes"])
    try quota.admin("add", "alice", "--quota", "2MB")
    let server = try quota.server()
    let alice = try server.client("alice")
    #expect(try alice.connect() == .up)
    try quota.fence()
    #expect(try quota.fence().errors.isEmpty)
    try quota.nft("flush", "ruleset")
    let said = try quota.fence()
    #expect(
      said.errors.contains("quota-fence: warning: the table in the kernel was not as it was left"))
    #expect(try quota.fence().errors.isEmpty)
    for chain in ["refuse", "spent_from", "spent_to", "from_tunnel", "to_tunnel"] {
      try quota.nft("flush", "chain", "inet", "openvpn_quota", chain)
      #expect(try quota.fence().errors.contains("was not as it was left"))
      #expect(try quota.fence().errors.isEmpty)
    }
    try exhaust("alice", on: server) { try alice.download(20_000_000, patience: 3) }
    expectCut(at: 2_000_000, try counted("alice", on: [server]))

    // Who is over is refused at once, and so is a file that was lost.
    try quota.sweep("--dry-run")
    try FileManager.default.removeItem(atPath: quota.data + "/fence")
    try quota.fence()
    #expect(try quota.nft("list", "ruleset").contains("quota4"))
    quota.set("FENCE", to: "no")
    try quota.fence()
    #expect(try !quota.nft("list", "ruleset").contains("openvpn_quota"))
    #expect(try alice.ping())
    #expect(try quota.fence("--remove").errors.isEmpty)
  }

  @Test func `nothing but CAP_NET_ADMIN is kept of root, and without it that is said`() throws {
    let quota = try QuotaHost(["FENCE": "yes"], owner: "nobody", group: "nogroup")
    try quota.shareThePrograms()
    try quota.sweep("--publish")
    try quota.fence()
    #expect(try quota.nft("list", "ruleset").contains("openvpn_quota"))
    let status = try FileManager.default.attributesOfItem(atPath: quota.data + "/fence")
    #expect(status[.ownerAccountName] as? String == "nobody")
    #expect(status[.posixPermissions] as? Int == 0o600)
    let refused = try quota.fence(
      through: ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"],
      expecting: 77)
    #expect(refused.errors.contains("hint: it needs CAP_NET_ADMIN"))
    // Where there is nothing to tell, the kernel is asked without nft.
    try quota.fence(path: quota.data)
    try FileManager.default.removeItem(atPath: quota.data + "/fence")
    let missing = try quota.fence(path: quota.data, expecting: 78)
    #expect(missing.errors.contains("nft is not installed"))
    try Data("damaged".utf8).write(to: URL(fileURLWithPath: quota.data + "/access"))
    let damaged = try quota.fence(expecting: 65)
    #expect(damaged.errors.contains("what was held before stays held"))
    #expect(try quota.nft("list", "ruleset").contains("openvpn_quota"))
  }
}
