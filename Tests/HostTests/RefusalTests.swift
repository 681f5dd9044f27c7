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
    var patient = RealServer.Options()
    patient.lines = ["hand-window 600"]
    let server = try quota.server("office", patient)
    // It stops while it looks at the server's certificate, so that its handshake lasts as long as this test.
    // Of one that breaks off 2.7 has a row for some milliseconds only.
    let stop = try quota.host.write("#!/bin/sh\nkill -STOP $PPID\n", to: "stop", mode: 0o755)
    var options = RealClient.Options()
    options.lines = ["script-security 2", "tls-verify \(stop)"]
    let stranger = try server.client("stranger", options)
    try stranger.begin()
    try eventually("a row without a name") {
      try server.listing().contains { $0.name == "UNDEF" }
    }
    let before = try server.listing().map(\.clientID)
    let said = try quota.sweep("--json")
    #expect(!said.output.contains("UNDEF"))
    #expect(try quota.probe.names == ["alice"])
    #expect(try quota.events("killed").isEmpty)
    #expect(try server.listing().map(\.clientID) == before)
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
