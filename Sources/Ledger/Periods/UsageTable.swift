import Quota
import SQLite

/// The statements that add bytes to the row of a user and a stretch of time.
///
/// The row is there as a rule, and an update takes half of what an upsert does. An overflowing sum
/// becomes a floating-point number in SQLite, so sums are clamped to the largest integer:
/// `min(old, largest - more) + more`.
struct UsageTable: ~Copyable {
  private let ledger: Ledger
  private let table: String
  private let stretch: String
  private var raise: Statement
  private var begin: Statement?

  /// - Parameter stretch: the column that says which stretch of time it is.
  init(_ table: String, by stretch: String, _ ledger: Ledger) throws(SQLiteError) {
    raise = try ledger.database.prepare(
      """
      UPDATE \(table) SET bytes_received = min(bytes_received, 9223372036854775807 - ?3) + ?3,
        bytes_sent = min(bytes_sent, 9223372036854775807 - ?4) + ?4
      WHERE user_id = ?1 AND \(stretch) = ?2
      """)
    self.ledger = ledger
    self.table = table
    self.stretch = stretch
  }

  mutating func add(
    _ increase: Traffic, to user: Int64, in time: Value
  ) throws(SQLiteError) {
    raise.bind(user, time, increase)
    try raise.run()
    if ledger.database.changes > 0 { return }
    if begin == nil {
      begin = try ledger.database.prepare(
        """
        INSERT INTO \(table) (user_id, \(stretch), bytes_received, bytes_sent)
        VALUES (?1, ?2, ?3, ?4)
        """)
    }
    begin?.bind(user, time, increase)
    try begin?.run()
  }
}

extension Statement {
  fileprivate mutating func bind(_ user: Int64, _ time: Value, _ traffic: Traffic) {
    bind(1, user)
    bind(2, time)
    bind(3, traffic.received)
    bind(4, traffic.sent)
  }
}
