-- A database as the first version of these programs left it, with three users.
CREATE TABLE IF NOT EXISTS users (
  id INTEGER PRIMARY KEY, username TEXT UNIQUE NOT NULL, password_hash TEXT,
  status TEXT DEFAULT 'active', created_at TEXT, updated_at TEXT);
CREATE TABLE IF NOT EXISTS user_quotas (
  id INTEGER PRIMARY KEY, user_id INTEGER UNIQUE NOT NULL,
  quota_bytes INTEGER DEFAULT 0, bytes_used INTEGER DEFAULT 0, updated_at TEXT);
CREATE TABLE IF NOT EXISTS traffic_logs (
  id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL,
  bytes_sent INTEGER, bytes_received INTEGER, log_timestamp TEXT);

-- One row a session, its highest counters; boot and the process id are the server's.
CREATE TABLE sessions (
  boot INTEGER NOT NULL, pid INTEGER NOT NULL, connected_since INTEGER NOT NULL,
  address TEXT NOT NULL, user_id INTEGER NOT NULL, common_name TEXT NOT NULL,
  server TEXT, real_address TEXT,
  bytes_received INTEGER NOT NULL, bytes_sent INTEGER NOT NULL,
  closed_at INTEGER, closed_by TEXT, log_id INTEGER, kills INTEGER, killed_at INTEGER,
  PRIMARY KEY (boot, pid, connected_since, address)) WITHOUT ROWID;
CREATE INDEX open_sessions ON sessions (user_id, server) WHERE closed_at IS NULL;

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

INSERT INTO users (username, status) VALUES
  ('over', 'active'), ('under', 'active'), ('disabled', 'disabled');
INSERT INTO user_quotas (user_id, quota_bytes, bytes_used) VALUES
  (1, 100, 100), (2, 10000000, 100), (3, 0, 0);
INSERT INTO period_usage VALUES (1, 0, 40, 60), (2, 0, 40, 60);
INSERT INTO daily_usage VALUES (1, '2026-11-23', 40, 60), (2, '2026-11-23', 40, 60);
PRAGMA user_version = 1;
