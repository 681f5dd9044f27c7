import Quota
import SQLite

extension Ledger {
  /// What the ledger knows of a user that bears on whether he may be in, nil for a stranger.
  package func standing(of name: UserName) throws(SQLiteError) -> Standing? {
    var statement = try database.prepare(
      """
      SELECT status, quota_bytes, bytes_received, bytes_sent
      FROM users LEFT JOIN user_quotas ON user_quotas.user_id = users.id
        LEFT JOIN period_usage ON period_usage.user_id = users.id AND period_start = 0
      WHERE username = ?1
      """)
    statement.bind(1, bytes: name.bytes)
    guard try statement.step() else { return nil }
    return Standing(row: statement)
  }
}

extension Standing {
  /// Reads status, quota and both directions of usage.
  ///
  /// Any status but the earlier project's `active` shuts a user out; a quota it left empty or
  /// negative is none.
  init(row: borrowing Statement) {
    self.init(
      isEnabled: row.text(0) == "active", quota: max(0, row.integer(1)),
      used: Traffic(received: row.integer(2), sent: row.integer(3)))
  }
}
