import System

/// A ledger of many users, some of whom have names that nobody would wish for.
package enum ManyUsers {
  /// Names that break a page, a table or a line that is not careful.
  package static let hostile = [
    "<script>document.title='broken'</script>", "\"><img src=x onerror=document.title='broken'>",
    "a&lt;b' onclick='x", String(repeating: "very-long-name.", count: 17),
    String(repeating: "م", count: 120), "王小明王小明王小明王小明王小明王小明王小明王小明",
    "zalgo\u{301}\u{302}\u{303}\u{304}\u{305}", "\u{202E}reversed", "=1+1", "-rf", "{{7*7}}",
  ]

  /// Fills an empty ledger.
  ///
  /// - Parameters:
  ///   - users: how many there are; the first are the hostile ones, and move the most.
  ///   - days: how many days back they have been moving something.
  package static func fill(_ ledger: LedgerProbe, users: Int, days: Int) throws {
    try ledger.change(sql(users: users, days: days))
  }

  private static func sql(users: Int, days: Int) -> String {
    // One moment for all statements: users' numbers are told from it.
    let now = Clock.now
    let names = hostile.enumerated().map { index, name in
      let quoted = name.split(separator: "'", omittingEmptySubsequences: false)
        .joined(separator: "''")
      return "UPDATE users SET username = '\(quoted)' WHERE id = \(index * 2 + 1);"
    }
    return """
      BEGIN;
      CREATE TEMP TABLE u AS
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(users))
        SELECT i FROM n;
      CREATE TEMP TABLE d AS
        WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < \(days - 1))
        SELECT i FROM n;
      INSERT INTO users (id, username, status, created_at)
        SELECT i, printf('user%04d@example.org', i), iif(i % 50 = 0, 'disabled', 'active'),
          datetime('now', '-400 days') FROM u;
      INSERT INTO usage (user_id, start, bytes_received, bytes_sent)
        SELECT u.i, unixepoch('now', 'start of day', -d.i || ' days'),
          (u.i * 7919 + d.i * 104729) % 997 * 200000 / (1 + u.i / 40),
          (u.i * 104729 + d.i * 7919) % 997 * 4000000 / (1 + u.i / 40)
            * (1 + (d.i + 2) % 7 / 5)
        FROM u CROSS JOIN d;
      INSERT INTO user_quotas (user_id, bytes_received, bytes_sent, bytes_used)
        SELECT user_id, sum(bytes_received), sum(bytes_sent), sum(bytes_received + bytes_sent)
        FROM usage GROUP BY user_id;
      UPDATE user_quotas SET
        quota = iif(user_id % 3 = 0, 0, bytes_used / (55 + user_id * 13 % 80) * 100);
      UPDATE user_quotas SET quota_bytes = quota;
      INSERT INTO servers (name) VALUES ('home');
      INSERT INTO processes (server_id, boot, pid, started) VALUES (1, 0, 7, 0);
      INSERT INTO sessions (id, process_id, connected_since, user_id, owner, ipv4, opened_at)
        SELECT i, 1, unixepoch('now') - i, i, username,
          CAST(char(10, 8, i / 100 % 100, i % 100) AS BLOB), unixepoch('now') - i
        FROM u JOIN users ON id = i WHERE i % 4 = 0;
      INSERT INTO counters SELECT id, id, id FROM sessions;
      INSERT INTO events (at, username, kind, detail, count, last_at)
        SELECT \(now) - 86400 - i, username, iif(i % 5, 'refused', 'killed'), 'quota',
          iif(i % 5, 1 + i * 31 % 400, 1), \(now) - i
        FROM u JOIN users ON id = i WHERE i % 3 = 1;
      \(names.prefix(users / 2).joined(separator: "\n"))
      UPDATE events SET username =
        (SELECT username FROM users WHERE id = \(now) - 86400 - at)
        WHERE username LIKE 'user%@example.org';
      COMMIT;
      """
  }
}
