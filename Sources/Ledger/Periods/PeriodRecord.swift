import Quota
import SQLite

/// A period of a user's, past or present, for people to look at.
package struct PeriodRecord: Equatable, Sendable {
  package let span: TimeSpan
  package let used: Traffic
  /// Bytes he might use in it, 0 for unlimited; nil where that is not known.
  package let quota: Int64?
  /// Bytes granted for it; nil where that is not known.
  package let granted: Int64?
  /// Bytes it took from carried grants.
  package let taken: Int64
  /// Whether it is the present one.
  package let isPresent: Bool
  /// Whether usage was divided between it and another one in proportion to time, as nothing had been
  /// counted for long.
  package let isEstimated: Bool
}

extension Ledger {
  /// The periods in which a user moved anything, the oldest first.
  ///
  /// - Parameter time: seconds since 1970 in UTC.
  package func periods(of name: UserName, at time: Int64) throws(SQLiteError) -> [PeriodRecord] {
    // The period in a user's row, which may be over by now: what is on record of the others was
    // completed when they ended.
    guard let last = try standingRow(ofUser: name)?.standing else { return [] }
    var statement = try database.prepare(
      """
      SELECT period_start, period_end, bytes_received, bytes_sent, quota_bytes, granted_bytes,
        carried_bytes, is_estimated
      FROM period_usage WHERE user_id = (SELECT id FROM users WHERE username = ?1)
      ORDER BY period_start
      """)
    statement.bind(1, bytes: name.bytes)
    var periods: [PeriodRecord] = []
    while try statement.step() {
      let start = statement.integer(0)
      let isLast = start == last.span.start
      let span =
        isLast ? last.span : TimeSpan(start: start, end: statement.optionalInteger(1) ?? .max)
      periods.append(
        PeriodRecord(
          span: span,
          used: Traffic(received: statement.integer(2), sent: statement.integer(3)),
          quota: isLast ? last.quota : statement.optionalInteger(4),
          granted: isLast ? last.granted : statement.optionalInteger(5),
          taken: statement.integer(6), isPresent: isLast && span.contains(time),
          isEstimated: statement.integer(7) != 0))
    }
    return periods
  }
}
