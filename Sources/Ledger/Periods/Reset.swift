import Quota
import SQLite

extension Ledger {
  /// Lets a user's usage start over now, in one transaction with the event that tells of it. What
  /// was used so far stays in a finished period; nothing else changes.
  ///
  /// - Parameter time: seconds since 1970 in UTC.
  /// - Throws: `LedgerError.noSuchUser`.
  package func reset(_ name: UserName, at time: Int64) throws(LedgerError) -> Amendment {
    try change(name, at: time) { () throws(LedgerError) in
      try asking { () throws(SQLiteError) in try resetUsage(of: name, at: time) }
    }
  }

  /// Lets the usage of many users start over, in transactions of limited size, each whole with the
  /// events that tell of it.
  ///
  /// - Returns: how many of them had used anything.
  package func reset(_ names: [UserName], at time: Int64) throws(LedgerError) -> Int {
    var count = 0
    for start in stride(from: 0, to: names.count, by: Ledger.usersInTransaction) {
      count += try inTransaction { () throws(LedgerError) -> Int in
        var reset = 0
        for name in names[start..<min(names.count, start + Ledger.usersInTransaction)] {
          let isNew = try asking { () throws(SQLiteError) in try resetUsage(of: name, at: time) }
          if isNew { reset += 1 }
        }
        return reset
      }
    }
    return count
  }

  /// - Returns: whether there was anything to start over from.
  private func resetUsage(of name: UserName, at time: Int64) throws(SQLiteError) -> Bool {
    guard let user = try terms(ofUser: name)?.user, let row = try standingRow(of: user) else {
      return false
    }
    let before = try bringUp(row, to: time)
    guard !before.used.isZero, before.span.start < time else { return false }
    var statement = try database.prepare("UPDATE user_quotas SET reset_at = ?2 WHERE user_id = ?1")
    statement.bind(1, user)
    statement.bind(2, time)
    try statement.run()
    guard let row = try standingRow(of: user) else { return false }
    try bringUp(row, to: time)
    let detail = "\(rules.count.bytes(of: before.used)) bytes were used"
    try record(Event(at: time, user: name, kind: .reset, detail: detail))
    return true
  }
}
