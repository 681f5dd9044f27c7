import SQLite

/// Something an operator may want to know afterwards.
package struct Event: Equatable, Sendable {
  /// Seconds since 1970 in UTC: when it happened, or first happened.
  package let at: Int64
  /// The user it is about, the stranger, or the plan.
  package let user: UserName
  /// The raw value of a `Kind`, or of one that a later version knows.
  package let kind: String
  package let detail: String
  /// How often it happened; more than once only for refusals, and where events are added up.
  package let count: Int64
  /// When it happened last, in seconds since 1970 in UTC.
  package let lastAt: Int64

  package init(
    at: Int64, user: UserName, kind: Kind, detail: String, count: Int64 = 1, lastAt: Int64? = nil
  ) {
    self.at = at
    self.user = user
    self.kind = kind.rawValue
    self.detail = detail
    self.count = count
    self.lastAt = lastAt ?? at
  }

  static let columns = "at, username, kind, detail, count, last_at"

  fileprivate init(_ row: borrowing Statement) {
    at = row.integer(0)
    user = UserName(bytes: row.bytes(1))
    kind = row.text(2)
    detail = row.text(3)
    count = row.integer(4)
    lastAt = row.integer(5)
  }

  package var isKill: Bool { kind == Kind.killed.rawValue }

  package enum Kind: String, Sendable {
    /// A client was turned away at the door; counted, one row for each run of tries.
    case refused
    case killed
    /// A user's quota is used up, and they are held to a rate from then on.
    case slowed
    /// A user was created on first sight or by an administrator.
    case created
    case quota
    case terms
    /// An administrator added, changed or removed a plan; the user is the plan's name.
    case plan
    case granted
    case revoked
    case reset
    case enabled
    case disabled
    case renamed
    case removed
  }
}

/// What happened: refusals, disconnections, changes. Notices stand in the same table; see `Notices`.
package struct Events {
  let ledger: Ledger

  /// Keeps an event. One that is known already takes the larger count and the later time, so that
  /// telling it again changes nothing.
  package func record(_ event: Event) throws(SQLiteError) {
    try ledger.database.run(
      """
      INSERT INTO events (\(Event.columns)) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
      ON CONFLICT (username, kind, detail, at) WHERE period_start IS NULL DO UPDATE SET
        count = max(count, excluded.count), last_at = max(last_at, excluded.last_at)
      """, event.at, event.user, event.kind, event.detail, event.count, event.lastAt)
  }

  /// The newest events of a stretch of time, the oldest of them first.
  ///
  /// - Parameters:
  ///   - name: the only user or stranger to tell of; nil for all.
  ///   - time: seconds since 1970 in UTC; an event belongs to the time it happened last.
  ///   - limit: how many at most; nil for all.
  package func list(
    about name: UserName? = nil, in time: Range<Int64>, limit: Int? = nil
  ) throws(SQLiteError) -> [Event] {
    let name = try name.map { name throws(SQLiteError) in try ledger.users.spelling(of: name) }
    return try ledger.database.query(
      """
      SELECT \(Event.columns) FROM events
      WHERE period_start IS NULL AND last_at >= ?1 AND last_at < ?2
        AND (?3 IS NULL OR username = ?3)
      ORDER BY last_at DESC, at DESC, username DESC, kind DESC, detail DESC LIMIT ?4
      """, time.lowerBound, time.upperBound, name, Int64(limit ?? -1)
    ) { Event($0) }.reversed()
  }

  /// Refusals and disconnections of a stretch of time, added up by user and reason, the most
  /// frequent first. A run of refusals belongs in full to the time of the last one.
  package func incidents(in time: Range<Int64>) throws(SQLiteError) -> [Event] {
    // Each count is held below what thousands of years of tries come to, so that no sum overflows.
    try ledger.database.query(
      """
      SELECT min(at), username, kind, detail,
        sum(min(max(count, 0), 1000000000000)) AS times, max(last_at)
      FROM events
      WHERE kind IN ('refused', 'killed') AND period_start IS NULL AND last_at >= ?1 AND last_at < ?2
      GROUP BY username, kind, detail ORDER BY times DESC, username, kind, detail
      """, time.lowerBound, time.upperBound
    ) { Event($0) }
  }
}
