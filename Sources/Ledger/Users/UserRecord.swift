import Quota
import SQLite

/// What the ledger has on one user, for people to look at.
package struct UserRecord: Equatable, Sendable {
  package let name: UserName
  /// The moment that all of this is as of, in seconds since 1970 in UTC.
  package let at: Int64
  /// Status, quota and usage of the present period: what `decide` asks about.
  package var entitlement: Entitlement
  /// Sessions that were live at the last sweep.
  package let openSessions: Int
  /// Seconds since 1970 in UTC; nil where the earlier project left none that can be read.
  package let createdAt: Int64?
  /// The name of the plan he follows.
  package let plan: String?
  /// When his usage starts over.
  package let period: Period
  /// Seconds that his time lasts from his first connection on, which he has not made yet.
  package let waitingLifetime: Int64?
}

extension Ledger {
  /// Hands every user to a body, in the order of their names' bytes, all as of one moment.
  ///
  /// - Parameter time: the moment whose period and entitlement they are shown with.
  package func forEachUser(
    at time: Int64, _ body: (UserRecord) -> Void
  ) throws(SQLiteError) {
    var rows = try database.prepare(
      "SELECT \(UserRecord.columns) WHERE \(Ledger.isPresent) ORDER BY username")
    while try rows.step() { body(try userRecord(rows, at: time)) }
  }

  /// What there is on one user at a moment, nil for a stranger.
  package func user(named name: UserName, at time: Int64) throws(SQLiteError) -> UserRecord? {
    try database.first("SELECT \(UserRecord.columns) WHERE username = ?1", name) {
      row throws(SQLiteError) in try userRecord(row, at: time)
    }
  }

  private func userRecord(
    _ row: borrowing Statement, at time: Int64
  ) throws(SQLiteError) -> UserRecord {
    let (stored, first) = (EntitlementRow(row), EntitlementRow.count)
    return UserRecord(
      name: EntitlementRow.name(row), at: time, entitlement: try entitlement(stored, at: time),
      openSessions: Int(row.integer(first + 1)), createdAt: row.optionalInteger(first),
      plan: row.optionalText(first + 2), period: stored.periodRule,
      waitingLifetime: row.optionalInteger(first + 3))
  }

  /// The names of all users, for finding what somebody meant who mistyped one.
  package func userNames() throws(SQLiteError) -> [UserName] {
    try database.query("SELECT username FROM users WHERE \(Ledger.isPresent) ORDER BY username") {
      UserName(bytes: $0.bytes(0))
    }
  }

  /// Runs a body that sees the ledger as of one moment, whatever others write meanwhile.
  package func snapshot<Result: ~Copyable>(
    _ body: () throws(SQLiteError) -> Result
  ) throws(SQLiteError) -> Result {
    try database.execute("BEGIN")
    do {
      let result = try body()
      try database.execute("COMMIT")
      return result
    } catch {
      try? database.execute("ROLLBACK")
      throw error
    }
  }
}

extension UserRecord {
  /// What `userRecord` reads, and the tables it is in. The count of sessions is a look into the index
  /// of open ones: one for each user is cheaper than a join for all.
  fileprivate static let columns =
    """
    \(EntitlementRow.columns), \(UserRow.createdAt), \(UserRow.sessionCount), plans.name,
      iif(began_at IS NULL, iif(user_quotas.from_first IS NULL, plans.expires_after,
        user_quotas.expires_after), NULL)
    FROM \(EntitlementRow.tables)
    """

  /// What there is on a user whose row was read, or changed.
  init(_ user: UserRow, _ entitlement: Entitlement, at time: Int64) {
    self.init(
      name: user.name, at: time, entitlement: entitlement, openSessions: user.openSessions,
      createdAt: user.createdAt, plan: user.plan?.name, period: user.effective.period ?? .none,
      waitingLifetime: user.begunAt == nil ? user.effective.lifetime?.seconds : nil)
  }
}
