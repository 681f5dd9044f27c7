import Quota
import SQLite

/// The tables, and how a database comes to have them. Nothing here is younger than SQLite 3.40.
enum Schema {
  /// What `PRAGMA user_version` says of a database with these tables. 1 and 2 were those of
  /// development versions; nothing was ever released with them. 3 had no `users.name_key`, 4 no rates and
  /// no pages, 5 nothing of other hosts, 6 no days that came late.
  static let version: Int64 = 7
  /// The versions that are brought up to date; 0 is the earlier Python project's, or an empty database.
  static let earlierVersions: Set<Int64> = [0, 3, 4, 5, 6]

  /// The earlier Python project's three tables, with its names and columns. Its `user_protocols` and
  /// its trigger are left alone.
  private static let earlierTables =
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
    """

  private static let tables =
    """
    -- A plan's terms; NULL where it says nothing. 0 is unlimited, and the period `none` is one that
    -- never ends. An expiry is a date, or seconds that begin at once or with the first connection;
    -- without either it is never, and from_first says that there is an expiry at all.
    CREATE TABLE plans (
      id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, quota INTEGER, period TEXT,
      max_sessions INTEGER, grace_bytes INTEGER, grace_percent INTEGER, is_exempt INTEGER,
      expires_at INTEGER, expires_after INTEGER, from_first INTEGER);

