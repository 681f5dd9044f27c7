import Quota
import SQLite

/// What an administrator's change came to.
package struct Amendment: Equatable, Sendable {
  /// The user as he is now.
  package let user: UserRecord
  /// Whether anything is other than it was.
  package let isNew: Bool
}

extension Ledger {
  /// Adds a user, in one transaction with the event that tells of it.
  ///
  /// - Parameters:
  ///   - quota: bytes, 0 for unlimited.
  ///   - time: seconds since 1970 in UTC.
  /// - Throws: `LedgerError.userExists`.
  package func addUser(
    _ name: UserName, quota: Int64, at time: Int64
  ) throws(LedgerError) -> UserRecord {
    let added = try inTransaction { () throws(SQLiteError) -> UserRecord? in
      var owners = try Owners(self)
      if try owners.id(of: name) != nil { return nil }
      let detail = "by an administrator, quota \(Ledger.words(forQuota: quota))"
      _ = try create(name, quota: quota, detail: detail, at: time)
      return try user(named: name)
    }
    guard let added else { throw .userExists(name) }
    return added
  }

  /// Gives a user another quota, in one transaction with the event that tells of it.
  ///
  /// - Parameters:
  ///   - quota: bytes, 0 for unlimited.
  ///   - time: seconds since 1970 in UTC.
  /// - Throws: `LedgerError.noSuchUser`.
  package func changeQuota(
    of name: UserName, to quota: Int64, at time: Int64
  ) throws(LedgerError) -> Amendment {
    try change(name) { (id, user) throws(SQLiteError) in
      if user.standing.quota == quota { return false }
      try setQuota(of: id, to: quota, at: time)
      let old = Ledger.words(forQuota: user.standing.quota)
      let detail = "from \(old) to \(Ledger.words(forQuota: quota))"
      try record(Event(at: time, user: name, kind: .quota, detail: detail))
      return true
    }
  }

  /// Lets a user in again or shuts him out, in one transaction with the event that tells of it.
  ///
  /// - Parameter time: seconds since 1970 in UTC.
  /// - Throws: `LedgerError.noSuchUser`.
  package func setEnabled(
    _ isEnabled: Bool, _ name: UserName, at time: Int64
  ) throws(LedgerError) -> Amendment {
    try change(name) { (id, user) throws(SQLiteError) in
      if user.standing.isEnabled == isEnabled { return false }
      var statement = try database.prepare(
        "UPDATE users SET status = ?2, updated_at = datetime(?3, 'unixepoch') WHERE id = ?1")
      statement.bind(1, id)
      statement.bind(2, isEnabled ? "active" : "disabled")
      statement.bind(3, time)
      try statement.run()
      let kind: Event.Kind = isEnabled ? .enabled : .disabled
      try record(Event(at: time, user: name, kind: kind, detail: "by an administrator"))
      return true
    }
  }

  /// Runs a change to a known user as one transaction.
  ///
  /// - Parameter body: makes the change, if there is anything to change; says whether there was.
  private func change(
    _ name: UserName, _ body: (Int64, UserRecord) throws(SQLiteError) -> Bool
  ) throws(LedgerError) -> Amendment {
    let change = try inTransaction { () throws(SQLiteError) -> Amendment? in
      var owners = try Owners(self)
      guard let id = try owners.id(of: name), let user = try user(named: name) else { return nil }
      if try !body(id, user) { return Amendment(user: user, isNew: false) }
      return try self.user(named: name).map { Amendment(user: $0, isNew: true) }
    }
    guard let change else { throw .noSuchUser(name) }
    return change
  }

  private func inTransaction<Result>(
    _ body: () throws(SQLiteError) -> Result
  ) throws(LedgerError) -> Result {
    do { return try database.transaction(body) } catch { throw .database(error) }
  }

  /// A quota in an event: exact, unlike what people are shown.
  private static func words(forQuota quota: Int64) -> String {
    quota == 0 ? "unlimited" : "\(quota) bytes"
  }
}
