import Quota
import SQLite

/// Something that a user, or who looks after them, should be told of once: an event with a period and
/// with how far its delivery is.
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

  let id: Int64

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

// Notices are only written down, in the transaction that gives rise to them; they are delivered by a
// program of its own. There is one for each user, kind, detail and period: it comes about once,
// whatever is counted, refused or raised later.

extension Ledger {
  /// Notes that a user has reached a percentage of their quota that gives notice: the highest, if they
  /// passed several at once. The row is left to the caller to store.
  func noticeUsage(_ row: inout EntitlementRow, at time: Int64) throws(SQLiteError) {
    let entitlement = row.entitlement
    guard
      let reached = highestThreshold(
        rules.notifyAt, reachedBy: rules.count.bytes(of: entitlement.used), of: entitlement.limit),
      reached != row.noticed
    else { return }
    row.noticed = Int64(reached)
    guard let name = try name(of: row.user) else { return }
    try notice(.usage, "\(reached)", name, entitlement, period: entitlement.span.start, at: time)
  }

  /// Notes which followers of a plan have reached such a percentage, after the plan was changed.
  func noticeUsage(ofFollowersOf plan: Plan, at time: Int64) throws(SQLiteError) {
    guard let least = rules.notifyAt.min() else { return }
    let rows = try database.query(
      """
      \(EntitlementRow.selection) plan_id = ?1
        AND bytes_used >= coalesce(user_quotas.quota, plans.quota, 0) / 100 * ?2
      """, plan.id, Int64(least)
    ) { EntitlementRow($0) }
    for var row in rows {
      let noticed = row.noticed
      try noticeUsage(&row, at: time)
      if row.noticed != noticed { try store(row) }
    }
  }

  /// Notes that a known user was turned away or disconnected.
  func notice(
    _ kind: Notice.Kind, _ reason: Reason, of name: UserName, at time: Int64
  ) throws(SQLiteError) {
    guard let entitlement = try entitlement(of: name, at: time) else { return }
    try notice(kind, reason.rawValue, name, entitlement, period: entitlement.span.start, at: time)
  }

  /// Notes that a user's time is over within the days that give notice.
  func noticeExpiry(
    of entitlement: Entitlement, _ name: UserName, at time: Int64
  ) throws(SQLiteError) {
    guard rules.notifyDaysLeft > 0, !entitlement.isExempt, let end = entitlement.expiresAt,
      end > time,
      end < endOfExpiryNotice(at: time)
    else { return }
    try notice(.expiry, "\(rules.notifyDaysLeft)", name, entitlement, period: end, at: time)
  }

  /// Looks once a day for users whose time will be over within the days that give notice.
  ///
  /// - Parameter time: seconds since 1970 in UTC.
  package func noticeExpiries(at time: Int64) throws(SQLiteError) {
    let soon = try database.query(
      """
      \(EntitlementRow.selection) \(EntitlementRow.expiry) > ?1 AND \(EntitlementRow.expiry) < ?2
        AND \(Ledger.isPresent)
      """, time, endOfExpiryNotice(at: time)
    ) { (EntitlementRow($0).entitlement, EntitlementRow.name($0)) }
    if soon.isEmpty { return }
    try database.transaction { () throws(SQLiteError) in
      for (entitlement, name) in soon { try noticeExpiry(of: entitlement, name, at: time) }
    }
  }

  private func endOfExpiryNotice(at time: Int64) -> Int64 {
    zone.start(of: Day(of: time, in: zone) + (rules.notifyDaysLeft + 1))
  }

  func name(of user: Int64) throws(SQLiteError) -> UserName? {
    try database.first("SELECT username FROM users WHERE id = ?1", user) {
      UserName(bytes: $0.bytes(0))
    }
  }

  private func notice(
    _ kind: Notice.Kind, _ detail: String, _ name: UserName, _ entitlement: Entitlement,
    period: Int64,
    at time: Int64
  ) throws(SQLiteError) {
    try database.run(
      """
      INSERT OR IGNORE INTO events (at, last_at, username, kind, detail, period_start, used, "limit",
        tries) VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)
      """, time, name, kind.rawValue, detail, period, rules.count.bytes(of: entitlement.used),
      entitlement.limit)
  }
}

extension Ledger {
  /// How often the delivery of a notice is tried.
  static let noticeTries: Int64 = 5
  /// Seconds after which a notice is news no longer, and is not delivered any more.
  static let noticeAge: Int64 = 2 * 86_400
  /// Seconds to wait after a try, by how many there were.
  private static let pauses: [Int64] = [0, 60, 300, 900, 3600]
  private static let isUndelivered = "tries IS NOT NULL AND settled_at IS NULL"

  /// Takes the next notice whose delivery is due, and counts the try before it is made: a program
  /// that is killed in the middle tries again, but not for ever.
  ///
  /// What was tried since the program began is not due, however long the others took: a command that
  /// hangs would otherwise have it try all of them over and over.
  ///
  /// - Parameters:
  ///   - start: when the program began, in seconds since 1970 in UTC.
  ///   - time: now.
  package func takeNotice(since start: Int64, at time: Int64) throws(SQLiteError) -> Notice? {
    try database.transaction { () throws(SQLiteError) in
      let waiting = try database.query(
        """
        SELECT id, username, kind, detail, period_start, at, used, "limit", tries, tried_at
        FROM events WHERE \(Ledger.isUndelivered) AND at >= ?1 AND tries < ?2 ORDER BY at
        """, time - Ledger.noticeAge, Ledger.noticeTries
      ) { (notice: Notice(row: $0), triedAt: $0.optionalInteger(9)) }
      let due = waiting.first { notice, triedAt in
        let pause = max(Ledger.pauses[Int(max(0, notice.tries))], time - start + 1)
        return triedAt.map { !(0..<pause).contains(saturatingSum(time, -$0)) } ?? true
      }
      guard let notice = due?.notice else { return nil }
      try database.run(
        "UPDATE events SET tries = tries + 1, tried_at = ?2 WHERE id = ?1", notice.id, time)
      return notice
    }
  }

  /// Notes that a notice was delivered.
  package func settle(_ notice: Notice, at time: Int64) throws(SQLiteError) {
    try database.run("UPDATE events SET settled_at = ?2 WHERE id = ?1", notice.id, time)
  }

  /// Gives up on notices that were tried often enough, or are old.
  ///
  /// - Returns: how many.
  package func giveUpNotices(at time: Int64) throws(SQLiteError) -> Int {
    try database.run(
      """
      UPDATE events SET settled_at = ?1 WHERE \(Ledger.isUndelivered)
        AND (at < ?1 - ?2 OR (tries >= ?3 AND tried_at < ?1 - ?4))
      """, time, Ledger.noticeAge, Ledger.noticeTries, 60 as Int64)
  }
}

extension Notice {
  fileprivate init(row: borrowing Statement) {
    id = row.integer(0)
    user = UserName(bytes: row.bytes(1))
    kind = Kind(rawValue: row.text(2)) ?? .usage
    detail = row.text(3)
    period = row.integer(4)
    at = row.integer(5)
    used = row.integer(6)
    limit = row.integer(7)
    tries = row.integer(8)
  }
}
