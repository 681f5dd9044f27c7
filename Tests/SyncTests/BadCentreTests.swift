import Foundation
import Quota
import Support
import System
import TestSupport
import Testing

@testable import Ledger
@testable import Sync

/// What a host says of a centre that does not do as it should, each in a line with a hint; it goes on.
@Suite(.enabled(if: PostgresCluster.isInstalled)) struct BadCentreTests {
  let database: TestDatabase
  let host: SyncProgramTests.Host

  init() throws {
    database = try TestDatabase()
    host = try SyncProgramTests.Host(database.settings)
    try host.run("quota-sync", "--init").requireSuccess()
    try host.run("quota-sync", "--join", "--host", "a").requireSuccess()
  }

  /// Runs quota-sync, and makes sure that it says one thing and what would help, and that the host goes on.
  private func expectError(
    _ text: String, hint: String, _ status: Int32, sync: String? = nil
  ) throws {
    var environment = ["QUOTA_CONFIG": host.settings, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]
    environment["SYNC"] = sync
    let outcome = try Program.run(
      Program.path("quota-sync"), [], environment: environment, timeout: 300)
    #expect(outcome.status == status, "\(outcome.errors)")
    let lines = outcome.errors.split(separator: "\n")
    try #require(lines.count == 2, "\(outcome.errors)")
    #expect(lines[0].hasPrefix("quota-sync: error: ") && lines[0].contains(text), "\(lines[0])")
    #expect(lines[1].hasPrefix("quota-sync: hint: ") && lines[1].contains(hint), "\(lines[1])")
    try host.run("quota-sweep").requireSuccess()
  }

  @Test func `A wrong password, database, role or right is told with what to do about it`() throws {
    let cluster = database.cluster
    let role = "p_\(database.name)"
    try database.execute("CREATE ROLE \(role) LOGIN PASSWORD 'right' IN ROLE locked")
    defer { try? database.execute("DROP ROLE \(role)") }
    let settings = cluster.settings(of: database.name, as: role)
    try expectError(
      "password authentication failed", hint: "passfile", 78, sync: "\(settings) password=wrong")
    try expectError("no password supplied", hint: "passfile", 78, sync: settings)
    try expectError(
      "permission denied", hint: "--grant", 77, sync: "\(settings) password=right")
    try expectError(
      "does not exist", hint: "how to make the database", 78, sync: cluster.settings(of: "none"))
    try expectError(
      #"role "nobody" does not exist"#, hint: "SYNC names user", 78,
      sync: cluster.settings(of: database.name, as: "nobody"))
    try expectError(
      "pg_hba.conf", hint: "pg_hba.conf", 78,
      sync: cluster.settings(of: database.name, as: "barred"))
  }

  @Test func `TLS that does not hold what was asked for is refused, and what holds it is not`()
    throws
  {
    let server = try PostgresCluster(isOnNetwork: true)
    let folder = try TemporaryDirectory()
    let base = "\(server.networkSettings(of: "postgres")) connect_timeout=60"
    try expectError(
      "server does not support SSL", hint: "ssl = on", 69,
      sync: "host=127.0.0.1 \(base) sslmode=require")
    let right = try server.turnTLSOn(for: "localhost")
    let other = "\(folder.path)/other.crt"
    try PostgresCluster.makeCertificate(
      for: "elsewhere", at: other, key: "\(folder.path)/other.key")
    try expectError(
      "certificate verify failed", hint: "sslrootcert", 69,
      sync: "host=localhost hostaddr=127.0.0.1 \(base) sslmode=verify-full sslrootcert=\(other)")
    try expectError(
      "does not match host name", hint: "sslrootcert", 69,
      sync: "host=127.0.0.1 \(base) sslmode=verify-full sslrootcert=\(right)")
    try expectError(
      "does not exist", hint: "sslrootcert", 69,
      sync: "host=127.0.0.1 \(base) sslmode=verify-full sslrootcert=\(folder.path)/none")
    try expectError(
      "quota_centre", hint: "--init", 78,
      sync: "host=localhost hostaddr=127.0.0.1 \(base) sslmode=verify-full sslrootcert=\(right)")
  }

  @Test func `Tables that are not as they should be keep a host from nothing else`() throws {
    try database.execute("UPDATE quota_centre SET schema_number = 99")
    try expectError("schema 99", hint: "install the version", 78)
    try database.execute("UPDATE quota_centre SET schema_number = 2, zone = 'Nowhere/At_all'")
    try expectError("Nowhere/At_all", hint: "TIME_ZONE", 78)
    try database.execute("UPDATE quota_centre SET zone = 'Etc/UTC', names = 'odd'")
    try expectError("odd", hint: "NAMES", 78)
    try database.execute("UPDATE quota_centre SET names = 'exact'; DELETE FROM quota_hosts")
    // It joined before that, so it is there again; so is all that it heard.
    #expect(try host.run("quota-sync").status == 0)
    try database.execute("UPDATE quota_hosts SET version = \(Int64.max)")
    try host.run("quota-admin", "add", "alice").requireSuccess()
    try database.execute("DELETE FROM quota_centre")
    try expectError("quota_centre has no row", hint: "dump", 78)
    try database.execute(
      "DROP TABLE quota_days, quota_facts, quota_usage, quota_hosts, quota_centre")
    try expectError("quota_centre", hint: "--init", 78)
  }

  @Test func `Numbers beyond 64 bits are named, and the rest is heard`() throws {
    let hosts = try TestHosts("a", "b", "c")
    try hosts[0].use("alice", 10)
    try hosts[0].use("bob", 3)
    try hosts.settle()
    for host in ["b", "c"] {
      try hosts.database.execute(
        """
        UPDATE quota_hosts SET version = version + 1 WHERE host = '\(host)';
        INSERT INTO quota_usage SELECT key, 0, host, \(Int64.max), 1, 0, quota_hosts.version
          FROM quota_facts, quota_hosts WHERE content LIKE '%alice%' AND host = '\(host)'
        """)
    }
    try hosts[1].use("bob", 4)
    try hosts[1].run()
    try hosts[0].run()
    try hosts[0].run()
    #expect(hosts[0].warnings.count == 1, "\(hosts[0].warnings)")
    #expect(hosts[0].warnings.first?.contains("left out: usage of ") == true)
    #expect(try hosts[0].used("bob") == 7 && hosts[0].used("alice") == 10)
    for table in ["quota_centre", "quota_hosts"] {
      try hosts.database.execute("UPDATE \(table) SET version = \(Int64.max)")
      try hosts[0].use("alice", 1)
      let error = #expect(throws: PostgresError.self) {
        try hosts[0].run()
        try hosts[0].change { _ = try $0.users.add("carol", Terms(), at: Clock.now) }
      }
      #expect(error?.state == "22003" && error?.exitStatus == .unavailable)
      #expect(error?.hint?.contains("put it right") == true)
      try hosts.database.execute("UPDATE \(table) SET version = 1000")
    }
    try hosts[0].run()
    #expect(try hosts[0].used("alice") == 12)
  }
}
