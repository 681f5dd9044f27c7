import Foundation
import SQLite
import TestSupport
import Testing

/// What `quota-admin sessions` shows of servers that are up, busy and down.
@Suite struct LiveViewTests {
  struct View: Decodable {
    let sessions: [Session]
    let servers: [Server]

    struct Session: Decodable {
      let name: String
      let server: String?
      let bytes_received: Int64
      let bytes_sent: Int64
      let received_per_second: Int64?
      let sent_per_second: Int64?
      let bytes_used: Int64?
      let quota_bytes: Int64?
      let live: Bool
    }

    struct Server: Decodable {
      let name: String
      let source: String
      let trouble: String?
    }
  }

  private func view(_ quota: Installation) throws -> View {
    try JSONDecoder().decode(View.self, from: Data(quota.admin("sessions", "--json").utf8))
  }

  @Test func `who is on is shown as the server has it, and nothing is written`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    try quota.admin("add", "alice", "--quota", "1MB")
    let alice = try server.enter("alice", real: "192.0.2.9:1194", since: now - 100)
    try quota.sweep().expect(status: 0)
    let swept = try quota.used("alice")
    _ = try server.enter("bob", since: now - 10)
    try alice.upload(5000)
    let view = try view(quota)
    #expect(view.sessions.map(\.name) == ["alice", "bob"] && view.sessions.allSatisfy(\.live))
    #expect(view.servers.map(\.source) == ["live"] && view.servers[0].trouble == nil)
    let first = try #require(view.sessions.first)
    #expect(first.bytes_received == 1836 + 5000 && first.quota_bytes == 1_000_000)
    // What no sweep has counted yet counts here.
    #expect(first.bytes_used == swept + 5000)
    #expect(try quota.used("alice") == swept)
    #expect(try quota.probe.names == ["alice"])
    let text = try quota.admin("sessions")
    #expect(text.contains("192.0.2.9:1194") && text.contains("s0"))
    #expect(try server.commands.allSatisfy { !$0.contains("kill") })
  }

  @Test func `a rate is what moved since the last sweep`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    let alice = try server.enter("alice", since: now - 100)
    try quota.sweep().expect(status: 0)
    // Less than a second after a sweep, however slow the machine is.
    try quota.probe.setLastSweep(now + 5, listed: ["s0": now + 5])
    #expect(try view(quota).sessions[0].received_per_second == nil)
    // As if that sweep had been ten seconds ago.
    let swept = now - 10
    try quota.probe.setLastSweep(swept, listed: ["s0": swept])
    try alice.upload(50_000)
    try alice.download(100_000)
    let row = try #require(try view(quota).sessions.first)
    // The machine may be slow, and then it is longer ago.
    let slowest = 50_000 / (now - swept + 1)
    let received = try #require(row.received_per_second)
    let sent = try #require(row.sent_per_second)
    #expect(received >= slowest && received <= 5000)
    #expect(sent >= 2 * slowest && sent <= 10_000)
    #expect(try quota.admin("sessions").contains(" kB/s"))
    // Who came after it has moved all of it since.
    let came = now - 20
    let bob = try server.enter("bob", since: came)
    try bob.upload(200_000 - 1836)
    let second = try #require(try view(quota).sessions.last)
    let since = 200_000 / (now - came + 1)
    let moved = try #require(second.received_per_second)
    #expect(moved >= since && moved <= 10_000)
  }

  @Test func `the owner is the one at the door, whatever the listing shows`() throws {
    let quota = try Installation(["IDENTIFY_BY": "username"])
    let server = try quota.addServer()
    _ = try server.enter("certificate", username: "alice")
    #expect(try view(quota).sessions.map(\.name) == ["alice"])
    try quota.sweep().expect(status: 0)
    try quota.admin("rename", "alice", "smith")
    #expect(try view(quota).sessions.map(\.name) == ["smith"])
  }

  @Test func `of a busy server the ledger tells, and how old that is`() throws {
    let quota = try Installation()
    let (first, second) = (try quota.addServer(), try quota.addServer())
    _ = try first.enter("alice", since: now - 100)
    _ = try second.enter("bob", since: now - 100)
    try quota.sweep().expect(status: 0)
    let heard = now - 38
    try quota.probe.setLastSweep(now, listed: ["s1": heard])
    try second.behave(.busy, for: 1)
    let view = try view(quota)
    #expect(view.sessions.map(\.name) == ["alice", "bob"])
    #expect(view.sessions.map(\.live) == [true, false])
    #expect(view.servers.map(\.source) == ["live", "ledger"])
    try second.behave(.busy, for: 1)
    let text = try quota.admin("sessions")
    let told = try #require(
      text.firstMatch(of: #/s1 is shown as the last sweep saw it (\d+) s ago:/#))
    let seconds = try #require(Int64(told.output.1))
    #expect(seconds >= 38 && seconds <= now - heard)
  }

  @Test func `while a sweep runs the ledger tells of all`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    _ = try server.enter("alice", since: now - 100)
    try quota.sweep().expect(status: 0)
    let other = try SweepElsewhere(beside: quota.database)
    let outcome = try Program.run(
      Program.path("quota-admin"), ["sessions", "--config", quota.config])
    _ = consume other
    try outcome.expect(status: 0)
    #expect(outcome.output.contains("alice"))
    #expect(outcome.output.contains("s0 is shown as the last sweep saw it"))
    #expect(outcome.output.contains("another sweep is under way"))
  }

  @Test func `a server that is not running has nobody on`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    _ = try server.enter("alice", since: now - 100)
    try quota.sweep().expect(status: 0)
    try server.crash()
    #expect(try view(quota).sessions.isEmpty)
    #expect(try quota.admin("sessions").contains("s0 is not running"))
  }

  @Test func `a view is renewed on a terminal, over a connection of its own each time`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    _ = try server.enter("alice\u{1B}[2J", since: now - 100)
    let before = try server.connections
    let watch = "\(Program.path("quota-admin")) sessions --watch --config \(quota.config)"
    let outcome = try Program.run(
      "script", ["-qefc", "timeout 15 \(watch)", "/dev/null"],
      environment: ["PATH": "/usr/bin:/bin", "TERM": "xterm"])
    #expect(outcome.status == 124)
    #expect(outcome.output.components(separatedBy: "\u{1B}[H").count >= 3)
    #expect(!outcome.output.contains("\u{1B}[2J"))
    #expect(try server.connections - before >= 2)
    // Nobody is kept waiting in between: the connection is free at once.
    try quota.sweep().expect(status: 0)
    let elsewhere = try Program.run(
      Program.path("quota-admin"), ["sessions", "--watch", "--config", quota.config])
    #expect(elsewhere.status == 64)
  }
}

