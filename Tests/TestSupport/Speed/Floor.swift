import SQLite

/// A yardstick that never changes: what SQLite takes to upsert the rows of a sweep in the tables that
/// version 2 had, and nothing else, by the program `bench-floor`.
package struct Floor {
  private let before: TemporaryDirectory
  private let after: TemporaryDirectory
  private let rows: String

  /// Makes the two databases, and finds out which rows they differ in.
  ///
  /// - Parameters:
  ///   - count: sessions, each of a user of its own.
  ///   - changed: how many of them moved anything.
  package init(sessions count: Int, changed: Int) throws {
    before = try TemporaryDirectory()
    after = try TemporaryDirectory()
    try Floor.fill(before.path + "/quota.db", sessions: count, changed: 0)
    try Floor.fill(after.path + "/quota.db", sessions: count, changed: changed)
    let outcome = try Program.run(
      Program.path("bench-floor"), ["rows", before.path + "/quota.db", after.path + "/quota.db"],
      environment: [:])
    try outcome.requireSuccess()
    guard !outcome.output.isEmpty else { throw Gauge.Missing(description: "no row changed") }
    rows = try before.write(outcome.output, to: "rows")
  }

  /// The command line that upserts the rows into a copy.
  package func command(on copy: TemporaryDirectory) -> [String] {
    [Program.path("bench-floor"), "write", copy.path + "/quota.db", rows]
  }

  /// Another folder with the database as it was.
  package func copy() throws -> TemporaryDirectory {
    try TemporaryDirectory(copyOf: before.path + "/quota.db")
  }

  /// Counts the instructions that the rows take, which have to come to the same.
  package func instructions() throws -> Int {
    let copy = try copy()
    let figure = try Gauge.instructions().figure(of: command(on: copy))
    let comparison = try Program.run(
      Program.path("bench-floor"),
      ["compare", copy.path + "/quota.db", after.path + "/quota.db"], environment: [:])
    try comparison.requireSuccess()
    return figure
  }

  /// The tables that a sweep of version 2 wrote to, with their rows. Who pays for a session has
  /// nothing to do with its address.
  private static func fill(_ path: String, sessions count: Int, changed: Int) throws {
    let database = try Connection(path, .creating, busyTimeout: 0)
    try database.execute("PRAGMA journal_mode = WAL")
    try database.execute(
      """
      CREATE TABLE user_quotas (
        id INTEGER PRIMARY KEY, user_id INTEGER UNIQUE NOT NULL,
        quota_bytes INTEGER DEFAULT 0, bytes_used INTEGER DEFAULT 0, updated_at TEXT,
        plan_id INTEGER, own INTEGER NOT NULL DEFAULT 1, period TEXT,
        period_start INTEGER NOT NULL DEFAULT 0, period_end INTEGER, reset_at INTEGER,
        granted_bytes INTEGER NOT NULL DEFAULT 0, carried_bytes INTEGER NOT NULL DEFAULT 0,
        grace_bytes INTEGER NOT NULL DEFAULT 0, grace_percent INTEGER NOT NULL DEFAULT 0,
        max_sessions INTEGER NOT NULL DEFAULT 0, is_exempt INTEGER NOT NULL DEFAULT 0,
        expires_at INTEGER, expires_after INTEGER, began_at INTEGER,
        noticed INTEGER NOT NULL DEFAULT 0);
      CREATE TABLE sessions (
        boot INTEGER NOT NULL, pid INTEGER NOT NULL, connected_since INTEGER NOT NULL,
        address TEXT NOT NULL, user_id INTEGER NOT NULL, common_name TEXT NOT NULL,
        server TEXT, real_address TEXT,
        bytes_received INTEGER NOT NULL, bytes_sent INTEGER NOT NULL,
        closed_at INTEGER, closed_by TEXT, log_id INTEGER, kills INTEGER, killed_at INTEGER,
        PRIMARY KEY (boot, pid, connected_since, address)) WITHOUT ROWID;
      CREATE INDEX open_sessions ON sessions (user_id, server) WHERE closed_at IS NULL;
      CREATE TABLE period_usage (
        user_id INTEGER NOT NULL, period_start INTEGER NOT NULL,
        bytes_received INTEGER NOT NULL, bytes_sent INTEGER NOT NULL, period_end INTEGER,
        quota_bytes INTEGER, granted_bytes INTEGER, carried_bytes INTEGER NOT NULL DEFAULT 0,
        is_estimated INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (user_id, period_start)) WITHOUT ROWID;
      CREATE TABLE daily_usage (
        user_id INTEGER NOT NULL, day TEXT NOT NULL,
        bytes_received INTEGER NOT NULL, bytes_sent INTEGER NOT NULL,
        PRIMARY KEY (user_id, day)) WITHOUT ROWID;
      CREATE TABLE hourly_usage (
        user_id INTEGER NOT NULL, hour INTEGER NOT NULL,
        bytes_received INTEGER NOT NULL, bytes_sent INTEGER NOT NULL,
        PRIMARY KEY (user_id, hour)) WITHOUT ROWID;
      CREATE TEMP TABLE n AS
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(count))
        SELECT i, i * 7919 % \(count) + 1 AS user, 1000 + 10 * (i <= \(changed)) AS received,
          2000 + 20 * (i <= \(changed)) AS sent FROM n;
      BEGIN;
      INSERT INTO sessions SELECT 1152921504606846975, 4711, 1795435200,
        '10.99.' || (i / 250) || '.' || (i % 250), user, 'user' || i, 'server',
        '192.0.2.1:' || (20000 + i), received, sent, NULL, NULL, NULL, 0, NULL FROM n;
      INSERT INTO user_quotas (user_id, bytes_used, updated_at) SELECT user, received + sent,
        iif(received > 1000, '2026-11-23 12:01:00', '2026-11-23 12:00:00') FROM n ORDER BY user;
      INSERT INTO period_usage (user_id, period_start, bytes_received, bytes_sent)
        SELECT user, 0, received, sent FROM n;
      INSERT INTO daily_usage SELECT user, '2026-11-23', received, sent FROM n;
      INSERT INTO hourly_usage SELECT user, 1795435200, received, sent FROM n;
      COMMIT
      """)
    _ = try database.checkpoint()
  }
}
