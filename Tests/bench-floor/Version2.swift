import SQLite

/// A database of the development version 2, as its sweep left it: the yardstick's tables, which stay
/// as they were while the programs' change.
enum Version2 {
  private static let schema =
    """
    CREATE TABLE users (
      id INTEGER PRIMARY KEY, username TEXT UNIQUE NOT NULL, password_hash TEXT,
      status TEXT DEFAULT 'active', created_at TEXT, updated_at TEXT);
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
    CREATE TABLE traffic_logs (
      id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL,
      bytes_sent INTEGER, bytes_received INTEGER, log_timestamp TEXT);
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
    CREATE TABLE events (
      at INTEGER NOT NULL, username TEXT NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL,
      count INTEGER NOT NULL, last_at INTEGER NOT NULL,
      PRIMARY KEY (at, username, kind, detail)) WITHOUT ROWID;
    CREATE TABLE plans (
      id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, quota_bytes INTEGER, period TEXT,
      expires_at INTEGER, expires_after INTEGER, from_first INTEGER, max_sessions INTEGER,
      grace_bytes INTEGER, grace_percent INTEGER, is_exempt INTEGER);
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
    CREATE TABLE hourly_usage (
      user_id INTEGER NOT NULL, hour INTEGER NOT NULL,
      bytes_received INTEGER NOT NULL, bytes_sent INTEGER NOT NULL,
      PRIMARY KEY (user_id, hour)) WITHOUT ROWID;
    PRAGMA user_version = 2;
    """

  /// Makes the database, with so many live sessions of a user each, and gives the rows of a sweep for
  /// which all of them have changed.
  static func make(_ path: String, sessions count: Int) throws(SQLiteError) -> String {
    let database = try Connection(path, .creating, busyTimeout: 0)
    try database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF")
    try database.transaction { () throws(SQLiteError) in
      try database.execute(schema)
      try fill(database, count)
    }
    try database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    // What the next sweep would write is read where it is written, and not kept.
    try database.execute(
      """
      BEGIN;
      UPDATE sessions SET bytes_received = bytes_received + 10, bytes_sent = bytes_sent + 20;
      UPDATE period_usage SET bytes_received = bytes_received + 10, bytes_sent = bytes_sent + 20;
      UPDATE daily_usage SET bytes_received = bytes_received + 10, bytes_sent = bytes_sent + 20;
      UPDATE hourly_usage SET bytes_received = bytes_received + 10, bytes_sent = bytes_sent + 20;
      UPDATE user_quotas SET bytes_used = bytes_used + 30, updated_at = '2026-11-24 12:01:00';
      """)
    var rows = ""
    for table in Table.all { rows += try table.rows(of: database) }
    try database.execute("ROLLBACK; PRAGMA wal_checkpoint(TRUNCATE)")
    return rows
  }

  /// Users are numbered in the order in which a listing first showed them, which is none; sessions
  /// stand in the order of their addresses.
  private static func fill(_ database: borrowing Connection, _ count: Int) throws(SQLiteError) {
    var user = try database.prepare(
      """
      INSERT INTO users (id, username, created_at, updated_at)
      VALUES (?1, ?2, '2026-11-24 12:00:00', '2026-11-24 12:00:00')
      """)
    var session = try database.prepare(
      """
      INSERT INTO sessions (boot, pid, connected_since, address, user_id, common_name, server,
        real_address, bytes_received, bytes_sent, kills)
      VALUES (320380659694720078, 6518, 1795521600, ?1, ?2, ?3, 's0', ?4, 1000, 2000, 0)
      """)
    let order = (1...count).sorted { scrambled($0) < scrambled($1) }
    var numbers = [Int](repeating: 0, count: count + 1)
    for (index, client) in order.enumerated() {
      numbers[client] = index + 1
      user.bind(1, Int64(index + 1))
      user.bind(2, "user\(client)")
      try user.run()
    }
    for client in (1...count).sorted(by: { address(of: $0) < address(of: $1) }) {
      session.bind(1, address(of: client))
      session.bind(2, Int64(numbers[client]))
      session.bind(3, "user\(client)")
      session.bind(4, "192.0.2.\(client % 250 + 1):\(20_001 + client % 40_000)")
      try session.run()
    }
    try database.execute(
      """
      INSERT INTO user_quotas (user_id, bytes_used, updated_at)
        SELECT id, 3000, '2026-11-24 12:00:00' FROM users;
      INSERT INTO period_usage (user_id, period_start, bytes_received, bytes_sent)
        SELECT id, 0, 1000, 2000 FROM users;
      INSERT INTO daily_usage SELECT id, '2026-11-24', 1000, 2000 FROM users;
      INSERT INTO hourly_usage SELECT id, 1795521600, 1000, 2000 FROM users;
      """)
  }

  private static func address(of client: Int) -> String {
    let number = client + 1
    return "10.\(8 + number >> 16).\(number >> 8 & 0xFF).\(number & 0xFF)"
  }

  /// A number that looks like chance, the same in each run (the finalizer of SplitMix64).
  private static func scrambled(_ number: Int) -> UInt64 {
    var value = UInt64(number) &* 0x9E37_79B9_7F4A_7C15
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
