import Foundation
import TestSupport
import Testing

/// Those who do not come in, and those who are in too short to be seen.
@Suite(.serialized, .enabled(if: RealHost.isAvailable))
struct RefusalTests {
  @Test func `a client refused ten times is one counted row and no usage`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice", "--quota", "100kB")
    let server = try quota.server()
    var options = RealClient.Options()
    options.notifiesOfExit = false
    let alice = try server.client("alice", options)
    try alice.connect()
    try alice.upload(150_000)
    try quota.sweep()
    try alice.waitUntilGone()
    try quota.sweep()
    let used = try quota.usage(of: "alice")
    for attempt in 1...10 {
      #expect(try alice.connect() == .refused(""), "attempt \(attempt)")
      if attempt == 4 { try quota.sweep() }
    }
    #expect(try server.endings.filter { $0.owner == nil }.count == 10)
    try quota.sweep()
    #expect(try quota.usage(of: "alice") == used)
    let refusals = try quota.events("refused")
    #expect(refusals.count == 1)
    #expect(refusals.first?.value == 10)
    try quota.expectExact()
  }

  @Test func `sessions that no sweep ever saw are billed in full, known user or not`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice")
    let server = try quota.server()
    for name in ["alice", "carol", "alice"] {
      let client = try server.client(name)
      try client.connect()
      try client.upload(60_000)
      try client.download(90_000)
      try server.ask("kill \(name)")
      try client.waitUntilGone()
    }
    #expect(try server.finished.map(\.name) == ["alice", "carol", "alice"])
    try quota.expectExact()
    try quota.expectExactAfterSweeps()
  }

  @Test func `a stranger's handshake makes no user and is not killed`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice", "--quota", "1B")
    let server = try quota.server()
    // Trusts another authority than the server's, so that its handshake never comes to an end.
    let other = quota.host.folder + "/other.pem"
    let made = try Program.run(
      "openssl",
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", "/dev/null", "-subj", "/CN=other", "-out", other,
      ])
    #expect(made.status == 0, "\(made.errors)")
    var options = RealClient.Options()
    options.lines = ["ca \(other)"]
    let stranger = try server.client("stranger", options)
    try stranger.begin()
    try eventually("a row without a name") {
      try server.listing().contains { $0.name == "UNDEF" }
    }
    let said = try quota.sweep("--json")
    #expect(!said.output.contains("UNDEF"))
    #expect(try quota.probe.names == ["alice"])
    #expect(try quota.events("killed").isEmpty)
    // 2.7 drops the row when the client complains of the server's certificate, and has another soon.
    try eventually("a row without a name") {
      try server.listing().contains { $0.name == "UNDEF" }
    }
  }

  @Test func `where strangers are rejected they do not come in`() throws {
    let quota = try QuotaHost(["UNKNOWN_USERS": "reject"])
    try quota.admin("add", "alice")
    let server = try quota.server()
    #expect(try server.client("mallory").connect() == .refused(""))
    #expect(try server.client("alice").connect() == .up)
    try quota.sweep()
    #expect(try quota.probe.names == ["alice"])
  }
}
