import Foundation
import Glibc
import SQLite
import TestSupport
import Testing

/// Servers that are out of order: each has its message, costs exit status 69, and closes nothing.
@Suite struct TroubleTests {
  struct Trouble: Sendable, CustomTestStringConvertible {
    let behaviour: SimulatedServer.Behaviour
    let message: String

    init(_ behaviour: SimulatedServer.Behaviour, _ message: String) {
      self.behaviour = behaviour
      self.message = message
    }

    var testDescription: String { behaviour.rawValue }
  }

  @Test(
    arguments: [
      Trouble(.busy, "another program holds its management interface"),
      Trouble(.mute, "the whole listing did not come in time"),
      Trouble(.stall, "the whole listing did not come in time"),
      Trouble(.cut, "it closed the management connection before the whole listing was here"),
      Trouble(.garbage, "this is no management interface, it says: "),
      Trouble(.http, "this is no management interface, it says: HTTP/1.1 400 Bad Request"),
      Trouble(.endless, "this is no management interface, it says: AAAA"),
      Trouble(.flood, "did not come in time"),
      Trouble(.slow, "did not come in time"),
      Trouble(.closing, "it closed the management connection without a greeting"),
      Trouble(.hold, "it is waiting for a hold release"),
    ])
  func `a server out of order is told of and closes no session`(trouble: Trouble) throws {
    let quota = try Installation()
    let server = try quota.addServer()
    let healthy = try quota.addServer()
    let alice = try server.enter("alice")
    let bob = try healthy.enter("bob")
    try alice.upload(1000)
    try quota.sweep().expect(status: 0)
    let before = try quota.used("alice")
    try server.behave(trouble.behaviour)
    try alice.upload(1000)
    try bob.upload(1000)
    let outcome = try quota.sweep().expect(status: 69)
    outcome.expect(error: "quota-sweep: error: server s0: ")
    outcome.expect(error: trouble.message)
    #expect(outcome.errors.isPlain)
    #expect(try quota.openSessions == 2)
    #expect(try quota.used("alice") == before)
    // The other server was swept all the same.
    #expect(try quota.used("bob") == 1836 + 1823 + 1000)
    try server.behave(.normal)
    try quota.sweep().expect(status: 0)
    #expect(try quota.used("alice") == before + 1000)
  }

  @Test(.enabled(if: getuid() == 0, "only root can become another user"))
  func
    `another program's file that only root may read fails no sweep, and nothing says to open it`()
    throws
  {
    let quota = try Installation()
    let server = try SimulatedServer()
    let socket = String(server.management.dropFirst("unix:".count))
    _ = try server.enter("alice")
    try quota.write("mode server\nmanagement \(socket) unix\n", to: "openvpn/udp.conf")
    let secret = try quota.write("<LDAP>\n  Password x\n</LDAP>\n", to: "openvpn/ldap.conf")
    try Program.copy("quota-sweep", into: quota.folder)
    #expect(unsafe chmod(secret, 0o600) == 0)
    #expect(unsafe chmod(socket, 0o777) == 0)
    #expect(unsafe chmod(quota.folder, 0o755) == 0)
    try Program.run("chown", ["-R", "nobody", "\(quota.folder)/var", "\(quota.folder)/log"])
      .requireSuccess()
    let sweep = try Program.run(
      "setpriv",
      [
        "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "\(quota.folder)/quota-sweep",
        "--json", "--config", quota.config,
      ]
    ).expect(status: 0)
    #expect(sweep.output.contains(#""name":"udp""#) && sweep.output.contains(#""sessions":1"#))
    #expect(sweep.output.contains("cannot open \(secret): Permission denied"), "\(sweep.output)")
    let all =
      try sweep.output + sweep.errors
      + String(contentsOfFile: "\(quota.folder)/log", encoding: .utf8)
    #expect(!all.contains("setfacl"))
  }

