import SQLite

/// An event as it was kept, for people to look at.
///
/// Its kind is a text: a later version may have kept kinds that this one does not know.
package struct PastEvent: Equatable, Sendable {
  /// Seconds since 1970 in UTC: when it happened, or first happened.
  package let at: Int64
  /// The user it is about, or the stranger.
  package let user: UserName
  /// The raw value of an `Event.Kind`.
  package let kind: String
  /// In a few words: the reason, the new value.
  package let detail: String
  /// How often it happened.
  package let count: Int64
  /// When it happened last, in seconds since 1970 in UTC.
  package let lastAt: Int64
}

extension Ledger {
  /// The newest events of a stretch of time, the oldest of them first.
  ///
  /// - Parameters:
  ///   - name: the only user or stranger to tell of; nil for all.
  ///   - time: seconds since 1970 in UTC; an event belongs to the time it happened last.
  ///   - limit: how many at most; nil for all.
  package func events(
    about name: UserName? = nil, in time: Range<Int64>, limit: Int? = nil
  ) throws(SQLiteError) -> [PastEvent] {
    var statement = try database.prepare(
      """
      SELECT at, username, kind, detail, count, last_at FROM events
      WHERE last_at >= ?1 AND last_at < ?2 AND (?3 IS NULL OR username = ?3)
      ORDER BY last_at DESC, at DESC, username DESC, kind DESC, detail DESC LIMIT ?4
      """)
    statement.bind(1, time.lowerBound)
    statement.bind(2, time.upperBound)
    if let name { statement.bind(3, bytes: name.bytes) }
    statement.bind(4, Int64(limit ?? -1))
    var events: [PastEvent] = []
    while try statement.step() { events.append(PastEvent(row: statement)) }
    return events.reversed()
  }
}

extension PastEvent {
  fileprivate init(row: borrowing Statement) {
    self.init(
      at: row.integer(0), user: UserName(bytes: row.bytes(1)), kind: row.text(2),
      detail: row.text(3), count: row.integer(4), lastAt: row.integer(5))
  }
}
