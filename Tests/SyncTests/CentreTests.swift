import Quota
import Support
import System
import TestSupport
import Testing

@testable import Ledger
@testable import Sync

@Suite(.enabled(if: PostgresCluster.isInstalled)) struct CentreTests {
  @Test func `The tables are made once, and tables of another version are refused`() throws {
    let database = try TestDatabase()
    let centre = try Centre(database.settings, patience: .seconds(600))
    let rules = CommonRules(zone: "Etc/UTC", names: "exact")
    let error = #expect(throws: PostgresError.self) { try centre.rules() }
    #expect(error?.state == "42P01" && error?.hint?.contains("--init") == true)
    #expect(try centre.create(rules, for: []))
    #expect(try !centre.create(CommonRules(zone: "Europe/Berlin", names: "fold"), for: []))
    #expect(try centre.rules() == rules)
    try database.execute("UPDATE quota_centre SET schema_number = 3")
    #expect(throws: SyncError.schema(found: 3, expected: 2)) { try centre.rules() }
    #expect(throws: SyncError.schema(found: 3, expected: 2)) { try centre.create(rules, for: []) }
  }

  @Test func `A host in another time zone, or with other names, does not join`() throws {
    let hosts = try TestHosts("a", joining: false)
    hosts[0].settings.timeZone = "Europe/Berlin"
    #expect(throws: SyncError.zone(here: "Europe/Berlin", centre: "Etc/UTC")) {
      try hosts[0].join()
    }
    hosts[0].settings.timeZone = "Etc/UTC"
    hosts[0].settings.names = .fold
    #expect(throws: SyncError.names(here: "fold", centre: "exact")) { try hosts[0].join() }
    hosts[0].settings.names = .exact
    // Another name of the same zone.
    hosts[0].settings.timeZone = "Etc/GMT"
    try hosts[0].join()
    #expect(throws: SyncError.joined(as: "a")) { try hosts[0].join() }
  }

  @Test func `Two hosts cannot have one name`() throws {
    let hosts = try TestHosts("a", "a", joining: false)
    try hosts[0].join()
    #expect(throws: SyncError.hostTaken("a")) { try hosts[1].join() }
    #expect(try hosts[1].ledger().hosts.membership() == nil)
    _ = try hosts[1].sync().join(as: "b")
    #expect(try hosts.centre().hosts().map(\.host) == ["a", "b"])
  }

  @Test func `A role without rights is told so, and with them it writes what is its own only`()
    throws
  {
    let hosts = try TestHosts("a", "b", joining: false)
    let database = hosts.database
    let roles = ["a", "b"].map { "\($0)_\(database.name)" }
    for role in roles { try database.execute("CREATE ROLE \(role) LOGIN") }
    defer {
      for role in roles { try? database.execute("DROP OWNED BY \(role); DROP ROLE \(role)") }
    }
    for (host, role) in zip(hosts.hosts, roles) {
      host.settings.sync = database.cluster.settings(of: database.name, as: role)
    }
    let error = #expect(throws: PostgresError.self) { try hosts[0].join() }
    #expect(error?.state == "42501" && error?.exitStatus == .permission)
    #expect(error?.hint?.contains("--grant") == true)
    _ = try hosts.centre().create(CommonRules(zone: "", names: ""), for: roles)
    for host in hosts.hosts { try host.join() }
    try hosts[0].use("alice", 10)
    try hosts[1].use("alice", 5)
    try hosts.settle()
    for host in hosts.hosts { #expect(try host.used("alice") == 15) }
    let connection = try database.connect(as: roles[0])
    #expect(try connection.run("UPDATE quota_usage SET received = 0 WHERE host = 'b'").changed == 0)
    #expect(try connection.run("UPDATE quota_hosts SET token = '' WHERE host = 'b'").changed == 0)
    #expect(throws: PostgresError.self) {
      try connection.execute("INSERT INTO quota_usage VALUES ('x', 0, 'b', 1, 1, 0, 1)")
    }
    #expect(throws: PostgresError.self) { try connection.execute("DELETE FROM quota_usage") }
  }

  @Test func `A wrong password is told with what to do about it`() throws {
    let database = try TestDatabase()
    let role = "p_\(database.name)"
    try database.execute("CREATE ROLE \(role) LOGIN PASSWORD 'right' IN ROLE locked")
    defer { try? database.execute("DROP ROLE \(role)") }
    let settings = "\(database.cluster.settings(of: database.name, as: role)) password="
    _ = try Centre(settings + "right", patience: .seconds(600))
    let error = #expect(throws: PostgresError.self) {
      _ = try Centre(settings + "wrong", patience: .seconds(600))
    }
    #expect(error?.state == "28P01" && error?.exitStatus == .configuration)
    #expect(error?.hint?.contains("passfile") == true)
    #expect(
      error?.message.hasSuffix(#"FATAL: password authentication failed for user "\#(role)""#)
        == true)
  }

  @Test func `What makes no sense in the centre is named and left out`() throws {
    let hosts = try TestHosts("a", "b")
    try hosts[0].use("alice", 10)
    try hosts.settle()
    try hosts.database.execute(
      """
      UPDATE quota_centre SET version = version + 1;
      INSERT INTO quota_facts SELECT kind, key, NULL, content, false, version FROM quota_centre,
        (VALUES ('user', 'x', 'no JSON'), ('what', 'y', '{}')) AS n (kind, key, content)
      """)
    try hosts[1].use("alice", 5)
    try hosts.settle()
    for host in hosts.hosts { #expect(try host.used("alice") == 15) }
    for fact in ["user x", "what y"] {
      #expect(hosts[0].warnings.count { $0.hasSuffix("left out: \(fact)") } == 1)
    }
  }

  @Test func `A number beyond what the centre has counted to keeps nobody from later facts`() throws
  {
    let hosts = try TestHosts("a", "b")
    try hosts.database.execute(
      "INSERT INTO quota_facts VALUES ('user', 'x', NULL, '{}', false, \(Int64.max))")
    try hosts[0].change { _ = try $0.users.add("alice", Terms(quota: 10), at: Clock.now) }
    try hosts.settle()
    #expect(try hosts[1].entitlement(of: "alice")?.quota == 10)
  }

  @Test func `A host that another one's garbage is about is listed all the same`() throws {
    let hosts = try TestHosts("a", "b")
    try hosts.database.execute(
      """
      UPDATE quota_hosts SET heard_at = \(Int64.min), clock_ahead = \(Int64.max), machine = ''
        WHERE host = 'b'
      """)
    try hosts[0].use("alice", 10)
    try hosts[0].run()
    #expect(try hosts.centre().hosts().map(\.age).last == 0)
  }

  @Test func `Only the role of a host, or of the tables, may forget the host`() throws {
    let hosts = try TestHosts("a")
    let role = "f_\(hosts.database.name)"
    try hosts.database.execute("CREATE ROLE \(role) LOGIN")
    defer { try? hosts.database.execute("DROP OWNED BY \(role); DROP ROLE \(role)") }
    _ = try hosts.centre().create(CommonRules(zone: "", names: ""), for: [role])
    let settings = hosts.database.cluster.settings(of: hosts.database.name, as: role)
    let error = #expect(throws: SyncError.self) {
      _ = try Centre(settings, patience: .seconds(600)).remove("a")
    }
    #expect(error == .anotherRole("a") && error?.exitStatus == .permission)
    #expect(try Centre(settings, patience: .seconds(600)).remove("b") == false)
    #expect(try hosts.centre().hosts().map(\.hasLeft) == [false])
  }

  @Test func `The centre's zone is used only where it is one`() throws {
    let hosts = try TestHosts("a", joining: false)
    for zone in ["../../etc/localtime", "/etc/localtime", "<A>-99", ""] {
      try hosts.database.execute("UPDATE quota_centre SET zone = '\(zone)'")
      #expect(throws: SyncError.zone(here: "Etc/UTC", centre: zone)) { try hosts[0].join() }
    }
  }

  @Test
  func `A connection that is lost in a commit leaves all or nothing, and the next run is right`()
    throws
  {
    let hosts = try TestHosts("a", "b")
    try hosts[0].use("alice", 10)
    try hosts.settle()
    let connection = try hosts.database.connect()
    let error = #expect(throws: PostgresError.self) {
      try connection.transaction { connection in
        try connection.execute("UPDATE quota_usage SET received = 999")
        let backend = try connection.run("SELECT pg_backend_pid()").text(0, 0)
        try hosts.database.execute("SELECT pg_terminate_backend(\(backend))")
        // The server says so to the next one that speaks.
        try connection.execute("SELECT 1")
      }
    }
    #expect(error?.kind != .timedOut)
    try hosts.settle()
    #expect(try hosts[1].used("alice") == 10)
  }

  @Test
  func `Hosts agree after their connections, or all of PostgreSQL, were killed in the middle`()
    throws
  {
    let cluster = try PostgresCluster()
    var truth: Int64 = 0
    let hosts = try TestHosts("a", "b", on: cluster, joining: false)
    // As it is where no test is in a hurry: what was committed stays.
    try hosts.database.execute(
      "ALTER DATABASE \(hosts.database.name) SET synchronous_commit = on")
    for host in hosts.hosts { try host.join() }
    for round in 0..<8 {
      let host = hosts[round % 2]
      let delay = UInt32.random(in: 0...60_000)
      let killer = hosts.database.kill(round % 4 == 3 ? .server : .connections, after: delay)
      while !killer.isFinished {
        try host.use("alice", 10)
        truth += 10
        do { try host.run() } catch let error as PostgresError {
          #expect(error.exitStatus == .unavailable, "round \(round), after \(delay) us")
        }
      }
      try cluster.revive()
    }
    try hosts.settle()
    for host in hosts.hosts { #expect(try host.used("alice") == truth, "\(host.name)") }
    #expect(hosts.hosts.flatMap(\.warnings) == [])
  }

  @Test func `A silent centre costs a run its patience and nothing else`() throws {
    let hosts = try TestHosts("a")
    try hosts[0].use("alice", 10)
    let silent = try SilentServer()
    let present = hosts[0].settings.sync
    hosts[0].settings.sync = "host=127.0.0.1 port=\(silent.port) user=x dbname=x"
    let start = Clock.monotonic
    let error = #expect(throws: PostgresError.self) {
      try hosts[0].sync(within: .seconds(2)).run()
    }
    #expect(error?.exitStatus == .unavailable && Clock.monotonic - start < .seconds(60))
    #expect(try hosts[0].verdict(of: "alice") == .allowed(at: nil))
    hosts[0].settings.sync = present
    #expect(try hosts[0].run().told == 1)
  }
}