  @Test func `a kernel that seems not to count what passes in it is told of`() throws {
    let quota = try Installation()
    let server = try quota.addServer { $0.offloads = true }
    let old = Int64(Date().timeIntervalSince1970) - 700
    let alice = try server.enter("alice", since: old)
    let bob = try server.enter("bob")
    try bob.upload(1_000_000)
    func isTold() throws -> Bool {
      let text = "its packets pass in the kernel (DCO), which seems not to count them"
      let sweep = try quota.sweep(["--json"]).expect(status: 0)
      let check = try quota.run("quota-admin", ["check"])
      let isChecked = check.output.contains("warning  server s0") && check.output.contains(text)
      #expect(sweep.output.contains("server s0: \(text)") == isChecked, "\(check.output)")
      return isChecked
    }
    #expect(try isTold())
    try alice.upload(50_000)
    #expect(try !isTold())
  }

  @Test func `a listing that is cut counts all its rows, closes nothing and names the last`() throws
  {
    let quota = try Installation()
    let server = try quota.addServer()
    let clients = try (0..<20).map { try server.enter("user\($0)", since: now - 60) }
    try quota.sweep().expect(status: 0)
    let before = try quota.probe.totalUsage(by: .sessions).received
    for client in clients { try client.upload(1000) }
    try server.behave(.truncate)
    for _ in 0..<2 {
      let outcome = try quota.sweep().expect(status: 69)
      outcome.expect(error: "its listing is cut off behind user")
      outcome.expect(error: "the others were counted by their addresses")
      outcome.expect(error: "hint: have what checks logins")
      #expect(try quota.openSessions == 20)
      #expect(try quota.probe.totalUsage(by: .sessions).received == before + 20_000)
    }
    #expect(try server.commands.suffix(4) == ["status 3", "pid", "status 1", "pid"])
    // Nobody is taken for gone, and who goes without a hook stays until a whole listing tells.
    try clients[3].drop()
    try quota.sweep().expect(status: 69)
    #expect(try quota.openSessions == 20)
    try server.behave(.normal)
    try quota.sweep().expect(status: 0)
    #expect(try quota.openSessions == 19)
    #expect(try quota.probe.totalUsage(by: .sessions).received == before + 20_000)
  }

  @Test(arguments: ["2.4", "2.5", "2.6", "2.7"])
  func `a stranger's overlong name hides nobody who has to go`(format: String) throws {
    let quota = try Installation(["DEFAULT_QUOTA": "10kB"])
    let server = try quota.addServer { $0.format = format }
    let clients = try (0..<6).map { number in
      try server.enter("user\(number)", real: "192.0.2.\(number + 1):40\(number)")
    }
    let stayer = try server.enter("stayer")
    try quota.sweep().expect(status: 0)
    for client in clients { try client.upload(20_000) }
    // Nobody has looked at the password yet.
    _ = try server.deferred("mallory", username: String(repeating: "x", count: 480))
    try quota.sweep().expect(status: 69).expect(error: "its listing is cut off behind ")
    #expect(clients.allSatisfy { !$0.isConnected })
    #expect(stayer.isConnected)
    let kills = try server.commands.filter { $0.contains("kill") }
    #expect(kills.count == 6)
    let byAddress = kills.filter { $0.hasPrefix("kill ") }
    let prefix = format == "2.7" ? "kill udp:192.0.2." : "kill 192.0.2."
    #expect(byAddress.allSatisfy { $0.hasPrefix(prefix) }, "\(byAddress)")
    try server.settle()
    #expect(try server.sessions.map(\.name).sorted() == ["mallory", "stayer"])
  }

  @Test func `an IPv6 client behind an overlong name goes by its name, if nobody shares it`() throws
  {
    let quota = try Installation(["IDENTIFY_BY": "username"])
    let server = try quota.addServer {
      $0.format = "2.7"
      $0.duplicateCommonNames = true
    }
    for name in ["alice", "bob"] { try quota.admin("add", name, "--quota", "10kB") }
    let alice = try server.enter("alone", username: "alice", real: "[2001:db8::5]:1194")
    let bob = try server.enter("shared", username: "bob", real: "[2001:db8::6]:1194")
    let carol = try server.enter("shared", username: "carol", real: "[2001:db8::7]:1194")
    try quota.sweep().expect(status: 0)
    for client in [alice, bob] { try client.upload(20_000) }
    try server.behave(.blind)
    let outcome = try quota.sweep().expect(status: 69)
    outcome.expect(error: "its listing is cut off behind its first row")
    outcome.expect(error: "others share its common name, and they may stay")
    #expect(try server.commands.filter { $0.contains("kill ") } == ["kill \"alone\""])
    #expect(try alice.fate.state == "left")
    #expect(bob.isConnected && carol.isConnected)
  }

