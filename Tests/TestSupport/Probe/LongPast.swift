import System

/// A past with so many rows that time tells.
package enum LongPast {
  private static let numbers =
    "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i <"

  /// Fills what grows with rows of long ago: nine of ten in the log of sessions, and the
  /// rest days of usage.
  package static func fill(_ ledger: LedgerProbe, rows: Int) throws {
    try ledger.change(
      """
      PRAGMA synchronous = OFF;
      \(numbers) \(rows * 9 / 10)) INSERT INTO traffic_logs
        SELECT i, i % 1000 + 1, 100, 100, '2020-01-01 00:00:00', i, 1, x'0a080002',
          x'c000020104aa', 'hook' FROM n WHERE i > 0;
      \(numbers) \(rows / 10)) INSERT INTO usage
        SELECT i / 1000 * 86400, i % 1000 + 1, 1, 1 FROM n WHERE i > 0;
      """)
  }

  /// Adds ended sessions of user 1, one a second from 1970 on.
  package static func addSessions(_ count: Int, to ledger: LedgerProbe) throws {
    try ledger.change(
      """
      \(numbers) \(count))
      INSERT INTO traffic_logs (user_id, bytes_sent, bytes_received, log_timestamp,
        connected_since, ended_by)
      SELECT 1, 1, 1, datetime(i, 'unixepoch'), i, 'hook' FROM n WHERE i > 0
      """)
  }

  /// Adds so many days up to now to a ledger that has these users, and no more.
  ///
  /// Sessions begin one after the other, as they do; a user's are equal parts of a day apart.
  ///
  /// - Parameter sessions: how many each user had on a day.
  package static func addDays(
    _ days: Int, to ledger: LedgerProbe, users: Int, sessions: Int
  ) throws {
    let start = Clock.now - Int64(days) * 86_400
    let count = users * days * sessions
    let (begin, user) = ("\(start) + i * 86400 / \(users * sessions)", "i % \(users) + 1")
    try ledger.change(
      """
      PRAGMA synchronous = OFF;
      INSERT OR IGNORE INTO servers (name) VALUES ('udp');
      \(numbers) \(count - 1)) INSERT INTO traffic_logs
        SELECT (\(begin) + 3000) * 16777216 + i % 16777216, \(user), 20000000, 1000000,
          datetime(\(begin) + 3000, 'unixepoch'), \(begin), 1,
          CAST(char(10, 8, i % 100, i % 120) AS BLOB),
          CAST(char(10, 8, i % 100, i % 120, 70, 71) AS BLOB), 'hook' FROM n;
      \(numbers) \(users * (days - 8) - 1)) INSERT INTO usage
        SELECT \(start) / 86400 * 86400 + i / \(users) * 86400, \(user), 20000000, 400000000
        FROM n WHERE true ON CONFLICT DO NOTHING;
      \(numbers) \(users * 8 * 24 - 1)) INSERT INTO usage
        SELECT (unixepoch('now') / 3600 - i / \(users)) * 3600, \(user), 800000, 16000000
        FROM n WHERE true ON CONFLICT DO NOTHING;
      REPLACE INTO meta SELECT 'folded_before', unixepoch('now', 'start of day', '-8 days');
      UPDATE user_quotas SET bytes_received = \(days) * 20000000, bytes_sent = \(days) * 400000000,
        bytes_used = \(days) * 420000000;
      """)
  }
}
