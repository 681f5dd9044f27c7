import Quota
import SQLite

/// A session, live or over, for people to look at.
package struct PastSession: Equatable, Sendable {
  /// The owner's number in the ledger, see `Users.owners()`.
  package let user: Int64
  /// The server's name in the settings; nil where no sweep saw the session.
  package let server: String?
  /// The address inside the tunnel.
  package let address: String
  /// Where the client sent from, as last heard.
  package let realAddress: String?
  /// Seconds since 1970 in UTC.
  package let connectedSince: Int64
  /// When it ended, in seconds since 1970 in UTC; nil while it is live.
  package let closedAt: Int64?
  package let counters: Traffic
}

/// The sessions, live and over.
package struct Sessions {
  let ledger: Ledger

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
}

extension PastSession {
  fileprivate init(row: borrowing Statement) {
    let session = OpenSession(row, from: 1)
    self.init(
      user: row.integer(0), server: session.server,
      address: session.address, realAddress: session.realAddress,
      connectedSince: session.connectedSince, closedAt: row.optionalInteger(7),
      counters: session.counters)
  }
}
