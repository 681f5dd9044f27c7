import Quota
import SQLite

// A name that was taken away from a user, by a removal or a renaming, leaves a row in `users` under
// a name that no client can have, for OpenVPN puts `_` in the place of control characters: the old
// name, a byte 1, and the second it was taken away in. So nothing that looks for a user by name
// finds it.
//
// A removed user's own row is left so: their history keeps its owner, and their id is never given to
// anybody else. Of a renamed user it is a row beside their own, whose name ends in a further byte 1
// and their id.

/// Whom history belongs to.
package struct Owner: Equatable, Sendable {
  /// Their name, or the last one they had.
  package let name: UserName
  package let isRemoved: Bool
}

/// What a row in `users` says whose name was taken away.
package struct FormerName: Equatable, Sendable {
  /// The name as it was.
  package let name: UserName
  /// When it was taken away, in seconds since 1970 in UTC.
  package let until: Int64
  /// The id of the user who has another name since; nil for one who was removed.
  let renamed: Int64?

  private static let mark: UInt8 = 1

  init(_ name: UserName, until time: Int64, renamed: Int64? = nil) {
    self.name = name
    until = time
    self.renamed = renamed
  }

  /// Reads the name of a row; nil for that of a user who is there.
  package init?(_ rowName: UserName) {
    let parts = rowName.bytes.split(
      separator: FormerName.mark, omittingEmptySubsequences: false)
    let numbers = parts.dropFirst().map { Int64(String(decoding: $0, as: UTF8.self)) }
    guard 1...2 ~= numbers.count, let time = numbers[0] else { return nil }
    self.init(
      UserName(bytes: Array(parts[0])), until: time, renamed: numbers.count == 2 ? numbers[1] : nil)
  }

  /// The name of the row.
  var rowName: UserName {
    let numbers = [until] + (renamed.map { [$0] } ?? [])
    return UserName(
      bytes: numbers.reduce(name.bytes) { $0 + [FormerName.mark] + Array(String($1).utf8) })
  }

  /// The bounds between which a name's rows are, the upper one not included.
  static func bounds(of name: UserName) -> (UserName, UserName) {
    (
      UserName(bytes: name.bytes + [FormerName.mark]),
      UserName(bytes: name.bytes + [FormerName.mark + 1])
    )
  }
}

// MARK: Whose a name is

extension Users {
  /// The number of a user, nil for a stranger.
  package func id(of name: UserName) throws(SQLiteError) -> Int64? {
    try ledger.database.first("SELECT id FROM users WHERE username = ?1", name) { $0.integer(0) }
  }

  func name(of id: Int64) throws(SQLiteError) -> UserName? {
    try ledger.database.first("SELECT username FROM users WHERE id = ?1", id) {
      UserName(bytes: $0.bytes(0))
    }
  }

  /// Whom history belongs to, by the numbers that it is kept under: users who are there, and users
  /// who were removed since.
  package func owners() throws(SQLiteError) -> [Int64: Owner] {
    var owners: [Int64: Owner] = [:]
    try ledger.database.query("SELECT id, username FROM users") { row in
      let name = UserName(bytes: row.bytes(1))
      let former = FormerName(name)
      owners[row.integer(0)] = Owner(name: former?.name ?? name, isRemoved: former != nil)
    }
    return owners
  }

  /// The user who has this name, or had it when a session began; nil for a stranger. The hooks'
  /// records name owners as they were called at the door.
  ///
  /// - Parameter since: when the session began, in seconds since 1970.
  func knownOwner(named name: UserName, since: Int64) throws(SQLiteError) -> Int64? {
    let bounds = FormerName.bounds(of: name)
    var first: (until: Int64, id: Int64)?
    try ledger.database.query(
      "SELECT id, username FROM users WHERE username >= ?1 AND username < ?2", bounds.0, bounds.1
    ) { row in
      guard let former = FormerName(UserName(bytes: row.bytes(1))), former.name == name,
        former.until >= since, former.until < first?.until ?? .max
      else { return }
      first = (former.until, former.renamed ?? row.integer(0))
    }
    if let first { return first.id }
    return try id(of: name)
  }
}

// MARK: Taking a name away

