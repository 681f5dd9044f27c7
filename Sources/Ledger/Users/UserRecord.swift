import Quota
import SQLite

/// What the ledger has on one user, for people to look at.
package struct UserRecord: Equatable, Sendable {
  package let name: UserName
  /// Status, quota and usage of the present period: what `decide` asks about.
  package var standing: Standing
  /// Sessions that were live at the last sweep.
  package let openSessions: Int
  /// Seconds since 1970 in UTC; nil where the earlier project left none that can be read.
  package let createdAt: Int64?

  package init(name: UserName, standing: Standing, openSessions: Int, createdAt: Int64?) {
    self.name = name
    self.standing = standing
    self.openSessions = openSessions
    self.createdAt = createdAt
  }
}

/// A session that was live at the last sweep, for people to look at.
package struct OpenSession: Equatable, Sendable {
  /// The server's name in the settings; nil where no sweep has seen the session yet.
  package let server: String?
  /// The address inside the tunnel.
  package let address: String
  /// Where the client sends from, as last listed.
  package let realAddress: String?
  /// Seconds since 1970 in UTC.
  package let connectedSince: Int64
  package let counters: Traffic

  package init(
    server: String?, address: String, realAddress: String?, connectedSince: Int64,
    counters: Traffic
  ) {
    self.server = server
    self.address = address
    self.realAddress = realAddress
    self.connectedSince = connectedSince
    self.counters = counters
  }
}

extension Ledger {
  /// Hands every user to a body, in the order of their names' bytes, all as of one moment.
  package func forEachUser(_ body: (UserRecord) -> Void) throws(SQLiteError) {
    var statement = try database.prepare(
      "SELECT \(UserRecord.columns) WHERE \(Ledger.isPresent) ORDER BY username")
    while try statement.step() { body(UserRecord(row: statement)) }
  }

  /// What there is on one user, nil for a stranger.
  package func user(named name: UserName) throws(SQLiteError) -> UserRecord? {
    var statement = try database.prepare("SELECT \(UserRecord.columns) WHERE username = ?1")
    statement.bind(1, bytes: name.bytes)
    guard try statement.step() else { return nil }
    return UserRecord(row: statement)
  }

  /// The sessions of a user that were live at the last sweep, the oldest first.
  package func openSessions(of name: UserName) throws(SQLiteError) -> [OpenSession] {
    var statement = try database.prepare(
      """
      SELECT server, address, real_address, connected_since, bytes_received, bytes_sent
      FROM sessions INDEXED BY open_sessions
      WHERE closed_at IS NULL AND user_id = (SELECT id FROM users WHERE username = ?1)
      ORDER BY connected_since, server, address
      """)
    statement.bind(1, bytes: name.bytes)
    var sessions: [OpenSession] = []
    while try statement.step() {
      sessions.append(
        OpenSession(
          server: statement.isNull(0) ? nil : statement.text(0), address: statement.text(1),
          realAddress: statement.isNull(2) ? nil : statement.text(2),
          connectedSince: statement.integer(3),
          counters: Traffic(received: statement.integer(4), sent: statement.integer(5))))
    }
    return sessions
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
  /// What `init(row:)` reads, and the tables it is in. The count of sessions is a look into the
  /// index of open ones: one for each user is cheaper than a join for all.
  fileprivate static let columns =
    """
    username, status, quota_bytes, bytes_received, bytes_sent,
      CAST(strftime('%s', created_at) AS INTEGER),
      (SELECT count(*) FROM sessions WHERE user_id = users.id AND closed_at IS NULL)
    FROM users LEFT JOIN user_quotas ON user_quotas.user_id = users.id
      LEFT JOIN period_usage ON period_usage.user_id = users.id AND period_start = 0
    """

  /// Reads status, quota and usage just as `Ledger.standing(of:)` does.
  fileprivate init(row: borrowing Statement) {
    let standing = Standing(
      isEnabled: row.text(1) == "active", quota: max(0, row.integer(2)),
      used: Traffic(received: row.integer(3), sent: row.integer(4)))
    self.init(
      name: UserName(bytes: row.bytes(0)), standing: standing, openSessions: Int(row.integer(6)),
      createdAt: row.optionalInteger(5))
  }
}
