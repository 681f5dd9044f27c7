import SQLite

extension Ledger {
  /// Gives a user another name, in one transaction with the event that tells of it. Usage, history
  /// and live sessions stay his.
  ///
  /// His events take the new name too, but for refusals: those are of whoever asked to come in
  /// under the old one.
  ///
  /// - Parameter time: seconds since 1970 in UTC.
  /// - Throws: `LedgerError.noSuchUser`, or `userExists` for a name that is taken.
  package func renameUser(
    _ name: UserName, to newName: UserName, at time: Int64
  ) throws(LedgerError) -> UserRecord {
    try inTransaction { () throws(LedgerError) in
      let (id, taken) = try asking { () throws(SQLiteError) in
        var owners = try Owners(self)
        return (try owners.id(of: name), try owners.id(of: newName))
      }
      guard let id else { throw .noSuchUser(name) }
      if taken != nil { throw .userExists(newName) }
      let renamed = try asking { () throws(SQLiteError) in
        try setName(of: id, to: newName, at: time)
        try leaveName(name, of: id, at: time)
        try moveEvents(from: name, to: newName)
        let detail = "from \(name)"
        try record(Event(at: time, user: newName, kind: .renamed, detail: detail))
        return try user(named: newName, at: time)
      }
      guard let renamed else { throw .noSuchUser(newName) }
      return renamed
    }
  }

  func setName(of id: Int64, to name: UserName, at time: Int64) throws(SQLiteError) {
    var statement = try database.prepare(
      "UPDATE users SET username = ?2, updated_at = datetime(?3, 'unixepoch') WHERE id = ?1")
    statement.bind(1, id)
    statement.bind(2, bytes: name.bytes)
    statement.bind(3, time)
    try statement.run()
  }

  private func moveEvents(from name: UserName, to newName: UserName) throws(SQLiteError) {
    var statement = try database.prepare(
      "UPDATE OR REPLACE events SET username = ?2 WHERE username = ?1 AND kind <> 'refused'")
    statement.bind(1, bytes: name.bytes)
    statement.bind(2, bytes: newName.bytes)
    try statement.run()
  }

  /// Leaves word whose the name was until now.
  private func leaveName(
    _ name: UserName, of id: Int64, at time: Int64
  ) throws(SQLiteError) {
    var statement = try database.prepare(
      """
      INSERT INTO users (username, status, created_at, updated_at)
      VALUES (?1, 'renamed', datetime(?2, 'unixepoch'), datetime(?2, 'unixepoch'))
      """)
    let former = try freshName(for: FormerName(name, until: time, renamed: id))
    statement.bind(1, bytes: former.bytes)
    statement.bind(2, time)
    try statement.run()
    // A trigger of the earlier project adds a quota row to every new one.
    try database.execute("DELETE FROM user_quotas WHERE user_id = \(database.lastInsertedRow)")
  }
}
