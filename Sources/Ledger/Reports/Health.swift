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
  /// What is wrong with the file, in SQLite's words; nil if nothing is.
  package func damage() throws(SQLiteError) -> String? {
    var statement = try database.prepare("PRAGMA quick_check(1)")
    guard try statement.step() else { return nil }
    let verdict = statement.text(0)
    return verdict == "ok" ? nil : verdict
  }

  /// How sessions ended since a moment, by server.
  package func closings(since moment: Int64) throws(SQLiteError) -> [Closings] {
    var statement = try database.prepare(
      """
      SELECT server, sum(closed_by = 'hook'), sum(closed_by = 'listing') FROM sessions
      WHERE closed_at >= ?1 AND server IS NOT NULL GROUP BY server ORDER BY server
      """)
    statement.bind(1, moment)
    var closings: [Closings] = []
    while try statement.step() {
      closings.append(
        Closings(
          name: statement.text(0), byHook: statement.integer(1), byListing: statement.integer(2)))
    }
    return closings
  }
}
