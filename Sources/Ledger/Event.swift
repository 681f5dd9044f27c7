import SQLite

/// Something an operator may want to know afterwards.
package struct Event: Equatable, Sendable {
  /// Seconds since 1970 in UTC: when it happened, or first happened.
  package let at: Int64
  /// The user it is about.
  package let user: UserName
  package let kind: Kind
  /// In a few words: the reason, the new value.
  package let detail: String
  /// How often it happened; more than once only for refusals.
  package let count: Int64
  /// When it happened last.
  package let lastAt: Int64

  package init(
    at: Int64, user: UserName, kind: Kind, detail: String, count: Int64 = 1, lastAt: Int64? = nil
  ) {
    self.at = at
    self.user = user
    self.kind = kind
    self.detail = detail
    self.count = count
    self.lastAt = lastAt ?? at
  }

  /// The kinds of events.
  package enum Kind: String, CaseIterable, Sendable {
    /// A client was turned away at the door; counted, one row for each run of tries.
    case refused
    /// A session was disconnected.
    case killed
    /// A user was created on first sight or by an administrator.
    case created
    /// An administrator set another quota.
    case quota
    /// An administrator changed other terms of a user's.
    case terms
    /// An administrator added, changed or removed a plan; the user is the plan's name.
    case plan
    /// An administrator granted bytes on top of a quota.
    case granted
    /// An administrator took back what was left of a grant.
    case revoked
    /// An administrator let a user's usage start over.
    case reset
    /// An administrator let a user in again.
    case enabled
    /// An administrator shut a user out.
    case disabled
    /// An administrator gave a user another name.
    case renamed
    /// An administrator removed a user.
    case removed
  }
}

extension Ledger {
  /// Keeps an event. One that is known already takes the larger count and the later time, so that
  /// telling it again changes nothing.
  package func record(_ event: Event) throws(SQLiteError) {
    var statement = try database.prepare(
      """
      INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET
        count = max(count, excluded.count), last_at = max(last_at, excluded.last_at)
      """)
    statement.bind(1, event.at)
    statement.bind(2, bytes: event.user.bytes)
    statement.bind(3, event.kind.rawValue)
    statement.bind(4, event.detail)
    statement.bind(5, event.count)
    statement.bind(6, event.lastAt)
    try statement.run()
  }
}
