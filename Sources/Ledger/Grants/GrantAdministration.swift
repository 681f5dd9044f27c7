import Quota
import SQLite

extension Ledger {
  /// Grants a user bytes on top of his quota, in one transaction with the event that tells of it.
  ///
  /// - Parameters:
  ///   - bytes: 1 or more.
  ///   - isCarried: whether what is left when the period is over stays his until he has used it.
  ///   - time: seconds since 1970 in UTC.
  /// - Returns: the grant, and the user as he is now.
  /// - Throws: `LedgerError.noSuchUser`, or `.nothingToGrant` for a user without a quota.
  package func grant(
    _ bytes: Int64, to name: UserName, isCarried: Bool, note: String, at time: Int64
  ) throws(LedgerError) -> (number: Int64, user: UserRecord) {
    var number: Int64 = 0
    let amendment = try change(name, at: time) { () throws(LedgerError) in
      let given = try asking { () throws(SQLiteError) -> Int64? in
        guard let user = try terms(ofUser: name), user.effective.quota != 0,
          let row = try standingRow(of: user.user)
        else { return nil }
        let standing = try bringUp(row, to: time)
        let number = try addGrant(
          bytes, to: user.user, for: isCarried ? nil : standing.span.start, note, at: time)
        if let row = try standingRow(of: user.user) { try bringUp(row, to: time) }
        let words = isCarried ? "\(bytes) bytes, carried" : "\(bytes) bytes"
        try record(Event(at: time, user: name, kind: .granted, detail: "\(number): \(words)"))
        return number
      }
      guard let given else { throw .nothingToGrant(name) }
      number = given
      return true
    }
    return (number, amendment.user)
  }

  /// Takes back what is left of a grant, in one transaction with the event that tells of it.
  ///
  /// - Returns: what was left, nil where it had been taken back before; and the user as he is now.
  /// - Throws: `LedgerError.noSuchUser` or `.noSuchGrant`.
  package func revokeGrant(
    _ number: Int64, of name: UserName, at time: Int64
  ) throws(LedgerError) -> (taken: Int64?, user: UserRecord) {
    var taken: Int64?
    let amendment = try change(name, at: time) { () throws(LedgerError) in
      let grants = try asking { () throws(SQLiteError) in try self.grants(of: name, at: time) }
      guard let grant = grants.first(where: { $0.number == number }) else {
        throw .noSuchGrant(name, number)
      }
      if grant.revokedAt != nil { return false }
      taken = grant.left
      try asking { () throws(SQLiteError) in try revoke(grant, of: name, at: time) }
      return true
    }
    return (taken, amendment.user)
  }

  private func addGrant(
    _ bytes: Int64, to user: Int64, for period: Int64?, _ note: String, at time: Int64
  ) throws(SQLiteError) -> Int64 {
    var statement = try database.prepare(
      """
      INSERT INTO grants (user_id, number, at, bytes, period_start, note)
      SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3, ?4, ?5 FROM grants WHERE user_id = ?1
      RETURNING number
      """)
    statement.bind(1, user)
    statement.bind(2, time)
    statement.bind(3, bytes)
    statement.bind(4, period)
    statement.bind(5, note)
    var number: Int64 = 0
    while try statement.step() { number = statement.integer(0) }
    return number
  }

  private func revoke(_ grant: Grant, of name: UserName, at time: Int64) throws(SQLiteError) {
    var statement = try database.prepare(
      """
      UPDATE grants SET revoked_at = ?3, bytes = bytes - ?4
      WHERE user_id = (SELECT id FROM users WHERE username = ?1) AND number = ?2
      """)
    statement.bind(1, bytes: name.bytes)
    statement.bind(2, grant.number)
    statement.bind(3, time)
    statement.bind(4, grant.isCarried ? grant.left : 0)
    try statement.run()
    let detail = "\(grant.number): \(grant.left) bytes"
    try record(Event(at: time, user: name, kind: .revoked, detail: detail))
    guard let user = try terms(ofUser: name), let row = try standingRow(of: user.user) else {
      return
    }
    try bringUp(row, to: time)
  }
}
