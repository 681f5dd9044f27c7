import Quota
import SQLite

/// The sessions, live and over.
///
/// What becomes of what hooks and servers say, in this order, in one transaction (`Reconciliation`):
///
/// 1. Records of the journal's files that are new (`JournalImport`) begin and end sessions
///    (`SessionUpdate+Journal`); refusals are counted by runs (`RefusalRuns`).
/// 2. Sessions of the machine's earlier boots end, then for each server that gave a listing those of its
///    earlier processes (`ServerProcess`).
/// 3. Rows of the listing find their sessions (`Pairing`), raise their counters, open and close them
///    (`SessionUpdate+Listing`).
/// 4. What counters rose by is counted for users (`SessionUpdate`, `Counting`), and what it means for the
///    access table is noted (`AccessChanges`).
///
/// Then the sweep asks who may not stay (`Violation`).
package struct Sessions {
  let ledger: Ledger
}

// MARK: For people to look at

extension Sessions {
  /// All sessions that were live at the last sweep, each with its owner.
  package func open() throws(SQLiteError) -> [(owner: UserName, session: OpenSession)] {
    var rows = try ledger.database.prepare(
      """
      SELECT \(OpenSession.columns), username FROM \(OpenSession.tables)
        JOIN users ON users.id = user_id
      WHERE ended_at IS NULL AND reason IS NULL
      """)
    var sessions: [(owner: UserName, session: OpenSession)] = []
    while try rows.step() {
      sessions.append((UserName(bytes: rows.bytes(6)), OpenSession(rows)))
    }
    return sessions
  }

  /// The sessions of a user that were live at the last sweep, the oldest first.
  package func open(of name: UserName) throws(SQLiteError) -> [OpenSession] {
    var rows = try ledger.database.prepare(
      """
      SELECT \(OpenSession.columns) FROM \(OpenSession.tables)
      WHERE ended_at IS NULL AND reason IS NULL
        AND user_id = (SELECT id FROM users WHERE \(ledger.users.isNamed))
      ORDER BY connected_since, 1, sessions.id
      """)
    rows.bind(1, bytes: ledger.users.key(of: name).bytes)
    var sessions: [OpenSession] = []
    while try rows.step() { sessions.append(OpenSession(rows)) }
    return sessions
  }

  /// How many sessions were live at the last sweep, by server.
  package func openByServer() throws(SQLiteError) -> [String: Int64] {
    var rows = try ledger.database.prepare(
      """
      SELECT \(OpenSession.server), count(*) FROM \(OpenSession.tables)
      WHERE ended_at IS NULL AND user_id IS NOT NULL GROUP BY 1
      """)
    var counts: [String: Int64] = [:]
    while try rows.step() { counts[rows.text(0)] = rows.integer(1) }
    return counts
  }

  /// Goes once over the sessions that were live at some time within a stretch of time, the oldest
  /// first, each with all that it moved.
  ///
  /// - Parameters:
  ///   - user: the number of the only user to tell of; nil for all.
  ///   - time: seconds since 1970 in UTC.
  package func forEach(
    of user: Int64? = nil, in time: Range<Int64>, _ body: (PastSession) -> Void
  ) throws(SQLiteError) {
    var statement = try ledger.database.prepare(
      """
      SELECT user_id, \(OpenSession.columns), NULL FROM \(OpenSession.tables)
      WHERE ended_at IS NULL AND user_id IS NOT NULL AND connected_since < ?2
        AND (?3 IS NULL OR user_id = ?3)
      UNION ALL
      SELECT user_id, name, virtual, real, connected_since, bytes_received, bytes_sent,
        unixepoch(log_timestamp)
      FROM traffic_logs LEFT JOIN servers ON servers.id = server_id
      WHERE \(SessionLog.isSince(4)) AND connected_since < ?2
        AND log_timestamp >= datetime(?1, 'unixepoch')
        AND (?3 IS NULL OR user_id = ?3)
      ORDER BY 5, 2, 3
      """)
    statement.bind(1, time.lowerBound)
    statement.bind(2, time.upperBound)
    statement.bind(3, user)
    statement.bind(4, SessionLog.firstID(at: time.lowerBound))
    while try statement.step() { body(PastSession(row: statement)) }
  }

  /// How sessions ended since a moment, by server.
  package func closings(since moment: Int64) throws(SQLiteError) -> [Closings] {
    var statement = try ledger.database.prepare(
      """
      SELECT name, sum(ended_by = 'hook'), sum(ended_by = 'listing')
      FROM traffic_logs JOIN servers ON servers.id = server_id
      WHERE \(SessionLog.isSince(2)) AND log_timestamp >= datetime(?1, 'unixepoch')
      GROUP BY name ORDER BY name
      """)
    statement.bind(1, moment)
    statement.bind(2, SessionLog.firstID(at: moment))
    var closings: [Closings] = []
    while try statement.step() {
      closings.append(
        Closings(
          name: statement.text(0), byHook: statement.integer(1), byListing: statement.integer(2)))
    }
    return closings
  }
}

/// A session for people to look at: as it was at the last sweep, or as its server shows it.
package struct OpenSession: Equatable, Sendable {
  /// The server's name in the settings, or what the hooks call it as long as no sweep has seen it.
  package let server: String?
  /// The address inside the tunnel; empty for none.
  package let address: String
  /// Where the client sends from, as last listed; where it sent from, of one that is over.
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

  /// The name of a session's server.
  static let server = "coalesce(listed.name, servers.name)"
  static let tables =
    """
    sessions JOIN processes ON processes.id = process_id JOIN servers ON servers.id = server_id
      LEFT JOIN servers AS listed ON listed.id = listed_as
      LEFT JOIN counters ON session_id = sessions.id
    """
  /// What `init(_:)` reads.
  static let columns =
    """
    \(server), coalesce(virtual, ipv4, ipv6), coalesce(real, client), connected_since,
      bytes_received, bytes_sent
    """

  /// Reads a row of `columns`, from a column on.
  init(_ row: borrowing Statement, from first: Int32 = 0) {
    let real = RealAddress(row, first + 2)
    self.init(
      server: row.text(first).isEmpty ? nil : row.text(first),
      address: NetworkAddress(row, first + 1).description,
      realAddress: real.isNone ? nil : real.description, connectedSince: row.integer(first + 3),
      counters: Traffic(received: row.integer(first + 4), sent: row.integer(first + 5)))
  }
}

/// A session, live or over, for people to look at.
package struct PastSession: Equatable, Sendable {
  /// The owner's number in the ledger, see `Users.owners()`.
  package let user: Int64
  package let session: OpenSession
  /// When it ended, in seconds since 1970 in UTC; nil while it is live.
  package let closedAt: Int64?

  fileprivate init(row: borrowing Statement) {
    user = row.integer(0)
    session = OpenSession(row, from: 1)
    closedAt = row.optionalInteger(7)
  }
}

/// How the sessions of a server ended.
package struct Closings: Equatable, Sendable {
  /// The server's name.
  package let name: String
  /// Sessions that their hook closed.
  package let byHook: Int64
  /// Sessions that were found to be gone.
  package let byListing: Int64
}
