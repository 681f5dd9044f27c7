import Gate
import Quota
import SQLite
import System

/// A session that was live at the last sweep, for people to look at.
package struct OpenSession: Equatable, Sendable {
  /// The server's name in the settings, or what the hooks call it as long as no sweep has seen it.
  package let server: String?
  /// The address inside the tunnel; empty for none.
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

extension Ledger {
  /// All sessions that were live at the last sweep, each with its owner.
  package func openSessions() throws(SQLiteError) -> [(owner: UserName, session: OpenSession)] {
    var rows = try database.prepare(
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
  package func openSessions(of name: UserName) throws(SQLiteError) -> [OpenSession] {
    var rows = try database.prepare(
      """
      SELECT \(OpenSession.columns) FROM \(OpenSession.tables)
      WHERE ended_at IS NULL AND reason IS NULL
        AND user_id = (SELECT id FROM users WHERE \(users.isNamed))
      ORDER BY connected_since, 1, sessions.id
      """)
    rows.bind(1, bytes: users.key(of: name).bytes)
    var sessions: [OpenSession] = []
    while try rows.step() { sessions.append(OpenSession(rows)) }
    return sessions
  }

  /// How many sessions were live at the last sweep, by server.
  package func openSessionsByServer() throws(SQLiteError) -> [String: Int64] {
    var rows = try database.prepare(
      """
      SELECT \(OpenSession.server), count(*) FROM \(OpenSession.tables)
      WHERE ended_at IS NULL AND user_id IS NOT NULL GROUP BY 1
      """)
    var counts: [String: Int64] = [:]
    while try rows.step() { counts[rows.text(0)] = rows.integer(1) }
    return counts
  }
}

/// What the ledger knows of a listed session.
package struct Ownership: Equatable, Sendable {
  /// The owner; nil where nobody can tell yet.
  package var owner: UserName?
  /// The session's counters as the ledger has them; nil where it is new.
  package var counted: Traffic?
  /// Seconds since 1970 in UTC.
  package var connectedSince: Int64
  /// The address inside the tunnel; empty for none.
  package var address: String
}

extension Ledger {
  /// What is known of the rows of reports: nil for those that are no sessions. Nothing is written.
  package func ownerships(
    of reports: [ServerReport], journal: borrowing Directory, at moment: JournalMoment
  ) throws -> [[Ownership?]] {
    var counted: [Int64: Traffic] = [:]
    var rows = try database.prepare("SELECT session_id, bytes_received, bytes_sent FROM counters")
    while try rows.step() {
      counted[rows.integer(0)] = Traffic(received: rows.integer(1), sent: rows.integer(2))
    }
    let before = heard
    try database.execute("PRAGMA cache_spill = OFF; BEGIN IMMEDIATE")
    defer {
      try? database.execute("ROLLBACK")
      heard = before
    }
    let result = try reconcile(journal: journal, reports, at: moment)
    var names = try database.prepare("SELECT username FROM users WHERE id = ?1")
    var all: [[Ownership?]] = []
    for (report, listing) in zip(reports, result.listings) {
      var found = report.clients.enumerated().map { row, client -> Ownership? in
        guard client.isSession, let since = client.since else { return nil }
        return Ownership(
          owner: report.names(at: row).owner, connectedSince: since,
          address: client.endpoints.virtual.description)
      }
      for session in listing.live {
        let known = try session.session.flatMap { try openSession($0) }
        var ownership =
          found[session.row]
          ?? Ownership(connectedSince: known?.connectedSince ?? 0, address: known?.address ?? "")
        if let user = session.user {
          names.bind(1, user)
          if try names.step() { ownership.owner = UserName(bytes: names.bytes(0)) }
          names.reset()
        }
        ownership.counted = session.session.flatMap { counted[$0] }
        found[session.row] = ownership
      }
      all.append(found)
    }
    return all
  }

  /// A session by its number.
  private func openSession(_ id: Int64) throws(SQLiteError) -> OpenSession? {
    try database.first(
      "SELECT \(OpenSession.columns) FROM \(OpenSession.tables) WHERE sessions.id = ?1", id
    ) { OpenSession($0) }
  }

  /// The address of a listed session inside the tunnel; where there is none, that of the client.
  package func address(
    of session: ListedSession, in report: ServerReport
  ) throws(SQLiteError) -> String {
    let endpoints = report.clients[session.row].endpoints
    if !endpoints.virtual.isNone { return endpoints.virtual.description }
    let known = try session.session.flatMap { id throws(SQLiteError) in try openSession(id) }
    return known.map(\.address).flatMap { $0.isEmpty ? nil : $0 } ?? endpoints.real.description
  }

  /// The absolute position of the journal's end at this moment; where that cannot be read, the
  /// largest, as nothing that comes later can be read either.
  package func journalEnd() -> Int64 {
    do {
      return try JournalFile(.current, in: try stateDirectory())?.end() ?? .max
    } catch {
      return .max
    }
  }
}
