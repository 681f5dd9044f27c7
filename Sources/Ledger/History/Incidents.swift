import SQLite

/// How often one user was refused or disconnected for one reason.
package struct Incident: Equatable, Sendable {
  /// The user, or the stranger.
  package let user: UserName
  /// Whether sessions were disconnected; otherwise clients were refused.
  package let isKill: Bool
  /// The raw value of a `Reason`.
  package let reason: String
  package let count: Int64
  /// When it happened last, in seconds since 1970 in UTC.
  package let lastAt: Int64
}

extension Ledger {
  /// Refusals and disconnections of a stretch of time, added up by user and reason, the most
  /// frequent first. A run of refusals belongs in full to the time of the last one.
  ///
  /// - Parameter time: seconds since 1970 in UTC.
  package func incidents(in time: Range<Int64>) throws(SQLiteError) -> [Incident] {
    // Each count is held below what thousands of years of tries come to, lest their sum overflow.
    var statement = try database.prepare(
      """
      SELECT username, kind = 'killed', detail, sum(min(max(count, 0), 1000000000000)) AS times,
        max(last_at)
      FROM events WHERE kind IN ('refused', 'killed') AND last_at >= ?1 AND last_at < ?2
      GROUP BY username, kind, detail ORDER BY times DESC, username, kind, detail
      """)
    statement.bind(1, time.lowerBound)
    statement.bind(2, time.upperBound)
    var incidents: [Incident] = []
    while try statement.step() {
      incidents.append(
        Incident(
          user: UserName(bytes: statement.bytes(0)), isKill: statement.integer(1) == 1,
          reason: statement.text(2), count: statement.integer(3), lastAt: statement.integer(4)))
    }
    return incidents
  }
}