extension Users {
  /// Gives a user another name, in one transaction with the event that tells of it. Usage, history
  /// and live sessions stay theirs.
  ///
  /// Their events take the new name too, but for refusals: those are of whoever asked to come in
  /// under the old one.
  ///
  /// - Parameter time: seconds since 1970 in UTC.
  /// - Throws: `LedgerError.noSuchUser`, or `userExists` for a name that is taken.
  package func rename(
    _ name: UserName, to newName: UserName, at time: Int64
  ) throws -> UserRecord {
    try ledger.transaction {
      guard let id = try id(of: name) else { throw LedgerError.noSuchUser(name) }
      if try self.id(of: newName) != nil { throw LedgerError.userExists(newName) }
      try setName(of: id, to: newName, at: time)
      try leaveName(name, of: id, at: time)
      try ledger.database.run(
        """
        UPDATE OR REPLACE events SET username = ?2
        WHERE username = ?1 AND (kind <> 'refused' OR period_start IS NOT NULL)
        """, name, newName)
      try ledger.events.record(
        Event(at: time, user: newName, kind: .renamed, detail: "from \(name)"))
      guard let renamed = try named(newName, at: time) else {
        throw LedgerError.noSuchUser(newName)
      }
      return renamed
    }
  }

  /// Removes a user, in one transaction with the event that tells of it.
  ///
  /// Their usage, sessions and events are kept unless they are to go too. A live session stays theirs
  /// to its end, and is judged as a stranger's is.
  ///
  /// - Parameters:
  ///   - isPurge: whether the history goes too, all but the accounts of live sessions.
  ///   - time: seconds since 1970 in UTC.
  /// - Returns: the user as they were.
  /// - Throws: `LedgerError.noSuchUser`.
  package func remove(
    _ name: UserName, purgingHistory isPurge: Bool, at time: Int64
  ) throws -> UserRecord {
    try ledger.transaction {
      guard let user = try find(name), let before = try named(name, at: time) else {
        throw LedgerError.noSuchUser(name)
      }
      try retire(user.row, called: name, at: time)
      if isPurge { try purgeHistory(of: user.row.user, called: name) }
      let detail = isPurge ? "with all history" : "by an administrator"
      try ledger.events.record(Event(at: time, user: name, kind: .removed, detail: detail))
      return before
    }
  }

  private func setName(of id: Int64, to name: UserName, at time: Int64) throws(SQLiteError) {
    try ledger.database.run(
      "UPDATE users SET username = ?2, updated_at = datetime(?3, 'unixepoch') WHERE id = ?1", id,
      name, time)
  }

  /// A row name for a name that is taken away now, a little later if there is one already.
  private func freshName(for former: FormerName) throws(SQLiteError) -> UserName {
    var fresh = former
    while try id(of: fresh.rowName) != nil {
      fresh = FormerName(former.name, until: fresh.until + 1, renamed: former.renamed)
    }
    return fresh.rowName
  }

  /// Leaves word whose the name was until now.
  private func leaveName(_ name: UserName, of id: Int64, at time: Int64) throws(SQLiteError) {
    try ledger.database.run(
      """
      INSERT INTO users (username, status, created_at, updated_at)
      VALUES (?1, 'renamed', datetime(?2, 'unixepoch'), datetime(?2, 'unixepoch'))
      """, try freshName(for: FormerName(name, until: time, renamed: id)), time)
  }

  /// Takes a user's name, terms and present period away.
  private func retire(
    _ row: EntitlementRow, called name: UserName, at time: Int64
  ) throws(SQLiteError) {
    let former = try freshName(for: FormerName(name, until: time))
    try setName(of: row.user, to: former, at: time)
    let end = TimeSpan(start: max(time, row.entitlement.span.start + 1), end: .max)
    try ledger.finish(row, before: end)
    try ledger.database.run(
      "UPDATE users SET status = 'removed', password_hash = NULL WHERE id = ?1", row.user)
    try ledger.database.run("DELETE FROM user_quotas WHERE user_id = ?1", row.user)
    try ledger.database.run(
      "DELETE FROM events WHERE username = ?1 AND period_start IS NOT NULL", name)
  }

  /// Deletes what every table has of a user, also tables that are not ours; of sessions, the closed
  /// ones. Without live sessions nothing is left to own.
  private func purgeHistory(of id: Int64, called name: UserName) throws(SQLiteError) {
    for table in try tablesOfUsers() {
      let which = table == "sessions" ? " AND ended_at IS NOT NULL" : ""
      try ledger.database.run("DELETE FROM \"\(table)\" WHERE user_id = ?1\(which)", id)
    }
    try ledger.database.run("DELETE FROM events WHERE username = ?1", name)
    try ledger.database.run(
      "DELETE FROM users WHERE status = 'renamed' AND username GLOB '*' || char(1) || ?1", id)
    try ledger.database.run(
      """
      DELETE FROM users WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM sessions WHERE user_id = ?1)
      """, id)
  }

  /// The tables that have a column `user_id`.
  private func tablesOfUsers() throws(SQLiteError) -> [String] {
    try ledger.database.query(
      """
      SELECT DISTINCT tables.name
      FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
      WHERE tables.type = 'table' AND columns.name = 'user_id'
      """
    ) { $0.text(0) }
  }
}
