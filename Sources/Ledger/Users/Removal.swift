import SQLite

extension Ledger {
  /// Removes a user, in one transaction with the event that tells of it.
  ///
  /// His usage, sessions and events are kept unless they are to go too. A live session stays his to
  /// its end, and is judged as a stranger's is.
  ///
  /// - Parameters:
  ///   - isPurge: whether the history goes too, all but the accounts of live sessions.
  ///   - time: seconds since 1970 in UTC.
  /// - Returns: the user as he was.
  /// - Throws: `LedgerError.noSuchUser`.
  package func removeUser(
    _ name: UserName, purgingHistory isPurge: Bool, at time: Int64
  ) throws(LedgerError) -> UserRecord {
    try inTransaction { () throws(LedgerError) in
      let (id, user) = try asking { () throws(SQLiteError) in
        var owners = try Owners(self)
        return (try owners.id(of: name), try self.user(named: name, at: time))
      }
      guard let id, let user else { throw .noSuchUser(name) }
      try asking { () throws(SQLiteError) in
        try retire(id, called: name, at: time)
        if isPurge { try purgeHistory(of: id, called: name) }
        let detail = isPurge ? "with all history" : "by an administrator"
        try record(Event(at: time, user: name, kind: .removed, detail: detail))
      }
      return user
    }
  }

  /// Takes the user's name and terms away.
  private func retire(_ id: Int64, called name: UserName, at time: Int64) throws(SQLiteError) {
    let former = try freshName(for: FormerName(name, until: time))
    try setName(of: id, to: former, at: time)
    for change in [
      "UPDATE users SET status = 'removed', password_hash = NULL WHERE id = ?1",
      "DELETE FROM user_quotas WHERE user_id = ?1",
      "DELETE FROM notices WHERE user_id = ?1 AND settled_at IS NULL",
    ] {
      try execute(change, for: id)
    }
  }

  /// Deletes what every table has of a user, also tables that are not ours; of sessions, the closed
  /// ones. Without live sessions nothing is left to own.
  private func purgeHistory(of id: Int64, called name: UserName) throws(SQLiteError) {
    for table in try tablesOfUsers() {
      let which = table == "sessions" ? " AND ended_at IS NOT NULL" : ""
      try execute("DELETE FROM \"\(table)\" WHERE user_id = ?1\(which)", for: id)
    }
    var events = try database.prepare("DELETE FROM events WHERE username = ?1")
    events.bind(1, bytes: name.bytes)
    try events.run()
    try execute(
      "DELETE FROM users WHERE status = 'renamed' AND username GLOB '*' || char(1) || ?1", for: id)
    try execute(
      """
      DELETE FROM users WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM sessions WHERE user_id = ?1)
      """, for: id)
  }

  /// The tables that have a column `user_id`.
  private func tablesOfUsers() throws(SQLiteError) -> [String] {
    var rows = try database.prepare(
      """
      SELECT DISTINCT tables.name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
      WHERE tables.type = 'table' AND columns.name = 'user_id'
      """)
    var tables: [String] = []
    while try rows.step() { tables.append(rows.text(0)) }
    return tables
  }

  private func execute(_ sql: String, for id: Int64) throws(SQLiteError) {
    var statement = try database.prepare(sql)
    statement.bind(1, id)
    try statement.run()
  }
}
