import Quota
import SQLite

extension Ledger {
  /// The period of a user's that a moment before his present one fell in: the one on record, which
  /// may have begun by an earlier rule or a reset; else what the rule has, as far as it does not
  /// reach into those on record.
  func earlierPeriod(of row: StandingRow, at time: Int64) throws(SQLiteError) -> TimeSpan {
    let before = try period(
      of: row.user, "period_start <= ?2 ORDER BY period_start DESC LIMIT 1", time)
    if let before, before.contains(time) { return before }
    let after = try period(of: row.user, "period_start > ?2 ORDER BY period_start LIMIT 1", time)
    let present = row.standing.span.start
    let next = min(after?.start ?? .max, present > time ? present : .max)
    let calendar = row.periodRule.span(at: time, in: zone)
    return TimeSpan(
      start: max(calendar.start, before?.end ?? 0), end: min(calendar.end, next))
  }

  /// Notes when an earlier period ended, where that is not on record.
  func setEnd(of user: Int64, inPeriodFrom start: Int64, to end: Int64) throws(SQLiteError) {
    var statement = try database.prepare(
      """
      UPDATE period_usage SET period_end = ?3
      WHERE user_id = ?1 AND period_start = ?2 AND period_end IS NULL
      """)
    statement.bind(1, user)
    statement.bind(2, start)
    statement.bind(3, end == .max ? nil : end)
    try statement.run()
  }

  private func period(
    of user: Int64, _ condition: String, _ time: Int64
  ) throws(SQLiteError) -> TimeSpan? {
    var statement = try database.prepare(
      "SELECT period_start, period_end FROM period_usage WHERE user_id = ?1 AND \(condition)")
    statement.bind(1, user)
    statement.bind(2, time)
    guard try statement.step() else { return nil }
    return TimeSpan(start: statement.integer(0), end: statement.optionalInteger(1) ?? .max)
  }
}
