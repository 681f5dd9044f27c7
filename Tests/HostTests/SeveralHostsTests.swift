import Foundation
import TestSupport
import Testing

/// Three hosts, each with a server of its own, share their users through a PostgreSQL.
@Suite(.serialized, .enabled(if: RealHost.isAvailable && PostgresCluster.isInstalled))
struct SeveralHostsTests {
  @Test
  func
    `a user on all of them goes everywhere once the sum is over, and a grant on one lets in on all`()
    throws
  {
    let cluster = try PostgresCluster()
    try cluster.run("createdb", ["-h", cluster.socket, "-U", "owner", "vpn"])
    let hosts = try (0..<3).map { _ in
      try QuotaHost(["SYNC": cluster.settings(of: "vpn"), "TIME_ZONE": "UTC"])
    }
    try hosts[0].sync("--init")
    for (number, host) in hosts.enumerated() { try host.sync("--join", "--host", "vpn\(number)") }
    try hosts[0].admin("add", "alice", "--quota", "3MB")
    func tellAndHear() throws { for _ in 0..<2 { for host in hosts { try host.sync() } } }
    try tellAndHear()
    let servers = try hosts.map { try $0.server() }
    let clients = try servers.map { try $0.client("alice") }
    for client in clients {
      #expect(try client.connect() == .up)
      try client.download(500_000)
    }
    for host in hosts { try host.sweep() }
    try tellAndHear()
    for host in hosts { try host.sweep() }
    for client in clients { #expect(try client.ping()) }

    // On no host more than half of the quota, and more than all of it on the three.
    for client in clients { try client.download(700_000) }
    for host in hosts { try host.sweep() }
    try tellAndHear()
    for host in hosts { try host.sweep() }
    for client in clients {
      try client.waitUntilGone()
      #expect(try client.connect() == .refused(""))
    }
    for host in hosts { #expect(try host.events("killed") == ["alice quota": 1]) }

    try hosts[1].admin("grant", "alice", "10MB")
    for host in hosts { try host.sync() }
    for client in clients { #expect(try client.connect() == .up) }
    for server in servers { try server.stop() }
    for host in hosts { try host.expectExactAfterSweeps() }
    try tellAndHear()
    let moved = try hosts.map { try $0.truth()["alice"]?.total ?? 0 }
    for host in hosts { #expect(try host.probe.bytesUsed["alice"] == moved.reduce(0, +)) }
  }

  @Test(.enabled(if: QuotaHost.hasNft))
  func `the kernels of two hosts let a user who is on both have half of what is left each`() throws
  {
    let cluster = try PostgresCluster()
    try cluster.run("createdb", ["-h", cluster.socket, "-U", "owner", "vpn"])
    let hosts = try (0..<2).map { _ in
      try QuotaHost(["SYNC": cluster.settings(of: "vpn"), "TIME_ZONE": "UTC", "FENCE": "yes"])
    }
    try hosts[0].sync("--init")
    for (number, host) in hosts.enumerated() { try host.sync("--join", "--host", "vpn\(number)") }
    try hosts[0].admin("add", "alice", "--quota", "20MB")
    func tellAndHear() throws {
      for _ in 0..<2 { for host in hosts { try host.sync() } }
      for host in hosts { try host.fence() }
    }
    try tellAndHear()
    let servers = try hosts.map { try $0.server() }
    let clients = try servers.map { try $0.client("alice") }
    for client in clients { #expect(try client.connect() == .up) }
    for host in hosts { try host.sweep() }
    try tellAndHear()
    func counted(_ host: Int) throws -> Int64 {
      try servers[host].listing().reduce(0) { $0 + $1.received + $1.sent }
    }
    /// Moves bytes until two tries move none. On a busy machine they may stand still before, and what the
    /// tunnel drops counts in the kernel: the run after a sweep gives it back.
    func exhaust(_ host: Int) throws {
      var (before, idle): (Int64, Int) = (0, 0)
      while idle < 2 {
        #expect(throws: (any Error).self) { try clients[host].download(40_000_000, patience: 3) }
        let now = try counted(host)
        idle = now - before > 65_536 ? 0 : idle + 1
        before = now
        try hosts[host].sweep()
        try hosts[host].fence()
      }
    }
    let slack: Int64 = 1_200_000
    try exhaust(0)
    #expect(abs(try counted(0) - 10_000_000) < slack)
    #expect(try hosts[0].events("killed").isEmpty)
    #expect(try !hosts[0].admin("show", "alice").contains("quota used up"))

    // The other host moved nothing: what is left now is divided anew, and nobody connects again.
    try tellAndHear()
    try exhaust(0)
    #expect(abs(try counted(0) - 15_000_000) < slack)
    try exhaust(1)
    #expect(try counted(0) + counted(1) < 20_000_000 + slack)
    for client in clients { #expect(try client.connections == 1) }
    for server in servers { try server.stop() }
    for host in hosts { try host.expectExactAfterSweeps() }
  }
}
