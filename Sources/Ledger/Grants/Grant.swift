import Quota
import SQLite

/// Bytes that an administrator gave a user on top of their quota.
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

  fileprivate init(_ row: borrowing Statement) {
    number = row.integer(0)
    at = row.integer(1)
    bytes = row.integer(2)
    period = row.optionalInteger(3)
    note = row.text(4)
    revokedAt = row.optionalInteger(5)
  }

  /// Whether it is carried over until it is used up.
  package var isCarried: Bool { period == nil }
}

/// What users were granted, and every change of it.
package struct Grants {
  let ledger: Ledger

  /// A user's grants, the oldest first, with what is left of each.
  ///
  /// They are used up in this order: the period's quota, this period's grants, the carried ones.
  package func list(of name: UserName, at time: Int64) throws(SQLiteError) -> [Grant] {
    guard let row = try ledger.periods.entitlementRow(ofUser: name) else { return [] }
    return try list(of: row, at: time)
  }

  private func list(of row: EntitlementRow, at time: Int64) throws(SQLiteError) -> [Grant] {
    let (entitlement, count) = (try ledger.periods.entitlement(row, at: time), ledger.rules.count)
    let period = CurrentPeriod(row.periodRule, resetAt: row.resetAt, at: time, in: ledger.zone)
    let used = count.bytes(of: entitlement.usedInAll)
    var takenOfPeriod =
      entitlement.quota == 0 || used < entitlement.quota ? 0 : used - entitlement.quota
    var takenOfCarried = saturatingSum(
      try ledger.periods.takenFromCarried(by: row, otherThanFrom: entitlement.span.start),
      entitlement.takenFromCarried(by: count))
    /// What is left of a grant after its share of what was taken.
    func left(of grant: Grant, after taken: inout Int64) -> Int64 {
      let part = min(taken, grant.bytes)
      taken -= part
      return grant.revokedAt == nil ? grant.bytes - part : 0
    }
    return try ledger.database.query(
      """
      SELECT number, at, bytes, period_start, note, revoked_at FROM grants WHERE user_id = ?1
      ORDER BY number
      """, row.user
    ) { row in
      var grant = Grant(row)
      if grant.isCarried {
        grant.left = left(of: grant, after: &takenOfCarried)
      } else if let start = grant.period, period.calendar.contains(start), grant.revokedAt == nil {
        grant.left = left(of: grant, after: &takenOfPeriod)
      }
      return grant
    }
  }

  /// Grants a user bytes on top of their quota, in one transaction with the event that tells of it.
  ///
  /// - Parameters:
  ///   - bytes: 1 or more.
  ///   - isCarried: whether what is left when the period is over stays theirs until they have used it.
  /// - Returns: the grant, and the user as they are now.
  /// - Throws: `LedgerError.noSuchUser`, or `.nothingToGrant` for a user without a quota.
  package func give(
    _ bytes: Int64, to name: UserName, isCarried: Bool, note: String, at time: Int64
  ) throws -> (number: Int64, user: UserRecord) {
    var number: Int64 = 0
    let result = try ledger.users.change(name, at: time) { user in
      if user.entitlement.quota == 0 { throw LedgerError.nothingToGrant(name) }
      user.row = try ledger.periods.rolledOver(user.row, to: time)
      number =
        try ledger.database.first(
          """
          INSERT INTO grants (user_id, number, at, bytes, period_start, note)
          SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3, ?4, ?5 FROM grants WHERE user_id = ?1
          RETURNING number
          """, user.row.user, time, bytes, isCarried ? nil : user.entitlement.span.start, note
        ) { $0.integer(0) } ?? 0
      user.row = try ledger.periods.rollOver(user.row, to: time)
      try ledger.events.record(
        Event(
          at: time, user: user.name, kind: .granted,
          detail: "\(number): \(bytes) bytes\(isCarried ? ", carried" : "")"))
      return true
    }
    return (number, result.user)
  }

  /// Takes back what is left of a grant, in one transaction with the event that tells of it.
  ///
  /// - Returns: what was left, nil where it had been taken back before; and the user as they are now.
  /// - Throws: `LedgerError.noSuchUser` or `.noSuchGrant`.
  package func revoke(
    _ number: Int64, of name: UserName, at time: Int64
  ) throws -> (taken: Int64?, user: UserRecord) {
    var taken: Int64?
    let result = try ledger.users.change(name, at: time) { user in
      guard let grant = try list(of: user.row, at: time).first(where: { $0.number == number })
      else { throw LedgerError.noSuchGrant(name, number) }
      if grant.revokedAt != nil { return false }
      taken = grant.left
      try ledger.database.run(
        "UPDATE grants SET revoked_at = ?3, bytes = bytes - ?4 WHERE user_id = ?1 AND number = ?2",
        user.row.user, number, time, grant.isCarried ? grant.left : 0)
      try ledger.events.record(
        Event(at: time, user: user.name, kind: .revoked, detail: "\(number): \(grant.left) bytes"))
      user.row = try ledger.periods.rollOver(user.row, to: time)
      return true
    }
    return (taken, result.user)
  }
}
