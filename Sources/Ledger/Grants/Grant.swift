import Quota
import SQLite

/// Bytes that an administrator gave a user on top of his quota.
package struct Grant: Equatable, Sendable {
  /// Its number among the user's grants, from 1.
  package let number: Int64
  /// When it was given, in seconds since 1970 in UTC.
  package let at: Int64
  /// What was given; of a carried grant that was revoked, what had been used of it.
  package let bytes: Int64
  /// The period it is for; nil for one that is carried over until it is used up.
  package let period: Int64?
  package let note: String
  /// When what was left of it was taken back.
  package let revokedAt: Int64?
  /// What is left of it now; none of one whose period is over.
  package var left: Int64 = 0

  /// Whether it is carried over until it is used up.
  package var isCarried: Bool { period == nil }
}

extension Ledger {
  /// A user's grants, the oldest first, with what is left of each.
  ///
  /// They are used up in this order: the period's quota, this period's grants, the carried ones.
  ///
  /// - Parameter time: seconds since 1970 in UTC.
  package func grants(of name: UserName, at time: Int64) throws(SQLiteError) -> [Grant] {
    guard let row = try standingRow(ofUser: name) else { return [] }
    return try grants(of: row, try standing(row, at: time), at: time)
  }

  private func grants(
    of row: StandingRow, _ standing: Standing, at time: Int64
  ) throws(SQLiteError) -> [Grant] {
    let turn = Turn(row.periodRule, resetAt: row.resetAt, at: time, in: zone)
    let used = rules.count.bytes(of: standing.used)
    var takenOfPeriod = standing.quota == 0 || used < standing.quota ? 0 : used - standing.quota
    var takenOfCarried = saturatingSum(
      try takenFromCarried(of: row.user, otherThanFrom: standing.span.start),
      standing.takenFromCarried(by: rules.count))
    return try storedGrants(of: row.user).map { grant in
      var grant = grant
      if let period = grant.period {
        guard turn.calendar.contains(period), grant.revokedAt == nil else { return grant }
        let taken = min(takenOfPeriod, grant.bytes)
        takenOfPeriod -= taken
        grant.left = grant.bytes - taken
      } else {
        let taken = min(takenOfCarried, grant.bytes)
        takenOfCarried -= taken
        grant.left = grant.revokedAt == nil ? grant.bytes - taken : 0
      }
      return grant
    }
  }

  private func storedGrants(of user: Int64) throws(SQLiteError) -> [Grant] {
    var statement = try database.prepare(
      """
      SELECT number, at, bytes, period_start, note, revoked_at FROM grants WHERE user_id = ?1
      ORDER BY number
      """)
    statement.bind(1, user)
    var grants: [Grant] = []
    while try statement.step() {
      grants.append(
        Grant(
          number: statement.integer(0), at: statement.integer(1), bytes: statement.integer(2),
          period: statement.optionalInteger(3), note: statement.text(4),
          revokedAt: statement.optionalInteger(5)))
    }
    return grants
  }
}