    -- A user's own terms (NULL: the plan's, else the default), and when their time began.
    ALTER TABLE user_quotas ADD plan_id INTEGER;
    ALTER TABLE user_quotas ADD quota INTEGER;
    ALTER TABLE user_quotas ADD period TEXT;
    ALTER TABLE user_quotas ADD max_sessions INTEGER;
    ALTER TABLE user_quotas ADD grace_bytes INTEGER;
    ALTER TABLE user_quotas ADD grace_percent INTEGER;
    ALTER TABLE user_quotas ADD is_exempt INTEGER;
    ALTER TABLE user_quotas ADD expires_at INTEGER;
    ALTER TABLE user_quotas ADD expires_after INTEGER;
    ALTER TABLE user_quotas ADD from_first INTEGER;
    ALTER TABLE user_quotas ADD began_at INTEGER;
    -- The present period: one that never ends has no end. carried is what carried grants had left
    -- when it began. quota_bytes and bytes_used mirror what is in force and what counts.
    ALTER TABLE user_quotas ADD period_start INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE user_quotas ADD period_end INTEGER;
    ALTER TABLE user_quotas ADD reset_at INTEGER;
    ALTER TABLE user_quotas ADD granted INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE user_quotas ADD carried INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE user_quotas ADD bytes_received INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE user_quotas ADD bytes_sent INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE user_quotas ADD noticed INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE user_quotas ADD is_estimated INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX followers ON user_quotas (plan_id) WHERE plan_id IS NOT NULL;
    CREATE INDEX period_ends ON user_quotas (period_end) WHERE period_end IS NOT NULL;

    -- Periods that are over, with the quota and grants they had; carried is what they took from
    -- carried grants.
    CREATE TABLE periods (
      user_id INTEGER NOT NULL, period_start INTEGER NOT NULL, period_end INTEGER,
      bytes_received INTEGER NOT NULL, bytes_sent INTEGER NOT NULL, quota INTEGER, granted INTEGER,
      carried INTEGER NOT NULL DEFAULT 0, is_estimated INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (user_id, period_start)) WITHOUT ROWID;

    -- A grant without a period is carried over until it is used up.
    CREATE TABLE grants (
      user_id INTEGER NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL,
      bytes INTEGER NOT NULL, period_start INTEGER, note TEXT, revoked_at INTEGER,
      PRIMARY KEY (user_id, number)) WITHOUT ROWID;

    -- What was moved, time first: the rows of one hour lie together, whatever history there is.
    -- start is the beginning of an hour in the zone, of a day before meta.folded_before, or of a
    -- reset's second.
    CREATE TABLE usage (
      start INTEGER NOT NULL, user_id INTEGER NOT NULL,
      bytes_received INTEGER NOT NULL, bytes_sent INTEGER NOT NULL,
      PRIMARY KEY (start, user_id)) WITHOUT ROWID;

    -- period_start marks a notice, which is delivered: one for each user, period, kind and detail.
    CREATE TABLE events (
      id INTEGER PRIMARY KEY, at INTEGER NOT NULL, username TEXT NOT NULL, kind TEXT NOT NULL,
      detail TEXT NOT NULL, count INTEGER NOT NULL DEFAULT 1, last_at INTEGER NOT NULL,
      period_start INTEGER, used INTEGER, "limit" INTEGER, tries INTEGER, tried_at INTEGER,
      settled_at INTEGER);
    CREATE UNIQUE INDEX known_events ON events (username, kind, detail, at)
      WHERE period_start IS NULL;
    CREATE UNIQUE INDEX notices ON events (username, kind, detail, period_start)
      WHERE period_start IS NOT NULL;
    CREATE INDEX undelivered ON events (at) WHERE tries IS NOT NULL AND settled_at IS NULL;

    CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
    """

  /// `name_key` is what `Names.fold` has for a name, a byte 1 behind it where that was taken away;
  /// NULL where another program wrote the row.
  private static let nameKeys =
    """
    ALTER TABLE users ADD name_key TEXT;
    CREATE INDEX name_keys ON users (name_key);
    """

  /// A rate as `Rate` writes it, or `none`; NULL where nothing is said. `page_token` is the name of the
  /// user's page.
  private static let rates =
    """
    ALTER TABLE plans ADD rate TEXT;
    ALTER TABLE plans ADD then_rate TEXT;
    ALTER TABLE user_quotas ADD rate TEXT;
    ALTER TABLE user_quotas ADD then_rate TEXT;
    ALTER TABLE users ADD page_token TEXT;
    """

  /// What is there for several hosts that share users. As long as a host is by itself these tables are
  /// empty and `uid` is NULL.
  ///
  /// `uid` names a user on all hosts. `shared` has what the centre last said of each fact; is_due where this
  /// host has something to add. `pushed` has what the centre has of this host's usage: NULL where that is
  /// not known. `elsewhere` has what users have on other hosts; it counts for the period that begins with
  /// elsewhere_start. It is a table of its own, since a sweep writes the rows of `user_quotas` whole.
  private static let hosts =
    """
    ALTER TABLE users ADD uid TEXT;
    CREATE TABLE elsewhere (
      elsewhere_user INTEGER PRIMARY KEY, elsewhere_start INTEGER NOT NULL,
      elsewhere_received INTEGER NOT NULL, elsewhere_sent INTEGER NOT NULL,
      elsewhere_sessions INTEGER NOT NULL, elsewhere_hosts INTEGER NOT NULL);
    CREATE TABLE shared (
      kind TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, content TEXT NOT NULL,
      is_removed INTEGER NOT NULL, is_due INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (kind, key)) WITHOUT ROWID;
    CREATE TABLE pushed (
      user_id INTEGER NOT NULL, period_start INTEGER NOT NULL, received INTEGER, sent INTEGER,
      sessions INTEGER, PRIMARY KEY (user_id, period_start)) WITHOUT ROWID;
    """

  /// Days that changed after the centre was told of them, for hosts that share their users.
  private static let lateDays =
    """
    CREATE TABLE late_days (
      user_id INTEGER NOT NULL, day INTEGER NOT NULL, PRIMARY KEY (user_id, day)) WITHOUT ROWID;
    """

  /// What finds users by uid, and quickly whom the centre does not know and what it is to be told. Only a
  /// host that shares its users has them.
  static let hostIndexes =
    """
    CREATE UNIQUE INDEX IF NOT EXISTS uids ON users (uid) WHERE uid IS NOT NULL;
    CREATE INDEX IF NOT EXISTS due_facts ON shared (key) WHERE is_due;
    CREATE INDEX IF NOT EXISTS unshared_users ON users (id) WHERE uid IS NULL AND \(Users.isPresent);
    """
  static let withoutHostIndexes =
    """
    DROP INDEX IF EXISTS uids; DROP INDEX IF EXISTS due_facts;
    DROP INDEX IF EXISTS unshared_users
    """

  /// Makes the tables in an empty database, or in that of the earlier Python project, whose history
  /// then stands in `usage`.
  ///
  /// - Parameter zone: whose hours that history is kept by.
  /// - Throws: `LedgerError.schema` for a database of another version.
  static func migrate(_ database: borrowing Connection, zone: Zone) throws(LedgerError) {
    do {
      if earlierVersions.contains(try database.integer("PRAGMA user_version")) {
        try database.transaction { () throws(SQLiteError) in
          // Another program may have done so while we waited for the lock.
          let found = try database.integer("PRAGMA user_version")
          guard earlierVersions.contains(found) else { return }
          if found == 0 {
            try database.execute(earlierTables + tables + SessionTables.schema)
            try EarlierProject.adopt(in: database, zone: zone)
          }
          if found < 4 { try database.execute(nameKeys) }
          if found < 5 { try database.execute(rates) }
          if found < 6 { try database.execute(hosts) }
          try database.execute(lateDays)
          try database.execute("PRAGMA user_version = \(version)")
        }
      }
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
}

/// Columns that are written together, each from the parameter of its name.
struct Columns: Sendable {
  let names: [String]
  /// For `INSERT`, and `SELECT` from one table.
  let list: String
  /// For `VALUES`.
  let parameters: String
  /// For `UPDATE`.
  let assignments: String
  /// For `ON CONFLICT DO UPDATE`.
  let replacements: String

  init(_ names: [String]) {
    self.names = names
    list = names.joined(separator: ", ")
    parameters = names.map { ":\($0)" }.joined(separator: ", ")
    assignments = names.map { "\($0) = :\($0)" }.joined(separator: ", ")
    replacements = names.map { "\($0) = excluded.\($0)" }.joined(separator: ", ")
  }

  /// For `SELECT` from several tables.
  func list(of table: String) -> String {
    names.map { "\(table).\($0)" }.joined(separator: ", ")
  }

  static func + (one: Columns, other: Columns) -> Columns { Columns(one.names + other.names) }
}
