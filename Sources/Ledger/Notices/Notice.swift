import Quota
import SQLite

/// Something that a user, or whoever looks after him, should be told of once.
package struct Notice: Equatable, Sendable {
  package let user: UserName
  package let kind: Kind
  /// The percentage, the days that are left, or the reason.
  package let detail: String
  /// The period it is about; for an expiry, that second.
  package let period: Int64
  /// When it came about, in seconds since 1970 in UTC.
  package let at: Int64
  /// What was used then, as the quota counts.
  package let used: Int64
  /// What may be used, grants included; 0 for unlimited.
  package let limit: Int64
  /// How often its delivery was begun.
  package let tries: Int64

  let userID: Int64

  /// The kinds of notices.
  package enum Kind: String, CaseIterable, Sendable {
    /// A percentage of the quota is used.
    case usage
    /// The user's time will be over in a few days.
    case expiry
    /// The user was turned away at the door.
    case refused
    /// The user was disconnected.
    case killed
  }
}

// The sweep and the hooks only write notices down, in the transaction that gives rise to them; they
// are delivered by a program of its own. One row a user, kind, detail and period: it comes about
// once, whatever is counted, refused or raised later.

extension Ledger {
  /// Notes that a user has reached a percentage of his quota that gives notice: the highest, if he
  /// passed several at once.
  func noticeUsage(
    _ standing: Standing, of row: StandingRow, at time: Int64
  ) throws(SQLiteError) {
    let used = rules.count.bytes(of: standing.used)
    let reached = highestThreshold(rules.notifyAt, reachedBy: used, of: standing.limit) ?? 0
    if reached == row.noticed || reached == 0 { return }
    try notice(.usage, "\(reached)", row.user, standing, period: standing.span.start, at: time)
    var statement = try database.prepare("UPDATE user_quotas SET noticed = ?2 WHERE user_id = ?1")
    statement.bind(1, row.user)
    statement.bind(2, Int64(reached))
    try statement.run()
  }

  /// Notes that a known user was turned away or disconnected.
  func notice(
    _ kind: Notice.Kind, _ reason: Reason, of name: UserName, at time: Int64
  ) throws(SQLiteError) {
    guard let row = try standingRow(ofUser: name) else { return }
    let standing = try standing(row, at: time)
    try notice(kind, reason.rawValue, row.user, standing, period: standing.span.start, at: time)
  }

  /// Notes that a user's time is over within the days that give notice.
  func noticeExpiry(of user: Int64, at time: Int64) throws(SQLiteError) {
    guard let row = try standingRow(of: user) else { return }
    let standing = row.standing
    guard rules.notifyDaysLeft > 0, !standing.isExempt, let end = standing.expiresAt, end > time,
      end < endOfExpiryNotice(at: time)
    else { return }
    try notice(.expiry, "\(rules.notifyDaysLeft)", user, standing, period: end, at: time)
  }

  /// Looks once a day for users whose time will be over within the days that give notice.
  ///
  /// - Parameter time: seconds since 1970 in UTC.
  package func noticeExpiries(at time: Int64) throws(SQLiteError) {
    var statement = try database.prepare(
      "SELECT user_id FROM user_quotas WHERE expires_at > ?1 AND expires_at < ?2")
    statement.bind(1, time)
    statement.bind(2, endOfExpiryNotice(at: time))
    var users: [Int64] = []
    while try statement.step() { users.append(statement.integer(0)) }
    if users.isEmpty { return }
    try database.transaction { () throws(SQLiteError) in
      for user in users { try noticeExpiry(of: user, at: time) }
    }
  }

  private func endOfExpiryNotice(at time: Int64) -> Int64 {
    zone.start(of: Day(of: time, in: zone) + (rules.notifyDaysLeft + 1))
  }

  private func notice(
    _ kind: Notice.Kind, _ detail: String, _ user: Int64, _ standing: Standing, period: Int64,
    at time: Int64
  ) throws(SQLiteError) {
    var statement = try database.prepare(
      """
      INSERT OR IGNORE INTO notices (user_id, period_start, kind, detail, at, used_bytes,
        limit_bytes, tries) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)
      """)
    statement.bind(1, user)
    statement.bind(2, period)
    statement.bind(3, kind.rawValue)
    statement.bind(4, detail)
    statement.bind(5, time)
    statement.bind(6, rules.count.bytes(of: standing.used))
    statement.bind(7, standing.limit)
    try statement.run()
  }
}
