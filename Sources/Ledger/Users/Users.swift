import Quota
import SQLite

extension Ledger {
  /// The statement that finds a user by name.
  struct Owners: ~Copyable {
    private var find: Statement

    init(_ ledger: Ledger) throws(SQLiteError) {
      find = try ledger.database.prepare("SELECT id FROM users WHERE username = ?1")
    }

    /// The id of a user, nil for a stranger.
    mutating func id(of name: UserName) throws(SQLiteError) -> Int64? {
      try find.first(name) { $0.integer(0) }
    }
  }

  /// The number of a user, nil for a stranger.
  package func number(of name: UserName) throws(SQLiteError) -> Int64? {
    var owners = try Owners(self)
    return try owners.id(of: name)
  }

  /// The user who has this name, or had it when a session began; nil for a stranger.
  ///
  /// - Parameter since: when the session began, in seconds since 1970.
  func knownOwner(named name: UserName, since: Int64) throws(SQLiteError) -> Int64? {
    if let former = try formerOwner(named: name, since: since) { return former }
    return try number(of: name)
  }

  /// Whom a session under this name is billed to: a user who is known, or was when the session began,
  /// or one created with the default quota where the settings allow strangers; nil where they are
  /// not metered.
  ///
  /// - Parameter since: when the session began, in seconds since 1970.
  func owner(named name: UserName, since: Int64, at time: Int64) throws(SQLiteError) -> Int64? {
    if let known = try knownOwner(named: name, since: since) { return known }
    guard rules.unknownUsers == .allow else { return nil }
    let (id, quotaRow) = try create(name, at: time)
    try database.run(
      "UPDATE user_quotas SET quota = ?2, quota_bytes = ?2 WHERE id = ?1", quotaRow,
      rules.defaultQuota)
    try record(Event(at: time, user: name, kind: .created, detail: "on first sight"))
    return id
  }

  /// Adds a user and their quota row, which a trigger of the earlier project may have added.
  ///
  /// - Returns: the ids of both rows.
  func create(
    _ name: UserName, at time: Int64
  ) throws(SQLiteError) -> (user: Int64, quotaRow: Int64) {
    try database.run(
      """
      INSERT INTO users (username, status, created_at, updated_at)
      VALUES (?1, 'active', datetime(?2, 'unixepoch'), datetime(?2, 'unixepoch'))
      """, name, time)
    let id = database.lastInsertedRow
    return (id, try addQuotaRow(of: id, at: time))
  }

  /// A user's row with one in `user_quotas`, where another program has added the user and no more;
  /// one who was removed has none.
  func withQuotaRow(_ row: EntitlementRow) throws(SQLiteError) -> EntitlementRow? {
    let isPresent = try database.exists(
      "SELECT 1 FROM users WHERE id = ?1 AND \(Ledger.isPresent)", row.user)
    guard isPresent else { return row }
    _ = try addQuotaRow(of: row.user)
    return try entitlementRow(of: row.user)
  }

  /// The row in `user_quotas` of a user, which is added where there is none.
  func addQuotaRow(of user: Int64, at time: Int64? = nil) throws(SQLiteError) -> Int64 {
    try database.first(
      """
      INSERT INTO user_quotas (user_id, updated_at) VALUES (?1, datetime(?2, 'unixepoch'))
      ON CONFLICT (user_id) DO UPDATE SET updated_at = coalesce(excluded.updated_at, updated_at)
      RETURNING id
      """, user, time
    ) { $0.integer(0) } ?? 0
  }
}

// A name that was taken away from a user, by a removal or a renaming, leaves a row in `users` under
// a name that no client can have, for OpenVPN puts `_` in the place of control characters: the old
// name, a byte 1, and the second it was taken away in. So nothing that looks for a user by name
// finds it.
//
// A removed user's own row is left so: their history keeps its owner, and their id is never given to
// anybody else. Of a renamed user it is a row beside their own, whose name ends in a further byte 1
// and their id.

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

extension Ledger {
  /// What tells a row of a user who is there from one of a name that was taken away; to go into a
  /// query on `users`.
  static let isPresent = "coalesce(status, '') NOT IN ('removed', 'renamed')"

  /// Whom a session belongs to that began when a name was still another's: who has been renamed or
  /// removed since. Nil where neither happened.
  ///
  /// The hooks' records name owners as they were called at the door.
  ///
  /// - Parameter since: when the session began, in seconds since 1970.
  func formerOwner(named name: UserName, since: Int64) throws(SQLiteError) -> Int64? {
    let bounds = FormerName.bounds(of: name)
    var first: (until: Int64, id: Int64)?
    try database.query(
      "SELECT id, username FROM users WHERE username >= ?1 AND username < ?2", bounds.0, bounds.1
    ) { row in
      guard let former = FormerName(UserName(bytes: row.bytes(1))), former.name == name,
        former.until >= since, former.until < first?.until ?? .max
      else { return }
      first = (former.until, former.renamed ?? row.integer(0))
    }
    return first?.id
  }

