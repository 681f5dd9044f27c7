import Foundation
import TestSupport
import Testing

/// What OpenVPN 2.7 does otherwise than 2.6, and that the ledger is exact all the same.
@Suite(.serialized, .enabled(if: RealHost.isAvailable(with: .newer)))
struct NewerOpenVPNTests {
  /// Two clients of one name, address and port, over UDP and over TCP, in one second.
  ///
  /// - Returns: whether all that tells a session agrees but its virtual address.
  private func connectTwins(_ clients: [RealClient], to server: RealServer) throws -> Bool {
    usleep(useconds_t(1_000_000 - Int(Date().timeIntervalSince1970 * 1_000_000) % 1_000_000))
    for client in clients { try client.begin() }
    for client in clients { try #require(try client.waitUntilSettled() == .up) }
    let rows = try server.listing()
    let addresses = rows.map { $0.realAddress.split(separator: ":").suffix(2) }
    try #require(rows.count == 2 && addresses[0] == addresses[1])
    return rows[0].since == rows[1].since
  }

  private func twins(of server: RealServer) throws -> [RealClient] {
    var bringing = RealClient.Options()
    bringing.port = 40_000
    let first = try server.client("alice", bringing)
    bringing.transport = .tcp
    return [first, try server.client("alice", bringing, beside: first)]
  }

  private var twoSockets: RealServer.Options {
    var options = RealServer.Options()
    options.hasBothTransports = true
    options.duplicateCommonName = true
    return options
  }

  @Test func `two sockets may have two sessions from one port at once`() throws {
    let server = try RealServer(on: RealHost(.newer), twoSockets)
    try server.start()
    let clients = try twins(of: server)
    _ = try connectTwins(clients, to: server)
    #expect(
      try server.listing().map { String($0.realAddress.prefix { $0 != ":" }) }.sorted()
        == ["tcp4-server", "udp4"])
    try server.stop()
    #expect(try server.finished.count == 2)
  }

  @Test func `two sessions from one port at once are billed each to the byte`() throws {
    let quota = try QuotaHost(openvpn: .newer)
    try quota.admin("add", "alice")
    let server = try quota.server("office", twoSockets)
    let clients = try twins(of: server)
    for attempt in 1...10 {
      if try connectTwins(clients, to: server) { break }
      try #require(attempt < 10, "not in one second")
      for client in clients { try client.vanish() }
      try server.ask("kill alice")
      try eventually("an empty server") { try server.listing().isEmpty }
    }
    try clients[0].upload(60_000)
    try quota.sweep()
    try clients[1].download(90_000)
    try quota.sweep()
    #expect(try quota.openSessions() == 2)
    try clients[1].sayGoodbye()
    try eventually("one to be gone") { try server.listing().count == 1 }
    try clients[0].upload(30_000)
    try quota.sweep()
    #expect(try quota.openSessions() == 1)
    try server.stop()
    try quota.expectExactAfterSweeps()
  }

  @Test func `push-update moves the address in the listing, not in the disconnect hook`() throws {
    let server = try RealServer(on: RealHost(.newer))
    try server.start()
    let alice = try server.client("alice")
    try alice.connect()
    let before = try #require(try server.listing().first)
    try move(alice, to: "10.99.0.50", on: server)
    let after = try #require(try server.listing().first)
    #expect(after.since == before.since && after.clientID == before.clientID)
    #expect(after.realAddress == before.realAddress)
    try server.stop()
    #expect(try server.endings.map(\.virtualAddress) == [before.virtualAddress])
  }

  @Test func `a client whose address is pushed away keeps its account, and so does who gets it`()
    throws
  {
    let quota = try QuotaHost(openvpn: .newer)
    for name in ["alice", "bob"] { try quota.admin("add", name) }
    let server = try quota.server()
    let alice = try server.client("alice")
    try alice.connect()
    try alice.upload(60_000)
    try quota.sweep()
    // The pool's next address, which bob's hook then sees as bob's.
    try move(alice, to: "10.99.0.3", on: server)
    try alice.upload(40_000)
    let bob = try server.client("bob")
    try bob.connect()
    try quota.sweep()
    for client in [alice, bob] { try client.sayGoodbye() }
    for client in [alice, bob] { try client.waitUntilGone() }
    try quota.expectExactAfterSweeps()
  }

  private func move(_ client: RealClient, to address: String, on server: RealServer) throws {
    let row = try #require(try server.listing().first { $0.name == client.name })
    let answer = try server.ask(
      "push-update-cid \(row.clientID) \"ifconfig \(address) 255.255.255.0\"")
    try #require(answer.first?.hasPrefix("SUCCESS") == true, "\(answer)")
    try eventually("\(client.name) to be at \(address)") {
      try server.listing().first { $0.name == client.name }?.virtualAddress == address
    }
    try #require(try client.ping())
  }

  @Test func `override-username changes the common name but at the door`() throws {
    let host = try RealHost(.newer)
    let script = try host.write(
      "#!/bin/sh\necho 'override-username other' >>\"$3\"\nexec \"$2\" \"$3\"\n", to: "override",
      mode: 0o755)
    var options = RealServer.Options()
    options.passwords = ["alice": "hers"]
    options.connectHook = script
    let server = try RealServer(on: host, options)
    try server.start()
    var bringing = RealClient.Options()
    bringing.credentials = ("alice", "hers")
    let alice = try server.client("certificate", bringing)
    #expect(try alice.connect() == .up)
    let row = try #require(try server.listing().first)
    #expect(row.name == "other")
    try server.stop()
    let ending = try #require(try server.endings.first)
    #expect(ending.owner == "alice")
    #expect(ending.nameAtTheEnd == "other")
    #expect(ending.usernameAtTheEnd == "alice")
  }

  @Test func `a script that changes name and address lets nobody escape their quota`() throws {
    let quota = try QuotaHost(["DEFAULT_QUOTA": "0"], openvpn: .newer)
    try quota.admin("add", "alice", "--quota", "200kB")
    let change = try quota.host.write(
      """
      #!/bin/sh
      echo 'override-username other' >>"$3"
      echo 'ifconfig-push 10.99.0.77 255.255.255.0' >>"$3"
      exec "$2" "$3"

      """, to: "change", mode: 0o755)
    var options = RealServer.Options()
    options.passwords = ["alice": "hers"]
    let server = try quota.server("office", options, then: change)
    var bringing = RealClient.Options()
    bringing.credentials = ("alice", "hers")
    let alice = try server.client("certificate", bringing)
    #expect(try alice.connect() == .up)
    let row = try #require(try server.listing().first)
    try #require(row.name == "other" && row.virtualAddress == "10.99.0.77")
    try alice.upload(60_000)
    try quota.sweep()
    #expect(try quota.probe.names == ["alice"])
    try alice.upload(200_000)
    try quota.expectEndOfQuota(of: alice, at: server)
    let truth = try server.endings.filter { $0.duration > 1 }
    #expect(truth.map(\.nameAtTheEnd) == ["other"])
    #expect(
      try quota.usage().mapValues(\.total)
        == ["alice": truth.reduce(0) { $0 + $1.received + $1.sent }])
  }
}
