import Foundation
import SQLite
import TestSupport
import Testing

/// Who is disconnected by a sweep, how, and who is not.
@Suite struct DisconnectionTests {
  @Test func `who is over quota is told and goes, the others stay`() throws {
    let quota = try Installation(["KILL_MESSAGE": "'HALT,no \"more\" for \\you'"])
    let server = try quota.addServer()
    try quota.admin("add", "alice", "--quota", "10kB")
    let alice = try server.enter("alice")
    let bob = try server.enter("bob")
    for client in [alice, bob] { try client.upload(20_000) }
    try quota.sweep().expect(status: 0)
    let message = try alice.fate.message
    #expect(message == "HALT,no \"more\" for \\you")
    #expect(bob.isConnected)
    #expect(
      try quota.probe.events("killed").map(\.user) == ["alice"])
    try server.settle()
    #expect(try alice.fate.state == "left")
    #expect(try server.enter("alice").isRefused)
    try bob.leave()
    try quota.sweep().expect(status: 0)
    try quota.expectTruth(of: server)
  }

  @Test func `who has a rate for then stays and comes in again, and the log tells of it once`()
    throws
  {
    let quota = try Installation(["FENCE": "yes"])
    try pretendFence(beside: quota.database)
    let server = try quota.addServer()
    try quota.admin("add", "alice", "--quota", "10kB", "--then", "1Mbit")
    let alice = try server.enter("alice")
    try alice.upload(20_000)
    for _ in 0..<2 { try quota.sweep().expect(status: 0) }
    #expect(alice.isConnected)
    #expect(try quota.probe.events("slowed").map(\.detail) == ["to 1Mbit"])
    let log = try String(contentsOfFile: quota.folder + "/log", encoding: .utf8)
    let lines = log.split(separator: "\n").filter { $0.contains(" slowed") }
    #expect(lines.count == 1 && lines[0].contains("alice") && lines[0].contains("1Mbit"), "\(log)")
    try alice.leave()
    let again = try server.enter("alice")
    #expect(!again.isRefused)
    try quota.admin("set", "alice", "--then", "cut")
    try quota.sweep().expect(status: 0)
    #expect(!again.isConnected)
    try server.settle()
    #expect(try server.enter("alice").isRefused)
    try quota.expectTruth(of: server)
  }

  @Test func `who has a rate for then is cut while quota-fence is down, which is told once`() throws
  {
    let quota = try Installation(["FENCE": "yes"])
    try pretendFence(beside: quota.database, sweep: 1)
    let server = try quota.addServer()
    try quota.admin("add", "alice", "--quota", "10kB", "--then", "1Mbit")
    let alice = try server.enter("alice")
    try alice.upload(20_000)
    let told = try (1...3).map { _ in try quota.sweep().expect(status: 0).errors }.joined()
    #expect(told.components(separatedBy: "warning: quota-fence is behind by more than").count == 2)
    #expect(!alice.isConnected)
    try server.settle()
    try quota.admin("set", "alice", "--max-sessions", "3")
    #expect(try server.enter("alice").isRefused)
    #expect(try quota.sweep(["--publish"]).expect(status: 0).errors == "")
    #expect(try server.enter("alice").isRefused)
    #expect(try quota.sweep().expect(status: 0).errors == "")
    try pretendFence(beside: quota.database)
    #expect(try quota.sweep().expect(status: 0).errors == "")
    #expect(try !server.enter("alice").isRefused)
  }

  @Test func `who has a rate for then stays from the first sweep on that has FENCE`() throws {
    let quota = try Installation(["FENCE": "yes"])
    let server = try quota.addServer()
    try quota.admin("add", "alice", "--quota", "10kB", "--then", "1Mbit")
    quota.settings["FENCE"] = "no"
    try quota.sweep().expect(status: 0)
    quota.settings["FENCE"] = "yes"
    let alice = try server.enter("alice")
    try alice.upload(20_000)
    for _ in 1...2 { #expect(try quota.sweep().expect(status: 0).errors == "") }
    #expect(alice.isConnected)
    #expect(try quota.admin("show", "alice").contains("slowed"))
    try pretendFence(beside: quota.database, sweep: 1)
    let shown = try quota.admin("show", "alice")
    #expect(!shown.contains("slowed") && shown.contains("quota-fence is behind"), "\(shown)")
    try quota.sweep().expect(status: 0)
    #expect(!alice.isConnected)
  }

  @Test func `a disabled user's sessions go`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    let alice = try server.enter("alice")
    try quota.sweep().expect(status: 0)
    try quota.admin("disable", "alice")
    try quota.sweep().expect(status: 0)
    #expect(!alice.isConnected)
  }

  @Test func `all of it is shown and nothing done in a dry run`() throws {
    let quota = try Installation(["DEFAULT_QUOTA": "10kB"])
    let server = try quota.addServer()
    let alice = try server.enter("alice")
    try alice.upload(20_000)
    let outcome = try quota.sweep(["--dry-run"]).expect(status: 0)
    #expect((outcome.output + outcome.errors).contains("alice"))
    #expect(alice.isConnected)
    #expect(try server.commands.allSatisfy { !$0.contains("kill") })
    #expect(try quota.probe.names.isEmpty)
    #expect(try quota.probe.sessions.isEmpty)
  }

  @Test func `a session is not killed again while it lingers`() throws {
    let quota = try Installation(["DEFAULT_QUOTA": "10kB"])
    let server = try quota.addServer { $0.linger = 60_000 }
    let alice = try server.enter("alice")
    try alice.upload(20_000)
    for _ in 0..<3 {
      try quota.sweep().expect(status: 0)
      try alice.upload(1000)
    }
    #expect(try server.commands.count { $0.contains("kill") } == 1)
    // What it still moves counts.
    #expect(try quota.used("alice") == 1836 + 1823 + 22_000)
  }

  @Test func `who is still there after two kills goes by kill, at last`() throws {
    let quota = try Installation(["DEFAULT_QUOTA": "10kB"])
    let server = try quota.addServer { $0.linger = 60_000 }
    let alice = try server.enter("alice", real: "192.0.2.9:1194")
    try alice.upload(20_000)
    for _ in 0..<3 {
      try quota.sweep().expect(status: 0)
      try quota.probe.ageKills()
    }
    let kills = try server.commands.filter { $0.contains("kill") }
    #expect(kills.count { $0.hasPrefix("client-kill 0 ") } == 2)
    #expect(kills.last == "kill 192.0.2.9:1194")
    #expect(try alice.fate.state == "left")
    try quota.sweep().expect(status: 0)
    try quota.expectTruth(of: server)
  }

  @Test func `a client that no address finds goes by its name, half-open rows or not`() throws {
    let quota = try Installation(["DEFAULT_QUOTA": "10kB"])
    let server = try quota.addServer {
      $0.linger = 60_000
      $0.dualStack = true
      $0.duplicateCommonNames = true
    }
    let alice = try server.enter("alice", real: "192.0.2.9:1194")
    try alice.upload(20_000)
    _ = try server.deferred("alice")
    for _ in 0..<3 {
      try quota.sweep().expect(status: 0)
      try quota.probe.ageKills()
    }
    let kills = try server.commands.filter { $0.contains("kill") }
    #expect(kills.suffix(2) == ["kill 192.0.2.9:1194", "kill \"alice\""])
    #expect(try alice.fate.state == "left")
  }

  @Test func `who cannot be dropped is told to go again and again, never within ten seconds`()
    throws
  {
    let quota = try Installation(["IDENTIFY_BY": "username"])
    let server = try quota.addServer {
      $0.linger = 60_000
      $0.duplicateCommonNames = true
    }
    try quota.admin("add", "alice", "--quota", "10kB")
    let alice = try server.enter("shared", username: "alice", real: "[2001:db8::5]:1194")
    let bob = try server.enter("shared", username: "bob", real: "[2001:db8::6]:1194")
    try alice.upload(20_000)
    for _ in 0..<4 {
      try quota.sweep().expect(status: 0)
      try quota.sweep().expect(status: 0)
      try quota.probe.ageKills()
    }
    let kills = try server.commands.filter { $0.contains("kill") }
    #expect(kills.count == 4)
    #expect(kills.allSatisfy { $0.hasPrefix("client-kill 0 ") })
    #expect(bob.isConnected)
  }

  @Test func `a server without client ids is told the address`() throws {
    let quota = try Installation(["DEFAULT_QUOTA": "10kB"])
    let server = try quota.addServer { $0.format = "2.3" }
    let alice = try server.enter("alice", real: "192.0.2.9:1194")
    let bob = try server.enter("bob", real: "192.0.2.8:1194")
    try alice.upload(20_000)
    try quota.sweep().expect(status: 0)
    #expect(try alice.fate.state == "left")
    #expect(bob.isConnected)
    try bob.leave()
    try quota.sweep().expect(status: 0)
    try quota.expectTruth(of: server)
  }

  @Test func `a name is killed only if all its sessions are violators'`() throws {
    // By user name, two people may share one certificate; by name, both would go.
    let quota = try Installation(["IDENTIFY_BY": "username"])
    let server = try quota.addServer {
      $0.format = "2.3"
      $0.duplicateCommonNames = true
    }
    try quota.admin("add", "alice", "--quota", "10kB")
    let alice = try server.enter("shared", username: "alice", real: "[2001:db8::5]:1194")
    let bob = try server.enter("shared", username: "bob", real: "[2001:db8::6]:1194")
    try alice.upload(20_000)
    let outcome = try quota.sweep()
    #expect(alice.isConnected)
    #expect(bob.isConnected)
    outcome.expect(error: "quota-sweep: error: ")
    outcome.expect(error: "alice")
    try outcome.expect(status: 69)
  }

  @Test func `strangers' handshakes are neither users nor ever killed`() throws {
    let quota = try Installation(["DEFAULT_QUOTA": "10kB", "UNKNOWN_USERS": "reject"])
    let server = try quota.addServer()
    try quota.admin("add", "UNDEF", "--quota", "1kB")
    try quota.admin("disable", "UNDEF")
    for port in 0..<5 {
      let stranger = try server.handshake(from: "198.51.100.7:\(4000 + port)")
      try stranger.setCounters(received: 1 << 30, sent: 1 << 30)
    }
    _ = try server.deferred("carol")
    try quota.sweep().expect(status: 0)
    #expect(try quota.probe.names == ["UNDEF"])
    #expect(try quota.probe.sessions.isEmpty)
    #expect(try server.sessions.count == 6)
    #expect(try server.commands.allSatisfy { !$0.contains("kill") })
  }

  @Test(arguments: ["2.3", "2.6"])
  func `a kill whose hook needs the database does not wait for the sweep`(format: String) throws {
    // 2.3 is told `kill`, whose answer comes only after the hook has run; and where nobody lingers,
    // the hook runs before `client-kill` is answered too.
    let quota = try Installation(["DEFAULT_QUOTA": "10kB"])
    let server = try quota.addServer {
      $0.format = format
      $0.linger = 0
    }
    for number in 0..<10 { try server.enter("user\(number)").upload(20_000) }
    try quota.sweep().expect(status: 0)
    let hooks = try server.hooks.filter { $0.kind == "disconnect" }
    #expect(hooks.count == 10)
    #expect(hooks.allSatisfy { $0.status == 0 && $0.milliseconds < 1000 })
    try quota.sweep().expect(status: 0)
    try quota.expectTruth(of: server)
  }

  @Test func `a hook does not wait for the database`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    let alice = try server.enter("alice")
    try alice.upload(1000)
    let other = try Connection(quota.database, busyTimeout: 0)
    try other.execute("BEGIN IMMEDIATE")
    try alice.leave()
    // Other programs wait 20 s for it.
    #expect(try server.hooks.last.map { $0.status == 0 && $0.milliseconds < 10_000 } == true)
    #expect(try !server.enter("bob").isRefused)
    try other.execute("ROLLBACK")
    try quota.sweep().expect(status: 0)
    try quota.expectTruth(of: server)
  }

  @Test func `a session that goes between the listing and the kill is no failure`() throws {
    let quota = try Installation(["DEFAULT_QUOTA": "10kB"])
    let server = try quota.addServer()
    let alice = try server.enter("alice")
    try alice.upload(20_000)
    try server.after("status", "leave \(alice.handle)")
    try quota.sweep().expect(status: 0)
    try quota.sweep().expect(status: 0)
    #expect(try quota.openSessions == 0)
    try quota.expectTruth(of: server)
  }

  @Test func `a listing in the middle of renegotiations changes nobody's account`() throws {
    let quota = try Installation(["DEFAULT_QUOTA": "1MB"])
    let server = try quota.addServer()
    try quota.admin("add", "victim", "--quota", "1kB")
    let alice = try server.enter("alice")
    try quota.sweep().expect(status: 0)
    for name in ["victim", "UNDEF", "certificate of alice"] {
      try alice.rename(commonName: name)
      try alice.upload(1000)
      try quota.sweep().expect(status: 0)
    }
    #expect(alice.isConnected)
    #expect(try quota.used("victim") == 0)
    try alice.rename(commonName: "victim")
    try alice.upload(1000)
    try alice.leave()
    try quota.sweep().expect(status: 0)
    #expect(try quota.probe.names == ["alice", "victim"])
    #expect(try quota.used("victim") == 0)
    try quota.expectTruth(of: server)
  }

  @Test func `a session that renegotiates before its first sweep is its owner's`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    let alice = try server.enter("alice")
    try alice.rename(commonName: "mallory")
    try alice.upload(1000)
    try quota.sweep().expect(status: 0)
    let bob = try server.enter("bob")
    try bob.rename(commonName: "UNDEF")
    try bob.leave()
    try quota.sweep().expect(status: 0)
    try alice.leave()
    try quota.sweep().expect(status: 0)
    #expect(try quota.probe.names == ["alice", "bob"])
    try quota.expectTruth(of: server)
  }
}
