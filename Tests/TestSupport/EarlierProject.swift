/// The database of the earlier Python project, with its trigger and a table that is not ours. The
/// trigger made the quota rows; one of them was lost.
package let earlierProject = """
  CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, username TEXT UNIQUE NOT NULL,
    password_hash TEXT, status TEXT DEFAULT 'active',
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
  CREATE TABLE user_protocols (id INTEGER PRIMARY KEY, user_id INTEGER, protocol TEXT);
  CREATE TABLE user_quotas (id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER UNIQUE NOT NULL,
    quota_bytes BIGINT DEFAULT 0, bytes_used BIGINT DEFAULT 0,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
  CREATE TABLE traffic_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL,
    bytes_sent BIGINT DEFAULT 0, bytes_received BIGINT DEFAULT 0,
    log_timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
  CREATE TRIGGER after_user_insert AFTER INSERT ON users
    BEGIN INSERT INTO user_quotas (user_id) VALUES (NEW.id); END;
  INSERT INTO users (username, password_hash, status) VALUES
    ('alice', 'hash', 'active'), ('bob', NULL, 'inactive'), ('carol', NULL, 'active');
  INSERT INTO user_quotas (user_id, quota_bytes, bytes_used) VALUES (1, 1000, 900), (2, 0, 77);
  INSERT INTO traffic_logs (user_id, bytes_sent, bytes_received) VALUES (1, 200, 100), (1, 100, 50);
  """