/// What an administrator does to live sessions.
@Suite struct KickTests {
  @Test func `a kicked user is told, billed in full, and may come back`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    let alice = try server.enter("alice", since: now - 100)
    let bob = try server.enter("bob", since: now - 100)
    try alice.upload(1000)
    let outcome = try quota.admin("kick", "alice", "--message", "Back in \"five\" minutes")
    #expect(outcome == "disconnected alice (10.8.0.2) on s0\n")
    #expect(try alice.isHalted(with: "Back in \"five\" minutes") && bob.isConnected)
    try server.settle()
    try quota.sweep().expect(status: 0)
    #expect(try quota.used("alice") == 1836 + 1823 + 1000)
    #expect(try quota.probe.events("killed").map(\.detail) == ["kicked"])
    try alice.comeBack()
    #expect(alice.isConnected)
    try server.stop()
    try quota.expectTruth(of: server)
  }

  @Test func `all sessions of a user go, on every server, and a stranger's too`() throws {
    let quota = try Installation(["UNKNOWN_USERS": "ignore"])
    let servers = [try quota.addServer(), try quota.addServer()]
    let clients = try servers.map { try $0.enter("mallory", since: now - 100) }
    #expect(try quota.admin("kick", "mallory").split(separator: "\n").count == 2)
    #expect(try clients.allSatisfy { try $0.isHalted(with: "Disconnected by an administrator") })
    #expect(try quota.probe.names.isEmpty)
  }

  @Test func `who is not on is said not to be, and who is not there is unknown`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    try quota.admin("add", "alice")
    #expect(try quota.admin("kick", "alice") == "alice is not connected\n")
    let arguments = ["kick", "--config", quota.config]
    let unknown = try Program.run(Program.path("quota-admin"), arguments + ["alise"])
    #expect(unknown.status == 65 && unknown.errors.contains("did you mean alice?"))
    for message in ["two\nlines", String(repeating: "x", count: 255)] {
      let outcome = try Program.run(
        Program.path("quota-admin"), arguments + ["alice", "--message", message])
      #expect(outcome.status == 64 && outcome.errors.contains("--message is "))
    }
    try server.crash()
    let failed = try Program.run(Program.path("quota-admin"), arguments + ["alice"])
    #expect(failed.status == 69 && failed.errors.contains("server s0: "))
  }

  @Test func `a removed user's live session can be kicked by the name it had`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    let alice = try server.enter("alice", since: now - 100)
    try quota.sweep().expect(status: 0)
    let outcome = try Program.run(
      Program.path("quota-admin"), ["remove", "--yes", "alice", "--config", quota.config])
    #expect(outcome.output == "removed alice; 1 session may go on to its end\n")
    try quota.sweep().expect(status: 0)
    #expect(alice.isConnected)
    #expect(try quota.admin("kick", "alice").hasPrefix("disconnected alice"))
    #expect(!alice.isConnected)
    try server.stop()
    try quota.sweep().expect(status: 69)
    #expect(try quota.probe.names == ["alice\u{1}\(try removal(quota))"])
    #expect(try quota.probe.loggedSessions.count == 1)
  }

  private func removal(_ quota: Installation) throws -> Int64 {
    try #require(try quota.probe.events("removed").first).at
  }

  @Test func `a sweep is the same by either program`() throws {
    let quota = try Installation(["DEFAULT_QUOTA": "10kB"])
    let server = try quota.addServer()
    let alice = try server.enter("alice", since: now - 100)
    try alice.upload(20_000)
    let shown = try quota.admin("sweep", "--dry-run")
    #expect(shown.contains("would disconnect alice") && alice.isConnected)
    #expect(try quota.admin("sweep", "--json").contains("\"killed\":[\n{\"server\":\"s0\""))
    #expect(!alice.isConnected)
    let log = try String(contentsOfFile: quota.folder + "/log", encoding: .utf8)
    #expect(log.contains(" quota-admin: disconnected user=alice "))
    let other = try SweepElsewhere(beside: quota.database)
    let locked = try Program.run(
      Program.path("quota-admin"), ["sweep", "--config", quota.config])
    _ = consume other
    #expect(locked.status == 75)
    let arguments = ["sweep", "--config", quota.config, "--server", "none"]
    #expect(try Program.run(Program.path("quota-admin"), arguments).status == 64)
  }
}
