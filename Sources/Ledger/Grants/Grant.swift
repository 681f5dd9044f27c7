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
    guard let row = try entitlementRow(ofUser: name) else { return [] }
    return try grants(of: row, at: time)
  }

  private func grants(of row: EntitlementRow, at time: Int64) throws(SQLiteError) -> [Grant] {
    let entitlement = try entitlement(row, at: time)
    let turn = CurrentPeriod(row.periodRule, resetAt: row.resetAt, at: time, in: zone)
    let used = rules.count.bytes(of: entitlement.used)
    var takenOfPeriod =
      entitlement.quota == 0 || used < entitlement.quota ? 0 : used - entitlement.quota
    var takenOfCarried = saturatingSum(
      try takenFromCarried(by: row, otherThanFrom: entitlement.span.start),
      entitlement.takenFromCarried(by: rules.count))
    var grants = try database.query(
      """
      SELECT number, at, bytes, period_start, note, revoked_at FROM grants WHERE user_id = ?1
      ORDER BY number
      """, row.user
    ) { row in
      Grant(
        number: row.integer(0), at: row.integer(1), bytes: row.integer(2),
        period: row.optionalInteger(3), note: row.text(4), revokedAt: row.optionalInteger(5))
    }
    for index in grants.indices {
      let grant = grants[index]
      if let period = grant.period {
        guard turn.calendar.contains(period), grant.revokedAt == nil else { continue }
        let taken = min(takenOfPeriod, grant.bytes)
        takenOfPeriod -= taken
        grants[index].left = grant.bytes - taken
      } else {
        let taken = min(takenOfCarried, grant.bytes)
        takenOfCarried -= taken
        grants[index].left = grant.revokedAt == nil ? grant.bytes - taken : 0
      }
    }
    return grants
  }

  /// Grants a user bytes on top of their quota, in one transaction with the event that tells of it.
  ///
  /// - Parameters:
  ///   - bytes: 1 or more.
  ///   - isCarried: whether what is left when the period is over stays theirs until they have used it.
  ///   - time: seconds since 1970 in UTC.
  /// - Returns: the grant, and the user as they are now.
  /// - Throws: `LedgerError.noSuchUser`, or `.nothingToGrant` for a user without a quota.
  package func grant(
    _ bytes: Int64, to name: UserName, isCarried: Bool, note: String, at time: Int64
  ) throws(LedgerError) -> (number: Int64, user: UserRecord) {
    try inTransaction { () throws(LedgerError) in
      var user = try userRow(of: name)
      if user.row.entitlement.quota == 0 { throw .nothingToGrant(name) }
      let number = try asking { () throws(SQLiteError) -> Int64? in
        user.row = try rolledOver(user.row, to: time)
        let number = try database.first(
          """
          INSERT INTO grants (user_id, number, at, bytes, period_start, note)
          SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3, ?4, ?5 FROM grants WHERE user_id = ?1
          RETURNING number
          """, user.row.user, time, bytes, isCarried ? nil : user.row.entitlement.span.start, note
        ) { $0.integer(0) }
        user.row = try rollOver(user.row, to: time)
        let words = isCarried ? "\(bytes) bytes, carried" : "\(bytes) bytes"
        let detail = "\(number ?? 0): \(words)"
        try record(Event(at: time, user: name, kind: .granted, detail: detail))
        return number
      }
      return (number ?? 0, try record(of: user, at: time))
    }
  }

  /// Takes back what is left of a grant, in one transaction with the event that tells of it.
  ///
  /// - Returns: what was left, nil where it had been taken back before; and the user as they are now.
  /// - Throws: `LedgerError.noSuchUser` or `.noSuchGrant`.
  package func revokeGrant(
    _ number: Int64, of name: UserName, at time: Int64
  ) throws(LedgerError) -> (taken: Int64?, user: UserRecord) {
    try inTransaction { () throws(LedgerError) in
      var user = try userRow(of: name)
      let grants = try asking { () throws(SQLiteError) in try self.grants(of: user.row, at: time) }
      guard let grant = grants.first(where: { $0.number == number }) else {
        throw .noSuchGrant(name, number)
      }
      if grant.revokedAt == nil {
        try asking { () throws(SQLiteError) in
          try database.run(
            """
            UPDATE grants SET revoked_at = ?3, bytes = bytes - ?4
            WHERE user_id = ?1 AND number = ?2
            """, user.row.user, number, time, grant.isCarried ? grant.left : 0)
          let detail = "\(number): \(grant.left) bytes"
          try record(Event(at: time, user: name, kind: .revoked, detail: detail))
          user.row = try rollOver(user.row, to: time)
        }
      }
      return (grant.revokedAt == nil ? grant.left : nil, try record(of: user, at: time))
    }
  }
}
