import Quota
import SQLite

/// A name as OpenVPN has it: bytes chosen by a stranger, usually but not surely UTF-8.
///
/// Two names are one only if every byte agrees. A `String` would take composed and decomposed
/// letters for one and repair invalid bytes, and bill one user for another.
package struct UserName: Hashable, Sendable, ExpressibleByStringLiteral {
  /// The name's bytes as they came.
  package let bytes: [UInt8]

  package init(bytes: [UInt8]) { self.bytes = bytes }

  /// A name as a client can have it: OpenVPN puts `_` in the place of control characters, so what has
  /// any comes from a journal that was tampered with.
  package init(ofClient bytes: some Collection<UInt8>) {
    self.init(bytes: bytes.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "_") : $0 })
  }

  package init(_ text: String) { self.init(bytes: Array(text.utf8)) }

  package init(stringLiteral text: String) { self.init(text) }
}

extension UserName: CustomStringConvertible {
  /// The name as text; invalid UTF-8 is repaired, so this is for eyes only.
  package var description: String { String(decoding: bytes, as: UTF8.self) }
}

extension UserName: Bindable {
  package func bind(to statement: inout Statement, _ parameter: Int32) {
    statement.bind(parameter, bytes: bytes)
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

package struct Owner: Equatable, Sendable {
  /// Their name, or the last one they had.
  package let name: UserName
  package let isRemoved: Bool

  package init(name: UserName, isRemoved: Bool) {
    self.name = name
    self.isRemoved = isRemoved
  }
}

/// What a row in `users` says whose name was taken away.
package struct FormerName: Equatable, Sendable {
  package let name: UserName
  /// When it was taken away, in seconds since 1970 in UTC.
  package let until: Int64
  /// The id of the user who has another name since; nil for one who was removed.
  let renamed: Int64?

  static let mark: UInt8 = 1

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

// MARK: How a name is looked up

extension UserName {
  /// What stands in `users.name_key`: equal for all names that `NAMES=fold` takes for one. A row whose
  /// name was taken away has a byte 1 behind it.
  var foldedKey: UserName {
    let former = FormerName(self)
    let key = Names.fold.key(of: (former?.name ?? self).bytes)
    return UserName(bytes: former == nil ? key : key + [FormerName.mark])
  }
}

extension Users {
  /// The condition that finds a user's row by `key(of: name)`. Of several users whose names are one the
  /// oldest is found.
  var isNamed: String {
    ledger.rules.names == .exact
      ? "username = ?1" : "users.id = (SELECT min(id) FROM users WHERE name_key = ?1)"
  }

  /// What a user is looked up by, as the setting `NAMES` has it.
  func key(of name: UserName) -> UserName {
    UserName(bytes: ledger.rules.names.key(of: name.bytes))
  }

  /// The name that a user was given of whom this is one spelling; as it is for a stranger.
  func spelling(of name: UserName) throws(SQLiteError) -> UserName {
    if ledger.rules.names == .exact { return name }
    return try ledger.database.first("SELECT username FROM users WHERE \(isNamed)", key(of: name)) {
      UserName(bytes: $0.bytes(0))
    } ?? name
  }

  /// Gives the rows that another program or an earlier version wrote the keys of their names.
  func completeNameKeys() throws(SQLiteError) {
    guard try ledger.database.exists("SELECT 1 FROM users WHERE name_key IS NULL") else { return }
    try ledger.database.transaction { () throws(SQLiteError) in
      let rows = try ledger.database.query("SELECT id, username FROM users WHERE name_key IS NULL")
      {
        ($0.integer(0), UserName(bytes: $0.bytes(1)))
      }
      for (id, name) in rows {
        try ledger.database.run("UPDATE users SET name_key = ?2 WHERE id = ?1", id, name.foldedKey)
      }
      // The table that is there may not have them.
      try ledger.accessTable.noteChange()
    }
  }

  /// Users whose names people may take for a name: all that differ only in what `NAMES=fold` does not
  /// care for, and of the others those that have anything but ASCII, unless the name has.
  package func resembling(_ name: UserName) throws(SQLiteError) -> [UserName] {
    let isPlain = name.bytes.allSatisfy { 0x20...0x7E ~= $0 }
    return try ledger.database.query(
      """
      SELECT username FROM users
      WHERE (name_key = ?1 OR \(isPlain ? "username GLOB '*[^ -~]*'" : "TRUE")) AND username <> ?2
        AND \(Users.isPresent)
      ORDER BY username
      """, name.foldedKey, name
    ) { UserName(bytes: $0.bytes(0)) }
  }

  /// Users whose names are one by `NAMES=fold`, together; the first of them gets all new sessions. None
  /// where every byte of a name counts.
  package func namesakes() throws(SQLiteError) -> [[UserName]] {
    if ledger.rules.names == .exact { return [] }
    let rows = try ledger.database.query(
      """
      SELECT name_key, username FROM users
      WHERE name_key IN (SELECT name_key FROM users GROUP BY name_key HAVING count(*) > 1)
        AND \(Users.isPresent)
      ORDER BY name_key, id
      """
    ) { (key: $0.bytes(0), name: UserName(bytes: $0.bytes(1))) }
    var groups: [[UserName]] = []
    for (index, row) in rows.enumerated() {
      if index > 0, rows[index - 1].key == row.key {
        groups[groups.count - 1].append(row.name)
      } else {
        groups.append([row.name])
      }
    }
    return groups.filter { $0.count > 1 }
  }
}

// MARK: Whose a name is

extension Users {
  /// The number of a user, nil for a stranger.
  package func id(of name: UserName) throws(SQLiteError) -> Int64? {
    try ledger.database.first("SELECT id FROM users WHERE \(isNamed)", key(of: name)) {
      $0.integer(0)
    }
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
    let former = try formers(named: name).filter { $0.name.until >= since }
      .min { $0.name.until < $1.name.until }
    if let former { return former.name.renamed ?? former.row }
    return try id(of: name)
  }

  /// The rows of those who had a name once.
  func formers(named name: UserName) throws(SQLiteError) -> [(row: Int64, name: FormerName)] {
    let (name, isFolded) = (key(of: name), ledger.rules.names == .fold)
    let bounds = FormerName.bounds(of: name)
    let column = isFolded ? "name_key" : "username"
    let rows = try ledger.database.query(
      "SELECT id, username FROM users WHERE \(column) >= ?1 AND \(column) < ?2", bounds.0, bounds.1
    ) { (row: $0.integer(0), name: FormerName(UserName(bytes: $0.bytes(1)))) }
    return rows.compactMap { row in
      guard let former = row.name, isFolded || former.name == name else { return nil }
      return (row.row, former)
    }
  }
}

// MARK: Taking a name away

extension Users {
  /// Gives a user another name, in one transaction with the event that tells of it. Usage, history
  /// and live sessions stay theirs.
  ///
  /// Their events take the new name too, but for refusals: those are of the client that asked to
  /// come in under the old one.
  ///
  /// - Throws: `LedgerError.noSuchUser`, or `userExists` for a name that is taken.
  package func rename(
    _ name: UserName, to newName: UserName, at time: Int64
  ) throws -> UserRecord {
    try ledger.transaction {
      guard let id = try id(of: name) else { throw LedgerError.noSuchUser(name) }
      let (name, other) = (try spelling(of: name), try spelling(of: newName))
      // By `NAMES=fold` it may be another spelling of their own name.
      if let taken = try self.id(of: newName), taken != id || other == newName {
        throw LedgerError.userExists(other)
      }
      try rename(id, from: name, to: newName, at: time)
      guard let renamed = try named(newName, at: time) else {
        throw LedgerError.noSuchUser(newName)
      }
      return renamed
    }
  }

  /// Gives a user a name that is free.
  func rename(
    _ user: Int64, from name: UserName, to newName: UserName, at time: Int64
  ) throws(SQLiteError) {
    try setName(of: user, to: newName, at: time)
    try leaveName(name, of: user, at: time)
    try ledger.database.run(
      """
      UPDATE OR REPLACE events SET username = ?2
      WHERE username = ?1 AND (kind <> 'refused' OR period_start IS NOT NULL)
      """, name, newName)
    try ledger.events.record(
      Event(at: time, user: newName, kind: .renamed, detail: "from \(name)"))
  }

  /// Removes a user, in one transaction with the event that tells of it.
  ///
  /// Their usage, sessions and events are kept unless they are to go too. A live session stays theirs
  /// to its end, and is judged as a stranger's is.
  ///
  /// - Parameter isPurge: whether the history goes too, all but the accounts of live sessions.
  /// - Returns: the user as they were.
  /// - Throws: `LedgerError.noSuchUser`.
  package func remove(
    _ name: UserName, purgingHistory isPurge: Bool, at time: Int64
  ) throws -> UserRecord {
    try ledger.transaction {
      guard let user = try find(name), let before = try named(name, at: time) else {
        throw LedgerError.noSuchUser(name)
      }
      try retire(user.row, called: user.name, at: time)
      if isPurge { try purgeHistory(of: user.row.user, called: user.name) }
      let detail = isPurge ? "with all history" : "by an administrator"
      try ledger.events.record(Event(at: time, user: user.name, kind: .removed, detail: detail))
      return before
    }
  }

  func setName(of id: Int64, to name: UserName, at time: Int64) throws(SQLiteError) {
    try ledger.database.run(
      """
      UPDATE users SET username = ?2, updated_at = datetime(?3, 'unixepoch'), name_key = ?4
      WHERE id = ?1
      """, id, name, time, name.foldedKey)
  }

  /// A row name for a name that is taken away now, a little later if there is one already.
  private func freshName(for former: FormerName) throws(SQLiteError) -> UserName {
    var fresh = former
    while try ledger.database.exists("SELECT 1 FROM users WHERE username = ?1", fresh.rowName) {
      fresh = FormerName(former.name, until: fresh.until + 1, renamed: former.renamed)
    }
    return fresh.rowName
  }

  /// Leaves word whose the name was until now.
  private func leaveName(_ name: UserName, of id: Int64, at time: Int64) throws(SQLiteError) {
    let former = try freshName(for: FormerName(name, until: time, renamed: id))
    try ledger.database.run(
      """
      INSERT INTO users (id, username, status, created_at, updated_at, name_key)
      VALUES (\(Users.nextID), ?1, 'renamed', datetime(?2, 'unixepoch'), datetime(?2, 'unixepoch'), ?3)
      """, former, time, former.foldedKey)
  }

  /// Takes a user's name, terms and present period away.
  func retire(
    _ row: EntitlementRow, called name: UserName, at time: Int64
  ) throws(SQLiteError) {
    let former = try freshName(for: FormerName(name, until: time))
    try setName(of: row.user, to: former, at: time)
    let end = TimeSpan(start: max(time, row.entitlement.span.start + 1), end: .max)
    try ledger.periods.finish(row, before: end)
    try ledger.database.run(
      "UPDATE users SET status = 'removed', password_hash = NULL WHERE id = ?1", row.user)
    try ledger.database.run("DELETE FROM user_quotas WHERE user_id = ?1", row.user)
    try ledger.database.run("DELETE FROM elsewhere WHERE elsewhere_user = ?1", row.user)
    try ledger.database.run(
      "DELETE FROM events WHERE username = ?1 AND period_start IS NOT NULL", name)
  }

  /// Deletes what every table has of a user, also tables that are not ours; of sessions, the closed
  /// ones. Without live sessions nothing is left to own; but what other hosts know by its uid stays known.
  private func purgeHistory(of id: Int64, called name: UserName) throws(SQLiteError) {
    for table in try tablesOfUsers() {
      let which = table == "sessions" ? " AND ended_at IS NOT NULL" : ""
      try ledger.database.run("DELETE FROM \"\(table)\" WHERE user_id = ?1\(which)", id)
    }
    try ledger.database.run("DELETE FROM events WHERE username = ?1", name)
    try ledger.setMeta("last_user", "\(try ledger.database.integer("SELECT \(Users.nextID) - 1"))")
    try ledger.database.run(
      "DELETE FROM users WHERE status = 'renamed' AND username GLOB '*' || char(1) || ?1", id)
    try ledger.database.run(
      """
      DELETE FROM users WHERE id = ?1 AND uid IS NULL
        AND NOT EXISTS (SELECT 1 FROM sessions WHERE user_id = ?1)
      """, id)
  }

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
