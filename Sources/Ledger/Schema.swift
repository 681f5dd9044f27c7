import Quota
import SQLite

/// The tables, and how a database comes to have them.
///
/// Nothing here is younger than SQLite 3.40.
enum Schema {
  /// What `PRAGMA user_version` says of a database with these tables. 1 and 2 were those of
  /// development versions; nothing was ever released with them.
  static let version: Int64 = 3

  /// The statements that make the tables.
  ///
  /// 0 is an empty file, or the database of the earlier Python project, whose three tables keep
  /// their names and columns; its `user_protocols` and its trigger are left alone.
  static let migrations: [String] = [
    """
    CREATE TABLE IF NOT EXISTS users (
      id INTEGER PRIMARY KEY, username TEXT UNIQUE NOT NULL, password_hash TEXT,
      status TEXT DEFAULT 'active', created_at TEXT, updated_at TEXT);
    CREATE TABLE IF NOT EXISTS user_quotas (
      id INTEGER PRIMARY KEY, user_id INTEGER UNIQUE NOT NULL,
      quota_bytes INTEGER DEFAULT 0, bytes_used INTEGER DEFAULT 0, updated_at TEXT);
    CREATE TABLE IF NOT EXISTS traffic_logs (
      id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL,
      bytes_sent INTEGER, bytes_received INTEGER, log_timestamp TEXT);

    -- What a user moved in one period; a period that never ends starts at 0.
    CREATE TABLE period_usage (
      user_id INTEGER NOT NULL, period_start INTEGER NOT NULL,
      bytes_received INTEGER NOT NULL, bytes_sent INTEGER NOT NULL,
      PRIMARY KEY (user_id, period_start)) WITHOUT ROWID;
    CREATE TABLE daily_usage (
      user_id INTEGER NOT NULL, day TEXT NOT NULL,
      bytes_received INTEGER NOT NULL, bytes_sent INTEGER NOT NULL,
      PRIMARY KEY (user_id, day)) WITHOUT ROWID;

    CREATE TABLE events (
      at INTEGER NOT NULL, username TEXT NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL,
      count INTEGER NOT NULL, last_at INTEGER NOT NULL,
      PRIMARY KEY (at, username, kind, detail)) WITHOUT ROWID;

    -- A user of the earlier project may lack a quota row, and may have used some already. It kept
    -- no directions of that; they follow his logged sessions, or are download where none is. The
    -- day is one before every ledger.
    INSERT INTO user_quotas (user_id)
      SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM user_quotas);
    INSERT INTO period_usage
      SELECT user_id, 0, received, used - received FROM (
        SELECT user_id, used, CAST(used * coalesce(
          (SELECT total(bytes_received) / nullif(total(bytes_received) + total(bytes_sent), 0)
           FROM traffic_logs WHERE traffic_logs.user_id = carried.user_id), 0) AS INTEGER) AS received
        FROM (SELECT user_id, CAST(bytes_used AS INTEGER) AS used FROM user_quotas) AS carried
        WHERE used > 0);
    INSERT INTO daily_usage
      SELECT user_id, '0001-01-01', bytes_received, bytes_sent FROM period_usage;
    """,
    """
    -- What holds for a user now. Of which terms the user has his own, the bits of own say; the rest
    -- is copied from his plan. A period that never ends has no end, and carried_bytes is what carried
    -- grants had left when it began.
    ALTER TABLE user_quotas ADD plan_id INTEGER;
    ALTER TABLE user_quotas ADD own INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE user_quotas ADD period TEXT;
    ALTER TABLE user_quotas ADD period_start INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE user_quotas ADD period_end INTEGER;
    ALTER TABLE user_quotas ADD reset_at INTEGER;
    ALTER TABLE user_quotas ADD granted_bytes INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE user_quotas ADD carried_bytes INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE user_quotas ADD grace_bytes INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE user_quotas ADD grace_percent INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE user_quotas ADD max_sessions INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE user_quotas ADD is_exempt INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE user_quotas ADD expires_at INTEGER;
    ALTER TABLE user_quotas ADD expires_after INTEGER;
    ALTER TABLE user_quotas ADD began_at INTEGER;
    ALTER TABLE user_quotas ADD noticed INTEGER NOT NULL DEFAULT 0;

    -- A finished period keeps the quota and grants it had, and what it took from carried grants.
    ALTER TABLE period_usage ADD period_end INTEGER;
    ALTER TABLE period_usage ADD quota_bytes INTEGER;
    ALTER TABLE period_usage ADD granted_bytes INTEGER;
    ALTER TABLE period_usage ADD carried_bytes INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE period_usage ADD is_estimated INTEGER NOT NULL DEFAULT 0;

    CREATE TABLE plans (
      id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, quota_bytes INTEGER, period TEXT,
      expires_at INTEGER, expires_after INTEGER, from_first INTEGER, max_sessions INTEGER,
      grace_bytes INTEGER, grace_percent INTEGER, is_exempt INTEGER);

    -- A grant without a period is carried over until it is used up.
    CREATE TABLE grants (
      user_id INTEGER NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL,
      bytes INTEGER NOT NULL, period_start INTEGER, note TEXT, revoked_at INTEGER,
      PRIMARY KEY (user_id, number)) WITHOUT ROWID;

    CREATE TABLE notices (
      user_id INTEGER NOT NULL, period_start INTEGER NOT NULL, kind TEXT NOT NULL,
      detail TEXT NOT NULL, at INTEGER NOT NULL, used_bytes INTEGER NOT NULL,
      limit_bytes INTEGER NOT NULL, tries INTEGER NOT NULL, tried_at INTEGER, settled_at INTEGER,
      PRIMARY KEY (user_id, period_start, kind, detail)) WITHOUT ROWID;
    CREATE INDEX waiting_notices ON notices (at) WHERE settled_at IS NULL;

    -- The beginning of each hour of UTC, in seconds since 1970.
    CREATE TABLE hourly_usage (
      user_id INTEGER NOT NULL, hour INTEGER NOT NULL,
      bytes_received INTEGER NOT NULL, bytes_sent INTEGER NOT NULL,
      PRIMARY KEY (user_id, hour)) WITHOUT ROWID;
    """,
  ]

  /// Makes the tables in an empty database, or in that of the earlier Python project.
  ///
  /// - Throws: `LedgerError.schema` for a database of another version.
  static func migrate(_ database: borrowing Connection) throws(LedgerError) {
    do {
      if try database.integer("PRAGMA user_version") == 0 { try create(in: database) }
    } catch {
      throw .database(error)
    }
    try check(database)
  }

  /// Makes sure that a database has these very tables.
  static func check(_ database: borrowing Connection) throws(LedgerError) {
    let found: Int64
    do { found = try database.integer("PRAGMA user_version") } catch { throw .database(error) }
    if found != version {
      throw .schema(database: database.path, found: found, expected: version)
    }
  }

  private static func create(in database: borrowing Connection) throws(SQLiteError) {
    try database.transaction { () throws(SQLiteError) in
      // Another program may have done so while we waited for the lock.
      guard try database.integer("PRAGMA user_version") == 0 else { return }
      for part in migrations { try database.execute(part) }
      try database.execute(SessionTables.schema)
      try database.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID")
      try database.execute("PRAGMA user_version = \(version)")
    }
  }
}
