import Foundation
import TestSupport
import Testing

/// Servers whose clients need not have a certificate, or a login, or either; who they are counted as.
@Suite(.serialized, .enabled(if: RealHost.isAvailable))
struct NamelessTests {
  /// A server that lets every client in.
  private func server(_ quota: QuotaHost, _ lines: String...) throws -> RealServer {
    let verify = try quota.host.write("#!/bin/sh\nexit 0\n", to: "verify", mode: 0o755)
    var options = RealServer.Options()
    options.lines = ["auth-user-pass-verify \(verify) via-file"] + lines
    return try quota.server("office", options)
  }

  private func client(
    _ name: String, of server: RealServer, login: String? = nil, hasCertificate: Bool = false
  ) throws -> RealClient {
    var options = RealClient.Options()
    options.hasCertificate = hasCertificate
    options.credentials = login.map { ($0, "anything") }
    return try server.client(name, options)
  }

  @Test func `without certificates a user is who logged in`() throws {
    let quota = try QuotaHost(["UNKNOWN_USERS": "reject"])
    try quota.admin("add", "alice", "--quota", "200kB")
    try quota.admin("add", "bob")
    let server = try server(quota, "verify-client-cert none")
    let alice = try client("a", of: server, login: "alice")
    let bob = try client("b", of: server, login: "bob")
    #expect(try alice.connect() == .up)
    #expect(try bob.connect() == .up)
    #expect(try client("m", of: server, login: "mallory").connect() == .refused(""))
    for client in [alice, bob] { try client.upload(300_000) }
    try quota.expectEndOfQuota(of: alice, at: server)
    let used = try quota.usage()
    #expect(used.keys.sorted() == ["alice", "bob"])
    let truth = try server.endings.filter { $0.duration > 1 }
    #expect(
      used["bob"]?.total
        == truth.first { $0.usernameAtTheEnd == "bob" }.map { $0.received + $0.sent })
    #expect(
      used["alice"]?.total
        == truth.first { $0.usernameAtTheEnd == "alice" }.map { $0.received + $0.sent })
  }

  @Test func `spellings of a login that ignores case share one quota where NAMES is fold`() throws {
    let quota = try QuotaHost(["NAMES": "fold", "DEFAULT_QUOTA": "150kB"])
    let server = try server(quota, "verify-client-cert none")
    // Makes what the hooks read, as an installation does.
    try quota.sweep()
    var answers: [RealClient.State] = []
    for (number, spelling) in ["alice", "Alice", "ALICE", "aLICE", "alicE"].enumerated() {
      let client = try client("c\(number)", of: server, login: spelling)
      answers.append(try client.connect())
      guard answers.last == .up else { continue }
      try client.upload(60_000)
      try client.sayGoodbye()
      try client.waitUntilGone()
    }
    #expect(answers == [.up, .up, .up, .refused(""), .refused("")])
    try quota.sweep()
    #expect(try quota.probe.names == ["alice"])
    let truth = try server.endings.filter { $0.owner != nil }
    #expect(truth.count == 3)
    #expect(
      try quota.usage()["alice"]?.total == truth.reduce(0) { $0 + $1.received + $1.sent })
  }

  @Test func `logins that IDENTIFY_BY leaves aside are one user, and the sweep says so`() throws {
    let quota = try QuotaHost(["IDENTIFY_BY": "common-name", "DEFAULT_QUOTA": "400kB"])
    let server = try server(quota, "verify-client-cert none", "duplicate-cn")
    quota.set("MANAGEMENT", to: "")
    quota.set("OPENVPN_CONFIGS", to: quota.host.folder + "/office.conf")
    let clients = try ["alice", "bob"].map { try client($0, of: server, login: $0) }
    for client in clients {
      #expect(try client.connect() == .up)
      try client.upload(100_000)
    }
    try quota.sweep()
    #expect(try quota.probe.names == ["UNDEF"])
    #expect(try quota.openSessions() == 2)
    #expect(try quota.log.contains("its clients have no name by IDENTIFY_BY"))
    for client in clients { try client.upload(150_000) }
    try quota.sweep()
    for client in clients { try client.waitUntilGone() }
    #expect(try Array(quota.events("killed").keys) == ["UNDEF quota"])
  }

  @Test func `who leaves out an optional login is a stranger, whom reject keeps out`() throws {
    let quota = try QuotaHost(["UNKNOWN_USERS": "reject"])
    try quota.admin("add", "alice")
    let server = try server(quota, "verify-client-cert none", "auth-user-pass-optional")
    #expect(try client("m", of: server, hasCertificate: true).connect() == .refused(""))
    #expect(try client("a", of: server, login: "alice").connect() == .up)
    try quota.sweep()
    #expect(try quota.probe.names == ["alice"])
    #expect(try quota.events("refused") == ["UNDEF unknown": 1])
  }

  @Test func `whom no hook kept out the sweep disconnects`() throws {
    let quota = try QuotaHost(["DEFAULT_QUOTA": "100kB"])
    let server = try server(quota, "verify-client-cert none", "auth-user-pass-optional")
    let nobody = try client("m", of: server, hasCertificate: true)
    #expect(try nobody.connect() == .up)
    try quota.sweep()
    #expect(try quota.probe.names == ["UNDEF"])
    try quota.admin("remove", "--yes", "UNDEF")
    quota.set("UNKNOWN_USERS", to: "reject")
    try quota.sweep()
    try nobody.waitUntilGone()
    #expect(try quota.events("killed") == ["UNDEF unknown": 1])
  }

  @Test func `with optional certificates each is counted by what they have`() throws {
    let quota = try QuotaHost()
    let server = try server(quota, "verify-client-cert optional", "auth-user-pass-optional")
    let clients = [
      try client("alice", of: server, login: "other", hasCertificate: true),
      try client("b", of: server, login: "bob"),
    ]
    for client in clients {
      #expect(try client.connect() == .up)
      try client.upload(50_000)
    }
    try quota.sweep()
    #expect(try quota.probe.names == ["alice", "bob"])
    #expect(try quota.openSessions() == 2)
    try server.stop()
    try quota.sweep(expecting: [0, 69])
    let (all, truth) = (try quota.usage(), try server.endings)
    #expect(
      all.values.reduce(0) { $0 + $1.total } == truth.reduce(0) { $0 + $1.received + $1.sent })
    #expect(all.values.allSatisfy { $0.received > 50_000 })
  }
}
