import Quota
import SQLite

/// Something that a user, or who looks after them, should be told of once: an event with a period and
/// with how far its delivery is.
package struct Notice: Equatable, Sendable {
  package let user: UserName
  package let kind: Kind
  /// The percentage, the days that are left, the reason, or the rate.
  package let detail: String
  /// The period it is about; for an expiry, that second.
  package let period: Int64
  package let at: Int64
  /// What was used then, as the quota counts.
  package let used: Int64
  /// What may be used, grants included; 0 for unlimited.
  package let limit: Int64
  /// How often its delivery was begun.
  package let tries: Int64

  let id: Int64

  fileprivate static let columns =
    "id, username, kind, detail, period_start, at, used, \"limit\", tries"

  fileprivate init(_ row: borrowing Statement) {
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

  package enum Kind: String, CaseIterable, Sendable {
    case usage
    /// The user's time will be over in a few days.
    case expiry
    /// The user was turned away at the door.
    case refused
    case killed
    /// The quota is used up, and the user is held to a rate from then on.
    case slowed
  }
}

/// What users are to be told. Notices are only written down, in the transaction that gives rise to
/// them; a program of its own delivers them. There is one for each user, kind, detail and period: it
/// comes about once, whatever is counted, refused or raised later.
package struct Notices {
  let ledger: Ledger

  static let tries: Int64 = 5
  /// Seconds after which a notice is news no longer, and is not delivered any more.
  static let age: Int64 = 2 * 86_400
  /// Seconds to wait after a try, by how many there were.
  private static let pauses: [Int64] = [0, 60, 300, 900, 3600]
  private static let isUndelivered = "tries IS NOT NULL AND settled_at IS NULL"
}

// MARK: Writing down

extension Notices {
  /// Notes that a user has reached a percentage of their quota that gives notice: the highest, if they
  /// passed several at once; and that they are slowed down. The row is left to the caller to store.
  ///
  /// - Parameter wasSlowed: whether they were so already before more was counted.
  func noteUsage(
    _ row: inout EntitlementRow, wasSlowed: Bool = false, at time: Int64
  ) throws(SQLiteError) {
    let rules = ledger.rules
    if !wasSlowed, let rate = row.entitlement.slowRate(by: rules),
      decide(row.entitlement, at: time, by: rules).isAllowed
    {
      try noteSlowing(of: row.user, row.entitlement, to: rate, at: time)
    }
    guard
      let reached = highestThreshold(
        rules.notifyAt, reachedBy: rules.count.bytes(of: row.entitlement.usedInAll),
        of: row.entitlement.limit),
      reached != row.noticed
    else { return }
    row.noticed = Int64(reached)
    guard let name = try ledger.users.name(of: row.user) else { return }
    try add(
      .usage, "\(reached)", name, row.entitlement, period: row.entitlement.span.start, at: time)
  }

  /// Notes that a user is slowed down, once a period.
  private func noteSlowing(
    of user: Int64, _ entitlement: Entitlement, to rate: Rate, at time: Int64
  ) throws(SQLiteError) {
    guard let name = try ledger.users.name(of: user) else { return }
    let isNew = try add(
      .slowed, "\(rate)", name, entitlement, period: entitlement.span.start, at: time)
    guard isNew else { return }
    ledger.slowed.append((name, rate))
    try ledger.events.record(Event(at: time, user: name, kind: .slowed, detail: "to \(rate)"))
  }

  /// Notes which followers of a plan have reached such a percentage, after the plan was changed.
  func noteUsage(ofFollowersOf plan: Plan, at time: Int64) throws(SQLiteError) {
    let percentages = ledger.rules.notifyAt + (ledger.rules.fence ? [100] : [])
    guard let least = percentages.min() else { return }
    let rows = try ledger.database.query(
      """
      \(EntitlementRow.selection) plan_id = ?1
        AND bytes_used >= coalesce(user_quotas.quota, plans.quota, 0) / 100 * ?2
      """, plan.id, Int64(least)
    ) { EntitlementRow($0) }
    for var row in rows {
      let noticed = row.noticed
      try noteUsage(&row, at: time)
      if row.noticed != noticed { try ledger.periods.store(row) }
    }
  }

  func note(
    _ kind: Notice.Kind, _ reason: Reason, of name: UserName, at time: Int64
  ) throws(SQLiteError) {
    guard let entitlement = try ledger.periods.entitlement(of: name, at: time) else { return }
    try add(
      kind, reason.rawValue, name, entitlement, period: entitlement.span.start, at: time)
  }

  /// Notes that a user's time is over within the days that give notice.
  func noteExpiry(
    of entitlement: Entitlement, _ name: UserName, at time: Int64
  ) throws(SQLiteError) {
    let days = ledger.rules.notifyDaysLeft
    guard days > 0, !entitlement.isExempt, let end = entitlement.expiresAt, end > time,
      end < endOfExpiryNotice(at: time)
    else { return }
    try add(.expiry, "\(days)", name, entitlement, period: end, at: time)
  }

  /// Looks once a day for users whose time will be over within the days that give notice.
  package func noteExpiries(at time: Int64) throws(SQLiteError) {
    let soon = try ledger.database.query(
      """
      \(EntitlementRow.selection) \(EntitlementRow.expiry) > ?1
        AND \(EntitlementRow.expiry) < ?2 AND \(Users.isPresent)
      """, time, endOfExpiryNotice(at: time)
    ) { (EntitlementRow($0).entitlement, EntitlementRow.name($0)) }
    if soon.isEmpty { return }
    try ledger.database.transaction { () throws(SQLiteError) in
      for (entitlement, name) in soon { try noteExpiry(of: entitlement, name, at: time) }
    }
  }

  private func endOfExpiryNotice(at time: Int64) -> Int64 {
    let zone = ledger.zone
    return zone.start(of: Day(of: time, in: zone) + (ledger.rules.notifyDaysLeft + 1))
  }

  /// - Returns: whether it was not there yet.
  @discardableResult
  private func add(
    _ kind: Notice.Kind, _ detail: String, _ name: UserName, _ entitlement: Entitlement,
    period: Int64, at time: Int64
  ) throws(SQLiteError) -> Bool {
    try ledger.database.run(
      """
      INSERT OR IGNORE INTO events (at, last_at, username, kind, detail, period_start, used, "limit",
        tries) VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)
      """, time, name, kind.rawValue, detail, period,
      ledger.rules.count.bytes(of: entitlement.usedInAll), entitlement.limit) > 0
  }
}

// MARK: Delivery

extension Notices {
  /// Takes the next notice whose delivery is due, and counts the try before it is made: a program
  /// that is killed in the middle tries again, but not for ever.
  ///
  /// What was tried since the program began is not due, however long the others took: a command that
  /// hangs would otherwise have it try all of them over and over.
  ///
  /// - Parameter start: when the program began, in seconds since 1970 in UTC.
  package func takeNext(since start: Int64, at time: Int64) throws(SQLiteError) -> Notice? {
    try ledger.database.transaction { () throws(SQLiteError) in
      let waiting = try ledger.database.query(
        """
        SELECT \(Notice.columns), tried_at FROM events
        WHERE \(Notices.isUndelivered) AND at >= ?1 AND tries < ?2 ORDER BY at
        """, time - Notices.age, Notices.tries
      ) { (notice: Notice($0), triedAt: $0.optionalInteger(9)) }
      let due = waiting.first { notice, triedAt in
        let pause = max(Notices.pauses[Int(max(0, notice.tries))], time - start + 1)
        return triedAt.map { !(0..<pause).contains(saturatingSum(time, -$0)) } ?? true
      }
      guard let notice = due?.notice else { return nil }
      try ledger.database.run(
        "UPDATE events SET tries = tries + 1, tried_at = ?2 WHERE id = ?1", notice.id, time)
      return notice
    }
  }

  package func settle(_ notice: Notice, at time: Int64) throws(SQLiteError) {
    try ledger.database.run("UPDATE events SET settled_at = ?2 WHERE id = ?1", notice.id, time)
  }

  /// Gives up on notices that were tried often enough, or are old.
  ///
  /// - Returns: how many.
  package func giveUp(at time: Int64) throws(SQLiteError) -> Int {
    try ledger.database.run(
      """
      UPDATE events SET settled_at = ?1 WHERE \(Notices.isUndelivered)
        AND (at < ?1 - ?2 OR (tries >= ?3 AND tried_at < ?1 - ?4))
      """, time, Notices.age, Notices.tries, 60 as Int64)
  }
}
