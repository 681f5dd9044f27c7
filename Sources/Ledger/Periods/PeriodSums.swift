import Quota
import SQLite

// What a period comes to, from the rows that say so. `user_quotas` holds the results for the present
// one, so that a hook reads one row.

extension Ledger {
  /// What a user used in the period that begins at a moment.
  func used(by user: Int64, inPeriodFrom start: Int64) throws(SQLiteError) -> Traffic {
    var statement = try database.prepare(
      """
      SELECT bytes_received, bytes_sent FROM period_usage WHERE user_id = ?1 AND period_start = ?2
      """)
    statement.bind(1, user)
    statement.bind(2, start)
    guard try statement.step() else { return Traffic() }
    return Traffic(received: statement.integer(0), sent: statement.integer(1))
  }

  /// Bytes that were granted to a user for the period that takes up this span.
  func granted(to user: Int64, during calendar: TimeSpan) throws(SQLiteError) -> Int64 {
    var statement = try database.prepare(
      """
      SELECT bytes FROM grants WHERE user_id = ?1 AND period_start >= ?2 AND period_start < ?3
        AND revoked_at IS NULL
      """)
    statement.bind(1, user)
    statement.bind(2, calendar.start)
    statement.bind(3, calendar.end)
    return try statement.saturatingSum()
  }

  /// Bytes that carried grants have for the period that begins at a moment: all they came to, less
  /// what every other period took.
  func carried(for user: Int64, into start: Int64) throws(SQLiteError) -> Int64 {
    var given = try database.prepare(
      "SELECT bytes FROM grants WHERE user_id = ?1 AND period_start IS NULL")
    given.bind(1, user)
    let all = try given.saturatingSum()
    if all == 0 { return 0 }
    return max(0, all - (try takenFromCarried(of: user, otherThanFrom: start)))
  }

  /// Bytes that a user's periods took from carried grants, but for the one that begins at a moment.
  func takenFromCarried(
    of user: Int64, otherThanFrom start: Int64?
  ) throws(SQLiteError) -> Int64 {
    var taken = try database.prepare(
      "SELECT carried_bytes FROM period_usage WHERE user_id = ?1 AND period_start IS NOT ?2")
    taken.bind(1, user)
    taken.bind(2, start)
    return try taken.saturatingSum()
  }
}

extension Statement {
  /// The sum of the first column of all rows, which SQLite would turn into a fraction where it is
  /// too large.
  fileprivate mutating func saturatingSum() throws(SQLiteError) -> Int64 {
    var sum: Int64 = 0
    while try step() { sum = Quota.saturatingSum(sum, integer(0)) }
    return sum
  }
}
