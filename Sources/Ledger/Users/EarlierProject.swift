import Quota
import SQLite

/// One user in the database of the earlier Python project.
private struct EarlierUser {
  let id: Int64
  let name: UserName
  let isEnabled: Bool
  let quota: Int64
  let used: Traffic
  let passwordHash: String?
}

/// The database of the earlier Python project, which has our three tables and no version.
package enum EarlierProject {
  /// Makes sure that a copy is a sound database of it.
  ///
  /// - Parameter name: what an error calls the file.
  package static func check(_ path: String, called name: String) throws(CopyError) {
    let database = try openCopy(path)
    try checkLedger(database, called: name)
    let version = try asCopyError { () throws(SQLiteError) in
      try database.integer("PRAGMA user_version")
    }
    if version != 0 { throw .notEarlier(name) }
  }
}

extension Ledger {
  /// Takes users, quotas, usage and logged sessions over from the database of the earlier Python
  /// project. All of it is one transaction; doing it again adds nothing.
  ///
  /// What a user had used counts on the day before every ledger, `0001-01-01`: whoever has that day
  /// already was taken over before.
  ///
  /// - Parameters:
  ///   - path: its database, which is only read.
  ///   - time: seconds since 1970 in UTC.
  ///   - progress: is told how many users are done of how many.
  package func importEarlierProject(
    _ path: String, at time: Int64, progress: (Int, Int) -> Void
  ) throws(LedgerError) -> ImportResult {
    let earlier = try asking { () throws(SQLiteError) in
      try Connection(path, .reading, busyTimeout: Ledger.keeperPatience)
    }
    let users = try asking { () throws(SQLiteError) in try earlier.earlierUsers() }
    return try inTransaction { () throws(LedgerError) in
      var result = ImportResult()
      for (index, user) in users.enumerated() {
        var terms = ImportedUser(name: user.name)
        terms.isEnabled = user.isEnabled
        terms.terms.quota = .set(user.quota)
        let step = try bring(terms, at: time)
        let isCarried = try asking { () throws(SQLiteError) in
          try carryOver(user, from: earlier, at: time)
        }
        result.note(user.name, step == .unchanged && isCarried ? .changed : step)
        progress(index + 1, users.count)
      }
      return result
    }
  }

  /// Takes over what a user has used and done.
  ///
  /// - Returns: false where that was done before.
  private func carryOver(
    _ user: EarlierUser, from earlier: borrowing Connection, at time: Int64
  ) throws(SQLiteError) -> Bool {
    var owners = try Owners(self)
    guard let id = try owners.id(of: user.name) else { return false }
    var mark = try database.prepare(
      "INSERT INTO daily_usage VALUES (?1, '0001-01-01', ?2, ?3) ON CONFLICT DO NOTHING")
    mark.bind(1, id)
    mark.bind(2, user.used.received)
    mark.bind(3, user.used.sent)
    try mark.run()
    if database.changes == 0 { return false }
    try addToPeriod(user.used, of: id, at: time)
    var password = try database.prepare(
      "UPDATE users SET password_hash = coalesce(password_hash, ?2) WHERE id = ?1")
    password.bind(1, id)
    password.bind(2, user.passwordHash)
    try password.run()
    try copyLog(of: user.id, to: id, from: earlier)
    return true
  }

  /// Adds to the usage of a user's present period, and mirrors it in `bytes_used`.
  private func addToPeriod(_ used: Traffic, of id: Int64, at time: Int64) throws(SQLiteError) {
    if let row = try standingRow(of: id) { try bringUp(row, to: time) }
    guard let row = try standingRow(of: id) else { return }
    var period = try database.prepare(
      """
      INSERT INTO period_usage (user_id, period_start, bytes_received, bytes_sent)
      VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET
        bytes_received = min(bytes_received, 9223372036854775807 - ?3) + ?3,
        bytes_sent = min(bytes_sent, 9223372036854775807 - ?4) + ?4
      """)
    period.bind(1, id)
    period.bind(2, row.standing.span.start)
    period.bind(3, used.received)
    period.bind(4, used.sent)
    try period.run()
    try bringUp(row, to: time)
  }

  private func copyLog(
    of earlierID: Int64, to id: Int64, from earlier: borrowing Connection
  ) throws(SQLiteError) {
    var rows = try earlier.prepare(
      """
      SELECT bytes_sent, bytes_received, log_timestamp FROM traffic_logs WHERE user_id = ?1
      ORDER BY id
      """)
    rows.bind(1, earlierID)
    var insert = try database.prepare(
      """
      INSERT INTO traffic_logs (user_id, bytes_sent, bytes_received, log_timestamp)
      VALUES (?1, ?2, ?3, ?4)
      """)
    while try rows.step() {
      insert.bind(1, id)
      insert.bind(2, max(0, rows.integer(0)))
      insert.bind(3, max(0, rows.integer(1)))
      insert.bind(4, rows.text(2))
      try insert.run()
    }
  }
}

extension Connection {
  /// All users of the earlier project's database. It kept no directions of what was used; they
  /// follow the logged sessions, or are download where none is.
  fileprivate func earlierUsers() throws(SQLiteError) -> [EarlierUser] {
    var rows = try prepare(
      """
      SELECT users.id, username, status, quota_bytes, CAST(coalesce(bytes_used, 0) AS INTEGER),
        coalesce((SELECT total(bytes_received) / nullif(total(bytes_received) + total(bytes_sent), 0)
          FROM traffic_logs WHERE traffic_logs.user_id = users.id), 0), password_hash
      FROM users LEFT JOIN user_quotas ON user_quotas.user_id = users.id ORDER BY users.id
      """)
    var users: [EarlierUser] = []
    while try rows.step() {
      let used = max(0, rows.integer(4))
      let received = Int64(Double(used) * rows.real(5))
      users.append(
        EarlierUser(
          id: rows.integer(0), name: UserName(bytes: rows.bytes(1)),
          isEnabled: rows.text(2) == "active", quota: max(0, rows.integer(3)),
          used: Traffic(received: min(received, used), sent: used - min(received, used)),
          passwordHash: rows.isNull(6) ? nil : rows.text(6)))
    }
    return users
  }
}
