import Quota
import SQLite

/// A period of a user's, past or present, for people to look at.
package struct PeriodRecord: Equatable, Sendable {
  package let span: TimeSpan
  package let used: Traffic
  /// Bytes they might use in it, 0 for unlimited; nil where that is not known.
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
    // The period in a user's row may be over by now: it is completed when the next one begins.
    guard let row = try entitlementRow(ofUser: name) else { return [] }
    var periods = try database.query(
      """
      SELECT period_start, period_end, bytes_received, bytes_sent, quota, granted, carried,
        is_estimated
      FROM periods WHERE user_id = ?1
      """, row.user
    ) { period in
      PeriodRecord(
        span: TimeSpan(start: period.integer(0), end: period.optionalInteger(1) ?? .max),
        used: period.traffic(2), quota: period.optionalInteger(4),
        granted: period.optionalInteger(5), taken: period.integer(6), isPresent: false,
        isEstimated: period.integer(7) != 0)
    }
    let last = row.entitlement
    if !last.used.isZero {
      periods.append(
        PeriodRecord(
          span: last.span, used: last.used, quota: last.quota, granted: last.granted,
          taken: last.takenFromCarried(by: rules.count), isPresent: last.span.contains(time),
          isEstimated: row.isEstimated))
    }
    return periods.sorted { $0.span.start < $1.span.start }
  }
}
