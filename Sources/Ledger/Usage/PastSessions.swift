import Quota
import SQLite

/// A session, live or over, for people to look at.
package struct PastSession: Equatable, Sendable {
  /// The owner's number in the ledger, see `Ledger.owners()`.
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

extension Ledger {
  /// Goes once over the sessions that were live at some time within a stretch of time, the oldest
  /// first, each with all that it moved.
  ///
  /// - Parameters:
  ///   - user: the number of the only user to tell of; nil for all.
  ///   - time: seconds since 1970 in UTC.
  package func forEachSession(
    of user: Int64? = nil, in time: Range<Int64>, _ body: (PastSession) -> Void
  ) throws(SQLiteError) {
    var statement = try database.prepare(
      """
      SELECT user_id, server, address, real_address, connected_since, closed_at,
        bytes_received, bytes_sent
      FROM sessions
      WHERE connected_since < ?2 AND (closed_at IS NULL OR closed_at >= ?1)
        AND (?3 IS NULL OR user_id = ?3)
      ORDER BY connected_since, server, address
      """)
    statement.bind(1, time.lowerBound)
    statement.bind(2, time.upperBound)
    statement.bind(3, user)
    while try statement.step() { body(PastSession(row: statement)) }
  }
}

extension PastSession {
  fileprivate init(row: borrowing Statement) {
    self.init(
      user: row.integer(0), server: row.isNull(1) ? nil : row.text(1), address: row.text(2),
      realAddress: row.isNull(3) ? nil : row.text(3), connectedSince: row.integer(4),
      closedAt: row.optionalInteger(5),
      counters: Traffic(received: row.integer(6), sent: row.integer(7)))
  }
}

extension Ledger {
  /// How many sessions were live at the last sweep, by server; those that no sweep has seen yet
  /// under the empty name.
  package func openSessionsByServer() throws(SQLiteError) -> [String: Int64] {
    var statement = try database.prepare(
      """
      SELECT coalesce(server, ''), count(*) FROM sessions INDEXED BY open_sessions
      WHERE closed_at IS NULL GROUP BY 1
      """)
    var counts: [String: Int64] = [:]
    while try statement.step() { counts[statement.text(0)] = statement.integer(1) }
    return counts
  }
}
