import SQLite

/// How the sessions of a server ended.
package struct Closings: Equatable, Sendable {
  /// The server's name.
  package let name: String
  /// Sessions that their hook closed.
  package let byHook: Int64
  /// Sessions that were found to be gone.
  package let byListing: Int64
}

extension Ledger {
  /// How sessions ended since a moment, by server.
  package func closings(since moment: Int64) throws(SQLiteError) -> [Closings] {
    var statement = try database.prepare(
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
