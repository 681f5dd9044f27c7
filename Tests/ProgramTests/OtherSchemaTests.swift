import Foundation
import SQLite
import TestSupport
import Testing

/// The hooks as they are installed, beside a database of another version: an upgrade is never done
/// everywhere at the same moment.
@Suite struct OtherSchemaTests {
  private static let earlierProject = """
    CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, username TEXT UNIQUE NOT NULL,
      password_hash TEXT, status TEXT DEFAULT 'active', created_at TEXT, updated_at TEXT);
    CREATE TABLE user_quotas (id INTEGER PRIMARY KEY AUTOINCREMENT,
      user_id INTEGER UNIQUE NOT NULL, quota_bytes BIGINT DEFAULT 0, bytes_used BIGINT DEFAULT 0,
      updated_at TEXT);
    CREATE TABLE traffic_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL,
      bytes_sent BIGINT DEFAULT 0, bytes_received BIGINT DEFAULT 0, log_timestamp TEXT);
    INSERT INTO users (username, status) VALUES ('over', 'active'), ('under', 'active'),
      ('disabled', 'inactive');
    INSERT INTO user_quotas (user_id, quota_bytes, bytes_used) VALUES (1, 100, 100),
      (2, 10000000, 100), (3, 0, 0);
    """

  /// Puts another database in the place of the installation's.
  private func replace(_ quota: Installation, by sql: String) throws {
    for suffix in ["", "-wal", "-shm"] {
      try FileManager.default.removeItem(atPath: quota.database + suffix)
    }
    try Connection(quota.database, .creating, busyTimeout: 0).execute(sql)
  }

  @Test func `an earlier one loses no counter, and is migrated by a sweep`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    try replace(quota, by: Self.earlierProject)
    let client = try server.enter("under")
    try client.upload(20_000)
    try client.leave()
    #expect(try quota.probe.schemaVersion == 0)
    try quota.sweep().expect(status: 0)
    let final = try #require(try server.finished.last)
    #expect(
      try quota.probe.bytesUsed["under"] == 100 + final.received + final.sent)
    #expect(try server.enter("over", since: now - 50).isRefused)
    #expect(try server.enter("disabled").isRefused)
  }

  @Test(arguments: [1, 2]) func `one of a development version is refused in one line`(
    version: Int64
  ) throws {
    let quota = try Installation()
    try quota.probe.setSchemaVersion(version)
    let outcome = try quota.sweep()
    outcome.expect(error: "is of a development version (schema \(version))")
    #expect(outcome.status != 0 && outcome.errors.split(separator: "\n").count == 2)
    #expect(try quota.probe.schemaVersion == version)
  }

  @Test func `a later one opens no door and loses no counter, and no sweep touches it`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    try quota.admin("add", "over", "--quota", "10kB")
    try quota.admin("add", "under", "--quota", "10MB")
    let first = try server.enter("over")
    try first.upload(20_000)
    try first.leave()
    let version = try quota.probe.schemaVersion
    try Connection(quota.database, busyTimeout: 0).execute(
      "ALTER TABLE sessions RENAME TO visits; PRAGMA user_version = 99")
    #expect(try server.enter("over", since: now - 50).isRefused)
    let client = try server.enter("under")
    try client.upload(20_000)
    try client.leave()
    try quota.sweep().expect(status: 65).expect(error: "has schema 99")
    try Connection(quota.database, busyTimeout: 0).execute(
      "ALTER TABLE visits RENAME TO sessions; PRAGMA user_version = \(version)")
    try quota.sweep().expect(status: 0)
    try quota.expectTruth(of: server)
  }
}