  /// A row name for a name that is taken away now, a little later if there is one already.
  private func freshName(for former: FormerName) throws(SQLiteError) -> UserName {
    var fresh = former
    while try number(of: fresh.rowName) != nil {
      fresh = FormerName(former.name, until: fresh.until + 1, renamed: former.renamed)
    }
    return fresh.rowName
  }

  private func setName(of id: Int64, to name: UserName, at time: Int64) throws(SQLiteError) {
    try database.run(
      "UPDATE users SET username = ?2, updated_at = datetime(?3, 'unixepoch') WHERE id = ?1", id,
      name, time)
  }

  /// Gives a user another name, in one transaction with the event that tells of it. Usage, history
  /// and live sessions stay theirs.
  ///
  /// Their events take the new name too, but for refusals: those are of whoever asked to come in
  /// under the old one.
  ///
  /// - Parameter time: seconds since 1970 in UTC.
  /// - Throws: `LedgerError.noSuchUser`, or `userExists` for a name that is taken.
  package func renameUser(
    _ name: UserName, to newName: UserName, at time: Int64
  ) throws(LedgerError) -> UserRecord {
    try inTransaction { () throws(LedgerError) in
      let (id, taken) = try asking { () throws(SQLiteError) in
        (try number(of: name), try number(of: newName))
      }
      guard let id else { throw .noSuchUser(name) }
      if taken != nil { throw .userExists(newName) }
      let renamed = try asking { () throws(SQLiteError) in
        try setName(of: id, to: newName, at: time)
        try leaveName(name, of: id, at: time)
        try database.run(
          """
          UPDATE OR REPLACE events SET username = ?2
          WHERE username = ?1 AND (kind <> 'refused' OR period_start IS NOT NULL)
          """, name, newName)
        try record(Event(at: time, user: newName, kind: .renamed, detail: "from \(name)"))
        return try user(named: newName, at: time)
      }
      guard let renamed else { throw .noSuchUser(newName) }
      return renamed
    }
  }

  /// Leaves word whose the name was until now.
  private func leaveName(_ name: UserName, of id: Int64, at time: Int64) throws(SQLiteError) {
    try database.run(
      """
      INSERT INTO users (username, status, created_at, updated_at)
      VALUES (?1, 'renamed', datetime(?2, 'unixepoch'), datetime(?2, 'unixepoch'))
      """, try freshName(for: FormerName(name, until: time, renamed: id)), time)
    // A trigger of the earlier project adds a quota row to every new one.
    try database.run("DELETE FROM user_quotas WHERE user_id = ?1", database.lastInsertedRow)
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
  package func removeUser(
    _ name: UserName, purgingHistory isPurge: Bool, at time: Int64
  ) throws(LedgerError) -> UserRecord {
    try inTransaction { () throws(LedgerError) in
      let user = try userRow(of: name)
      let before = try asking { () throws(SQLiteError) in
        UserRecord(user, try entitlement(user.row, at: time), at: time)
      }
      try asking { () throws(SQLiteError) in
        try retire(user.row, called: name, at: time)
        if isPurge { try purgeHistory(of: user.row.user, called: name) }
        let detail = isPurge ? "with all history" : "by an administrator"
        try record(Event(at: time, user: name, kind: .removed, detail: detail))
      }
      return before
    }
  }

  /// Takes a user's name, terms and present period away.
  private func retire(
    _ row: EntitlementRow, called name: UserName, at time: Int64
  ) throws(SQLiteError) {
    let former = try freshName(for: FormerName(name, until: time))
    try setName(of: row.user, to: former, at: time)
    let end = TimeSpan(start: max(time, row.entitlement.span.start + 1), end: .max)
    try finish(row, before: end)
    try database.run(
      "UPDATE users SET status = 'removed', password_hash = NULL WHERE id = ?1", row.user)
    try database.run("DELETE FROM user_quotas WHERE user_id = ?1", row.user)
    try database.run("DELETE FROM events WHERE username = ?1 AND period_start IS NOT NULL", name)
  }

  /// Deletes what every table has of a user, also tables that are not ours; of sessions, the closed
  /// ones. Without live sessions nothing is left to own.
  private func purgeHistory(of id: Int64, called name: UserName) throws(SQLiteError) {
    for table in try tablesOfUsers() {
      let which = table == "sessions" ? " AND ended_at IS NOT NULL" : ""
      try database.run("DELETE FROM \"\(table)\" WHERE user_id = ?1\(which)", id)
    }
    try database.run("DELETE FROM events WHERE username = ?1", name)
    try database.run(
      "DELETE FROM users WHERE status = 'renamed' AND username GLOB '*' || char(1) || ?1", id)
    try database.run(
      """
      DELETE FROM users WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM sessions WHERE user_id = ?1)
      """, id)
  }

  /// The tables that have a column `user_id`.
  private func tablesOfUsers() throws(SQLiteError) -> [String] {
    try database.query(
      """
      SELECT DISTINCT tables.name
      FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
      WHERE tables.type = 'table' AND columns.name = 'user_id'
      """
    ) { $0.text(0) }
  }
}
