import Quota
import SQLite

/// What the ledger has on one user, for people to look at.
package struct UserRecord: Equatable, Sendable {
  package let name: UserName
  /// The moment that all of this is as of, in seconds since 1970 in UTC.
  package let at: Int64
  /// Status, quota and usage of the present period: what `decide` asks about.
  package var standing: Standing
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
  /// - Parameter time: the moment whose period and standing they are shown with.
  package func forEachUser(
    at time: Int64, _ body: (UserRecord) -> Void
  ) throws(SQLiteError) {
    var statement = try database.prepare(
      "SELECT \(UserRecord.columns) WHERE \(Ledger.isPresent) ORDER BY username")
    while try statement.step() { body(try record(statement, at: time)) }
  }

  /// What there is on one user at a moment, nil for a stranger.
  package func user(named name: UserName, at time: Int64) throws(SQLiteError) -> UserRecord? {
    var statement = try database.prepare("SELECT \(UserRecord.columns) WHERE username = ?1")
    statement.bind(1, bytes: name.bytes)
    return try statement.step() ? try record(statement, at: time) : nil
  }

  private func record(
    _ row: borrowing Statement, at time: Int64
  ) throws(SQLiteError) -> UserRecord {
    let stored = StandingRow(row)
    return UserRecord(stored, try standing(stored, at: time), at: time, rest: row)
  }

  /// The names of all users, for finding what somebody meant who mistyped one.
  package func userNames() throws(SQLiteError) -> [UserName] {
    var statement = try database.prepare(
      "SELECT username FROM users WHERE \(Ledger.isPresent) ORDER BY username")
    var names: [UserName] = []
    while try statement.step() { names.append(UserName(bytes: statement.bytes(0))) }
    return names
  }

  /// Runs a body that sees the ledger as of one moment, whatever others write meanwhile.
  package func snapshot<Result>(
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
  /// What `init` reads, and the tables it is in. The count of sessions is a look into the index of
  /// open ones: one for each user is cheaper than a join for all.
  fileprivate static let columns =
    """
    \(StandingRow.columns),
      CAST(strftime('%s', created_at) AS INTEGER),
      (SELECT count(*) FROM sessions WHERE user_id = users.id AND ended_at IS NULL AND reason IS NULL),
      (SELECT name FROM plans WHERE plans.id = plan_id),
      iif(began_at IS NULL, expires_after, NULL)
    FROM \(StandingRow.tables)
    """

  fileprivate init(
    _ stored: StandingRow, _ standing: Standing, at time: Int64, rest row: borrowing Statement
  ) {
    let first = StandingRow.count
    self.init(
      name: StandingRow.name(row), at: time, standing: standing,
      openSessions: Int(row.integer(first + 1)),
      createdAt: row.optionalInteger(first),
      plan: row.isNull(first + 2) ? nil : row.text(first + 2),
      period: stored.periodRule, waitingLifetime: row.optionalInteger(first + 3))
  }
}