  @Test func `the pause of a restart is waited for, and no hold`() throws {
    let quota = try Installation(["MANAGEMENT_TIMEOUT": "5"])
    let server = try quota.addServer()
    let alice = try server.enter("alice")
    try alice.upload(1000)
    try quota.sweep().expect(status: 0)
    try server.softRestart(taking: 1000)
    try quota.sweep().expect(status: 0)
    #expect(try server.commands.count { $0 == "status 3" } > 2)
    #expect(try quota.openSessions == 0)
    try quota.expectTruth(of: server)
  }

  @Test func `a restart between the listing and a kill is no failure`() throws {
    let quota = try Installation(["DEFAULT_QUOTA": "10kB"])
    // Without a hook at its end, the ledger takes the session for a live one.
    let server = try quota.addServer { $0.clientDisconnect = nil }
    try server.enter("alice", since: now - 60).upload(20_000)
    try server.after("status", "soft-restart 1000")
    try quota.sweep().expect(status: 0)
    #expect(try server.commands.contains { $0.hasPrefix("client-kill") })
    try server.softRestart()
    try quota.sweep().expect(status: 0)
    #expect(try quota.openSessions == 0)
  }

  @Test func `a server that talks a lot is swept as any other`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    let alice = try server.enter("alice")
    try alice.upload(1000)
    try server.behave(.chatty)
    try quota.sweep().expect(status: 0)
    #expect(try quota.used("alice") == 1836 + 1823 + 1000)
  }

  @Test(arguments: [nil, "wrong", "right"] as [String?])
  func `the management password must be configured and right`(password: String?) throws {
    let quota = try Installation()
    let file = try quota.write((password ?? "") + "\n", to: "password")
    let server = try quota.addServer(passwordFile: password == nil ? nil : file) {
      $0.password = "right"
    }
    _ = try server.enter("alice")
    let outcome = try quota.sweep()
    switch password {
    case "right": try outcome.expect(status: 0)
    case nil:
      try outcome.expect(status: 69)
      outcome.expect(error: "asks for a password and none is configured")
    default:
      try outcome.expect(status: 69)
      outcome.expect(error: "does not accept the password")
      #expect(!outcome.errors.contains("right\n"))
      // The third wrong one would cost the line; more than one try is rude.
      #expect(try server.connections == 1)
    }
    // A stranger is a user once something was counted.
    #expect(try quota.probe.names == (password == "right" ? ["alice"] : []))
  }

  @Test func `a configured server that is down is a failure, and closes nothing`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    try server.enter("alice").upload(1000)
    try quota.sweep().expect(status: 0)
    let before = try quota.used("alice")
    try server.crash()
    try quota.sweep().expect(status: 69).expect(error: "Connection refused")
    #expect(try quota.openSessions == 1)
    try server.start()
    try quota.sweep().expect(status: 0)
    #expect(try quota.openSessions == 0)
    #expect(try quota.used("alice") == before)
    #expect(try quota.probe.loggedSessions.count == 1)
  }

  @Test func `a second try is made within the same sweep`() throws {
    let quota = try Installation(["RETRY_ATTEMPTS": "3"])
    let server = try quota.addServer()
    try server.enter("alice").upload(1000)
    try server.behave(.cut, for: 1)
    try quota.sweep().expect(status: 0)
    #expect(try server.connections == 2)
    #expect(try quota.used("alice") == 1836 + 1823 + 1000)
  }

  @Test func `a server that says nothing delays nobody and holds no lock`() throws {
    let quota = try Installation(["MANAGEMENT_TIMEOUT": "25", "DEFAULT_QUOTA": "10kB"])
    let mute = try quota.addServer()
    let healthy = try quota.addServer()
    try mute.behave(.mute)
    let alice = try healthy.enter("alice")
    try alice.upload(20_000)
    let sweep = Process()
    sweep.executableURL = URL(fileURLWithPath: Program.path("quota-sweep"))
    sweep.arguments = ["--config", quota.config]
    try sweep.run()
    while alice.isConnected, sweep.isRunning { usleep(5000) }
    // At this very moment the sweep notes the kill, which takes milliseconds. The mute server is
    // waited for much longer than this here waits.
    try Connection(quota.database, busyTimeout: 10_000).execute("BEGIN IMMEDIATE; ROLLBACK")
    #expect(try !healthy.enter("bob").isRefused)
    // The mute server was waited for all the time.
    #expect(sweep.isRunning)
    kill(sweep.processIdentifier, SIGKILL)
    sweep.waitUntilExit()
    #expect(!alice.isConnected)
  }

  @Test func `patterns of configs that match nothing are told of, and fail where they have commas`()
    throws
  {
    let none = try Installation(["OPENVPN_CONFIGS": "/nonexistent/*.conf"])
    try none.sweep().expect(status: 0)
      .expect(error: "quota-sweep: warning: no file matches /nonexistent/*.conf")
    none.settings["OPENVPN_CONFIGS"] = "/nonexistent/*.conf,/etc/*.conf"
    let outcome = try none.sweep().expect(status: 69)
    outcome.expect(error: "no file matches /nonexistent/*.conf,/etc/*.conf")
    outcome.expect(error: "hint: OPENVPN_CONFIGS has absolute paths with wildcards, separated by")
  }

  @Test func `two configs with one management address are both named, and the others are swept`()
    throws
  {
    let quota = try Installation()
    let server = try SimulatedServer()
    let lines = "server 10.8.0.0 255.255.255.0\nmanagement /nonexistent/x.sock unix\n"
    for name in ["office", "home"] { try quota.write(lines, to: "openvpn/\(name).conf") }
    let socket = server.management.dropFirst("unix:".count)
    try quota.write(
      "server 10.9.0.0 255.255.255.0\nmanagement \(socket) unix\n", to: "openvpn/third.conf")
    try server.enter("alice").upload(1000)
    let outcome = try quota.sweep().expect(status: 69)
    for (name, other) in [("office", "home"), ("home", "office")] {
      outcome.expect(error: "server \(name): ")
      outcome.expect(
        error: "\(other).conf has the same management address, unix:/nonexistent/x.sock")
    }
    #expect(try quota.openSessions == 1)
  }

  @Test func `a pipe as password file makes nobody wait`() throws {
    let quota = try Installation()
    let pipe = quota.folder + "/pipe"
    try unsafe #require(mkfifo(pipe, 0o600) == 0)
    _ = try quota.addServer(passwordFile: pipe) { $0.password = "right" }
    try quota.sweep().expect(status: 69).expect(error: "which is not a regular file")
  }

  @Test func `violators go while another program keeps the database locked`() throws {
    let quota = try Installation(["DEFAULT_QUOTA": "10kB"])
    let server = try quota.addServer()
    let alice = try server.enter("alice")
    let bob = try server.enter("bob")
    try quota.sweep().expect(status: 0)
    try alice.upload(20_000)
    let other = try Connection(quota.database, busyTimeout: 0)
    try other.execute("BEGIN IMMEDIATE")
    try quota.sweep().expect(status: 74).expect(error: "database is locked")
    #expect(!alice.isConnected && bob.isConnected)
    try other.execute("ROLLBACK")
    try quota.sweep().expect(status: 0)
    try bob.leave()
    try server.settle()
    try quota.sweep().expect(status: 0)
    try quota.expectTruth(of: server)
  }

  @Test func `a sweep that cannot have the lock leaves at once with 75`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    let other = try SweepElsewhere(beside: quota.database)
    try quota.sweep().expect(status: 75)
    _ = consume other
    #expect(try server.connections == 0)
  }
}
