import Quota
import SQLite

/// The database of the earlier Python project, which has our three tables and no version.
package enum EarlierProject {
  /// Makes sure that a copy is a sound database of it. An error calls the file `name`.
  package static func check(_ path: String, called name: String) throws {
    let version = try openCopy(path, called: name).integer("PRAGMA user_version")
    if version != 0 { throw LedgerError.notEarlier(name) }
  }

  struct User {
    let id: Int64
    let name: UserName
    let isEnabled: Bool
    let quota: Int64
    let passwordHash: String?
    /// What `bytes_used` says. It kept no directions of that; they are those of the logged sessions,
    /// or download where none is.
    let used: Traffic
    /// What was moved in each logged session whose time can be read, by the time it ended.
    let log: [(at: Int64, moved: Traffic)]

    /// What is left of `bytes_used` without a date.
    var undated: Traffic {
      let dated = log.reduce(Traffic()) { $0 + $1.moved }
      let rest = max(0, used.total - dated.total)
      return Traffic(dividing: rest, like: used)
    }
  }

  /// Gives its history the tables it needs, in a database that has just got them.
  static func adopt(in database: borrowing Connection, zone: Zone) throws(SQLiteError) {
    // The name of clients that have none.
    try database.run("UPDATE OR IGNORE users SET username = 'UNDEF' WHERE username = ''")
    let users = try database.earlierUsers()
    if users.isEmpty { return }
    // A user may lack a quota row.
    try database.run(
      """
      INSERT INTO user_quotas (user_id)
        SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM user_quotas)
      """)
    var history = try UsageWriter(database, zone: zone)
    for user in users {
      try database.run(
        """
        UPDATE user_quotas SET quota = ?2, quota_bytes = ?2, bytes_used = ?3 + ?4,
          bytes_received = ?3, bytes_sent = ?4 WHERE user_id = ?1
        """, user.id, user.quota, user.used.received, user.used.sent)
      try history.add(user, as: user.id)
    }
  }
}

extension UsageWriter {
  /// Adds what a user of the earlier project moved, under its own hours; what is left without a date
  /// stands on the day before every ledger, which marks a user as taken over.
  fileprivate mutating func add(
    _ user: EarlierProject.User, as id: Int64
  ) throws(SQLiteError) {
    for (time, moved) in user.log { try add(moved, to: id, at: time) }
    try add(user.undated, to: id, inStretchFrom: UsageCalendar.beforeEveryLedger)
  }
}

extension Users {
  /// Takes users, quotas, usage and logged sessions over from the database of the earlier Python
  /// project. All of it is one transaction; doing it again adds nothing.
  ///
  /// - Parameters:
  ///   - path: its database, which is only read.
  ///   - progress: is told how many users are done of how many.
  package func importEarlierProject(
    _ path: String, at time: Int64, progress: (Int, Int) -> Void
  ) throws -> ImportResult {
    let earlier = try Connection(path, .reading, busyTimeout: Ledger.busyTimeout)
    let users = try earlier.earlierUsers()
    return try ledger.transaction {
      var work = Import(ledger: ledger, time: time)
      for (index, user) in users.enumerated() {
        var edit = UserEdit(name: user.name)
        edit.isEnabled = user.isEnabled
        edit.terms.quota = .set(user.quota)
        try work.bring(edit) { id in try carryOver(user, to: id, from: earlier, at: time) }
        progress(index + 1, users.count)
      }
      return work.result
    }
  }

  /// - Returns: false where that was done before.
  private func carryOver(
    _ user: EarlierProject.User, to id: Int64, from earlier: borrowing Connection, at time: Int64
  ) throws -> Bool {
    let isKnown = try ledger.database.exists(
      "SELECT 1 FROM usage WHERE start = ?1 AND user_id = ?2", UsageCalendar.beforeEveryLedger, id)
    guard !isKnown, let found = try ledger.periods.entitlementRow(of: id) else { return false }
    var row = try ledger.periods.rolledOver(found, to: time)
    row.entitlement.used += user.used
    try ledger.periods.store(row)
    var history = try UsageWriter(ledger.database, zone: ledger.zone)
    try history.add(user, as: id)
    try ledger.database.run(
      "UPDATE users SET password_hash = coalesce(password_hash, ?2) WHERE id = ?1", id,
      user.passwordHash)
    try copyLog(of: user.id, to: id, from: earlier)
    return true
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
    while try rows.step() {
      try ledger.database.run(
        """
        INSERT INTO traffic_logs (user_id, bytes_sent, bytes_received, log_timestamp)
        VALUES (?1, ?2, ?3, ?4)
        """, id, max(0, rows.integer(0)), max(0, rows.integer(1)), rows.text(2))
    }
  }
}

extension Connection {
  /// All users of the earlier project's database.
  fileprivate func earlierUsers() throws(SQLiteError) -> [EarlierProject.User] {
    var logs: [Int64: [(at: Int64, moved: Traffic)]] = [:]
    var moved: [Int64: Traffic] = [:]
    // strftime knows the forms that Python writes, and gives nothing for what is no time.
    try query(
      """
      SELECT user_id, max(0, CAST(coalesce(bytes_received, 0) AS INTEGER)),
        max(0, CAST(coalesce(bytes_sent, 0) AS INTEGER)),
        CAST(strftime('%s', log_timestamp) AS INTEGER)
      FROM traffic_logs ORDER BY id
      """
    ) { row in
      let (user, traffic) = (row.integer(0), row.traffic(1))
      moved[user, default: Traffic()] += traffic
      if let time = row.optionalInteger(3), !traffic.isZero {
        logs[user, default: []].append((time, traffic))
      }
    }
    return try query(
      """
      SELECT users.id, username, status, max(0, CAST(coalesce(quota_bytes, 0) AS INTEGER)),
        max(0, CAST(coalesce(bytes_used, 0) AS INTEGER)), password_hash
      FROM users LEFT JOIN user_quotas ON user_quotas.user_id = users.id ORDER BY users.id
      """
    ) { row in
      let id = row.integer(0)
      return EarlierProject.User(
        id: id, name: UserName(bytes: row.bytes(1)), isEnabled: row.text(2) == "active",
        quota: row.integer(3), passwordHash: row.optionalText(5),
        used: Traffic(dividing: row.integer(4), like: moved[id] ?? Traffic()), log: logs[id] ?? [])
    }
  }
}

extension Traffic {
  /// Divides bytes between the directions in the proportion that others have; download where there is
  /// none.
  fileprivate init(dividing bytes: Int64, like other: Traffic) {
    let whole = Int128(other.received) + Int128(other.sent)
    let received = whole == 0 ? 0 : Int64(Int128(bytes) * Int128(other.received) / whole)
    self.init(received: received, sent: bytes - received)
  }
}
