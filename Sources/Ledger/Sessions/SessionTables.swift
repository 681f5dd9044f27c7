/// The tables of sessions: the live ones, and those whose end may still stand in a journal.
enum SessionTables {
  static let schema = """
    -- A server by the name that hooks or the sweep have for it. The process is the one that answered
    -- last; listed_at is when it last gave a whole listing, as of the last change: see LastHeard.
    CREATE TABLE servers (
      id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, boot INTEGER, pid INTEGER,
      listed_at INTEGER);

    -- A server's process, as hooks name it. listed_as is the server whose listings show its sessions,
    -- where that has another name. boot is 0 where a hook cannot tell, started where OpenVPN does not.
    CREATE TABLE processes (
      id INTEGER PRIMARY KEY, server_id INTEGER NOT NULL, boot INTEGER NOT NULL,
      pid INTEGER NOT NULL, started INTEGER NOT NULL, listed_as INTEGER,
      UNIQUE (server_id, boot, pid, started));

    -- One row a run of the connect hook, or a row of a listing where there is none; in the order of
    -- the journal. Without a user: a stranger who is not metered, or with a reason a refusal.
    -- Addresses are bytes in network order; client has the port behind it. real and virtual are where
    -- a listing showed the client last, if elsewhere. nonsense: it was told of impossible counters.
    CREATE TABLE sessions (
      id INTEGER PRIMARY KEY, process_id INTEGER NOT NULL, connected_since INTEGER NOT NULL,
      user_id INTEGER, owner TEXT NOT NULL, client BLOB, ipv4 BLOB, ipv6 BLOB, device TEXT,
      real BLOB, virtual BLOB, opened_at INTEGER NOT NULL, in_position INTEGER, in_mark INTEGER,
      reason TEXT, end_position INTEGER, end_mark INTEGER, ended_at INTEGER, ended_by TEXT,
      log_id INTEGER, kills INTEGER NOT NULL DEFAULT 0, killed_at INTEGER, nonsense INTEGER);
    CREATE INDEX session_keys ON sessions (process_id, connected_since);
    CREATE INDEX open_sessions ON sessions (user_id) WHERE ended_at IS NULL AND reason IS NULL;

    -- What a sweep writes for each session, apart: a page holds 150 of these.
    CREATE TABLE counters (
      session_id INTEGER PRIMARY KEY, bytes_received INTEGER NOT NULL, bytes_sent INTEGER NOT NULL);

    -- The present run of refusals of a user for a reason; its event has the same count.
    CREATE TABLE refusals (
      username TEXT NOT NULL, reason TEXT NOT NULL, since INTEGER NOT NULL, count INTEGER NOT NULL,
      last_at INTEGER NOT NULL, logged_at INTEGER NOT NULL, PRIMARY KEY (username, reason))
      WITHOUT ROWID;

    -- What an ended session was.
    ALTER TABLE traffic_logs ADD connected_since INTEGER;
    ALTER TABLE traffic_logs ADD server_id INTEGER;
    ALTER TABLE traffic_logs ADD virtual BLOB;
    ALTER TABLE traffic_logs ADD real BLOB;
    ALTER TABLE traffic_logs ADD ended_by TEXT;
    """
}

/// What ended a session.
package enum Ending: String, Sendable {
  /// Its disconnect hook.
  case hook
  /// A complete listing of its server without it.
  case listing
  /// Its server runs as another process now, or the machine was booted.
  case restart
}
