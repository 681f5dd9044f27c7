import Quota
import SQLite

/// The period of a user that a moment falls in.
struct CurrentPeriod {
  /// From where the calendar has it begin to where it ends: this period's grants were given in it.
  let calendar: TimeSpan
  /// What counts: from the last reset on, if that was later.
  let span: TimeSpan

  /// - Parameter resetAt: when an administrator last let usage start over; nil for never.
  init(_ period: Period, resetAt: Int64?, at time: Int64, in zone: Zone) {
    let calendar = period.span(at: time, in: zone)
    let reset = resetAt.flatMap { calendar.contains($0) && $0 <= time ? $0 : nil }
    self.calendar = calendar
    span = TimeSpan(start: reset ?? calendar.start, end: calendar.end)
  }
}

/// A period of a user's, past or present, for people to look at.
package struct PeriodRecord: Equatable, Sendable {
  package let span: TimeSpan
  package let used: Traffic
  /// Bytes they might use in it, 0 for unlimited; nil where that is not known.
  package let quota: Int64?
  /// Bytes granted for it; nil where that is not known.
  package let granted: Int64?
  /// Bytes it took from carried grants.
  package let taken: Int64
  /// Whether it is the present one.
  package let isPresent: Bool
  /// Whether usage was divided between it and another one in proportion to time, as nothing had been
  /// counted for long.
  package let isEstimated: Bool
}

/// The periods of users, and what they may still use in the present one.
///
/// Nothing has to run on the right day: every question and every count compares the period in a user's
/// row with the one that a moment falls in. `user_quotas` holds the present period of each user, `periods`
/// those that are over; a period is in one of them. Where a clock is set back, a period comes out of
/// `periods` again. `Counting` adds to them what sessions moved.
package struct Periods {
  let ledger: Ledger
}

// MARK: Reading

extension Periods {
  /// What the ledger knows of a user that bears on whether they may be in, nil for a stranger.
  ///
  /// The sessions they have are left out; see `sessionsBefore`.
  ///
  /// - Parameter time: seconds since 1970 in UTC; a period that is over by then is over, whether or
  ///   not anything has run since.
  package func entitlement(of name: UserName, at time: Int64) throws(SQLiteError) -> Entitlement? {
    try entitlementRow(ofUser: name).map { row throws(SQLiteError) in try entitlement(row, at: time)
    }
  }

  /// The entitlement in a user's row, with what it takes to know another one; nil for a stranger.
  func entitlementRow(ofUser name: UserName) throws(SQLiteError) -> EntitlementRow? {
    try ledger.database.first(
      "\(EntitlementRow.selection) \(ledger.users.isNamed)", ledger.users.key(of: name)
    ) {
      EntitlementRow($0)
    }
  }

  /// The entitlement in a user's row, with what it takes to know another one.
  func entitlementRow(of user: Int64) throws(SQLiteError) -> EntitlementRow? {
    try ledger.database.first("\(EntitlementRow.selection) users.id = ?1", user) {
      EntitlementRow($0)
    }
  }

  /// The periods in which a user moved anything, the oldest first.
  ///
  /// - Parameter time: seconds since 1970 in UTC.
  package func all(of name: UserName, at time: Int64) throws(SQLiteError) -> [PeriodRecord] {
    // The period in a user's row may be over by now: it is completed when the next one begins.
    guard let row = try entitlementRow(ofUser: name) else { return [] }
    var periods = try ledger.database.query(
      """
      SELECT period_start, period_end, bytes_received, bytes_sent, quota, granted, carried,
        is_estimated
      FROM periods WHERE user_id = ?1
      """, row.user
    ) { period in
      PeriodRecord(
        span: TimeSpan(start: period.integer(0), end: period.optionalInteger(1) ?? .max),
        used: period.traffic(2), quota: period.optionalInteger(4),
        granted: period.optionalInteger(5), taken: period.integer(6), isPresent: false,
        isEstimated: period.integer(7) != 0)
    }
    let last = row.entitlement
    if !last.used.isZero {
      periods.append(
        PeriodRecord(
          span: last.span, used: last.used, quota: last.quota, granted: last.granted,
          taken: last.takenFromCarried(by: ledger.rules.count), isPresent: last.span.contains(time),
          isEstimated: row.isEstimated))
    }
    return periods.sorted { $0.span.start < $1.span.start }
  }
}

// MARK: From one to the next

extension Periods {
  /// A user's entitlement at a moment, which may be in another period than the one in their row.
  func entitlement(_ row: EntitlementRow, at time: Int64) throws(SQLiteError) -> Entitlement {
    row.entitlement.span.contains(time) ? row.entitlement : try renewed(row, at: time)
  }

  /// A user's entitlement at a moment, computed anew from the rows that it follows from.
  func renewed(_ row: EntitlementRow, at time: Int64) throws(SQLiteError) -> Entitlement {
    var entitlement = row.entitlement
    let turn = CurrentPeriod(row.periodRule, resetAt: row.resetAt, at: time, in: ledger.zone)
    entitlement.span = turn.span
    entitlement.elsewhere = row.used(elsewhereSince: turn.span.start)
    if turn.span.start != row.entitlement.span.start {
      entitlement.used =
        try ledger.database.first(
          "SELECT bytes_received, bytes_sent FROM periods WHERE user_id = ?1 AND period_start = ?2",
          row.user, turn.span.start
        ) { $0.traffic(0) } ?? Traffic()
    }
    (entitlement.granted, entitlement.carried) = try grantsInForce(
      for: row, during: turn.calendar, into: turn.span.start)
    return entitlement
  }

  /// Bytes that were granted to a user for the period that takes up a span, and that carried grants have
  /// for the one that begins at a moment: all they came to, less what every other period took.
  private func grantsInForce(
    for row: EntitlementRow, during calendar: TimeSpan, into start: Int64
  ) throws(SQLiteError) -> (granted: Int64, carried: Int64) {
    var (granted, carried) = (Int64(0), Int64(0))
    try ledger.database.query(
      "SELECT bytes, period_start, revoked_at FROM grants WHERE user_id = ?1", row.user
    ) { grant in
      if grant.isNull(1) {
        carried = saturatingSum(carried, grant.integer(0))
      } else if calendar.contains(grant.integer(1)), grant.isNull(2) {
        granted = saturatingSum(granted, grant.integer(0))
      }
    }
    if carried > 0 {
      carried = max(0, carried - (try takenFromCarried(by: row, otherThanFrom: start)))
    }
    return (granted, carried)
  }

  /// Bytes that a user's periods took from carried grants, but for the one that begins at a moment.
  func takenFromCarried(
    by row: EntitlementRow, otherThanFrom start: Int64
  ) throws(SQLiteError) -> Int64 {
    let present = row.entitlement
    let taken = present.span.start == start ? 0 : present.takenFromCarried(by: ledger.rules.count)
    return try ledger.database.query(
      "SELECT carried FROM periods WHERE user_id = ?1 AND period_start <> ?2", row.user, start
    ) { $0.integer(0) }.reduce(taken, saturatingSum)
  }

  /// Brings every user whose period is over up to the one that now falls in.
  ///
  /// Every period begins at a midnight of the zone, so that once a day is enough.
  ///
  /// - Parameter time: seconds since 1970 in UTC.
  package func rollOver(at time: Int64) throws(SQLiteError) {
    let isOver = "(period_start > ?1 OR period_end <= ?1)"
    guard try ledger.database.exists("SELECT 1 FROM user_quotas WHERE \(isOver) LIMIT 1", time)
    else {
      return
    }
    try ledger.database.transaction { () throws(SQLiteError) in
      let rows = try ledger.database.query(
        "\(EntitlementRow.selection) \(isOver) ORDER BY users.id", time
      ) {
        EntitlementRow($0)
      }
      for row in rows where !row.entitlement.span.contains(time) { try rollOver(row, to: time) }
    }
  }

  /// Writes what holds for a user at a moment into their row; the period they leave, if they leave
  /// one, goes to those that are over.
  ///
  /// - Returns: the row as it is then.
  @discardableResult
  func rollOver(_ row: EntitlementRow, to time: Int64) throws(SQLiteError) -> EntitlementRow {
    let row = try rolledOver(row, to: time)
    try store(row)
    return row
  }

  /// Like `rollOver`, and leaves it to the caller to store the row.
  func rolledOver(_ row: EntitlementRow, to time: Int64) throws(SQLiteError) -> EntitlementRow {
    var next = row
    next.entitlement = try renewed(row, at: time)
    let (span, nextSpan) = (row.entitlement.span, next.entitlement.span)
    if span.start == nextSpan.start { return next }
    try finish(row, before: nextSpan)
    next.isEstimated = try take(periodsOf: row.user, from: nextSpan.start, upTo: nextSpan.start)
      .isEstimated
    next.noticed = 0
    return next
  }

  /// Writes a user's present period.
  func store(_ row: EntitlementRow) throws(SQLiteError) {
    var update = try ledger.database.prepare(
      "UPDATE user_quotas SET \(EntitlementRow.written.assignments) WHERE id = :id")
    update.bind(row.stored(by: ledger.rules.count) + [row.quotaRow])
    try update.run()
  }

  /// Puts a user's present period, if they moved anything in it, to those that are over.
  func finish(_ row: EntitlementRow, before next: TimeSpan) throws(SQLiteError) {
    let entitlement = row.entitlement
    let taken = entitlement.takenFromCarried(by: ledger.rules.count)
    if entitlement.used.isZero, taken == 0 { return }
    try ledger.hosts.noteChange(ofPeriod: entitlement.span.start, of: row.user)
    let span = entitlement.span
    let end = next.start > span.start ? min(span.end, next.start) : span.end
    try ledger.database.run(
      """
      INSERT OR REPLACE INTO periods (user_id, period_start, period_end, bytes_received, bytes_sent,
        quota, granted, carried, is_estimated)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
      """, row.user, span.start, end == .max ? nil : end, entitlement.used.received,
      entitlement.used.sent, entitlement.quota, entitlement.granted,
      taken, row.isEstimated)
  }

  /// Takes a user's periods that began within a stretch of time out of those that are over.
  ///
  /// - Returns: what they came to.
  private func take(
    periodsOf user: Int64, from start: Int64, upTo end: Int64
  ) throws(SQLiteError) -> (used: Traffic, isEstimated: Bool) {
    var (used, isEstimated) = (Traffic(), false)
    let starts = try ledger.database.query(
      """
      DELETE FROM periods WHERE user_id = ?1 AND period_start BETWEEN ?2 AND ?3
      RETURNING bytes_received, bytes_sent, is_estimated, period_start
      """, user, start, end
    ) { period in
      used += period.traffic(0)
      isEstimated = isEstimated || period.integer(2) != 0
      return period.integer(3)
    }
    for start in starts { try ledger.hosts.noteChange(ofPeriod: start, of: user) }
    return (used, isEstimated)
  }

  /// Lets the period begin that users' terms have since they were changed, where it is another one.
  func startPeriods(of rows: [EntitlementRow], at time: Int64) throws(SQLiteError) {
    // One pass over all users for each beginning: as a rule there is one.
    var moved: [Int64: [Int64: Traffic]] = [:]
    for row in rows {
      let next = try startedPeriod(of: row, at: time) { user, start throws(SQLiteError) in
        if moved[start] == nil { moved[start] = try ledger.usage.sumsByUser(since: start) }
        return moved[start]?[user] ?? Traffic()
      }
      try store(next)
    }
  }

  /// The row of a user whose terms were changed, in the period that they have since; it is left to
  /// the caller to store it.
  ///
  /// After a change of the period rule, all usage since the start of the period that then holds goes
  /// over to it, so that each byte stays in one: periods that began later go over whole; of the one
  /// it falls into, what `usage` has since then. Where that start is a reset, a period began then
  /// already, and nothing is left to take.
  ///
  /// - Parameter moved: what a user moved from a moment on.
  func startedPeriod(
    of row: EntitlementRow, at time: Int64,
    moved: (_ by: Int64, _ since: Int64) throws(SQLiteError) -> Traffic
  ) throws(SQLiteError) -> EntitlementRow {
    let turn = CurrentPeriod(row.periodRule, resetAt: row.resetAt, at: time, in: ledger.zone)
    let start = turn.span.start
    var next = row
    next.entitlement.span = turn.span
    next.entitlement.elsewhere = row.used(elsewhereSince: start)
    if start != row.entitlement.span.start {
      next.noticed = 0
      (next.entitlement.used, next.isEstimated) = try take(
        periodsOf: row.user, from: start, upTo: .max)
      if row.entitlement.span.start > start {
        next.entitlement.used += row.entitlement.used
        next.isEstimated = next.isEstimated || row.isEstimated
      } else {
        try finish(row, before: turn.span)
      }
      next.entitlement.carried = 0
      if start == turn.calendar.start { try cutPeriod(before: start, &next, moved: moved) }
    }
    (next.entitlement.granted, next.entitlement.carried) = try grantsInForce(
      for: next, during: turn.calendar, into: start)
    return next
  }

  /// Ends the last period that began before a moment there, and gives what was moved in it since
  /// then to the present one.
  private func cutPeriod(
    before start: Int64, _ row: inout EntitlementRow,
    moved: (_ by: Int64, _ since: Int64) throws(SQLiteError) -> Traffic
  ) throws(SQLiteError) {
    let cut = try ledger.database.first(
      """
      SELECT period_start, bytes_received, bytes_sent FROM periods
      WHERE user_id = ?1 AND period_start < ?2 ORDER BY period_start DESC LIMIT 1
      """, row.user, start
    ) { (start: $0.integer(0), used: $0.traffic(1)) }
    guard let cut else { return }
    let rest = try moved(row.user, start).increase(over: row.entitlement.used)
    let part = Traffic(
      received: min(rest.received, cut.used.received), sent: min(rest.sent, cut.used.sent))
    let left = cut.used.increase(over: part)
    row.entitlement.used += part
    if left.isZero {
      _ = try take(periodsOf: row.user, from: cut.start, upTo: cut.start)
      return
    }
    try ledger.database.run(
      """
      UPDATE periods SET bytes_received = ?4, bytes_sent = ?5,
        period_end = min(coalesce(period_end, ?3), ?3)
      WHERE user_id = ?1 AND period_start = ?2
      """, row.user, cut.start, start, left.received, left.sent)
    try ledger.hosts.noteChange(ofPeriod: cut.start, of: row.user)
    try rebalance(&row, periodFrom: cut.start, isMore: false)
  }

  /// Recomputes what a period that is over took from carried grants, after its usage was changed, and
  /// what they have left for the present one.
  ///
  /// - Parameter isMore: whether usage was added. What was used on other hosts is not known of a period
  ///   that is over, but then it took no less than before.
  func rebalance(
    _ row: inout EntitlementRow, periodFrom start: Int64, isMore: Bool
  ) throws(SQLiteError) {
    let carried = try grantsInForce(for: row, during: row.entitlement.span, into: start).carried
    guard carried > 0 else { return }
    let then = try ledger.database.first(
      """
      SELECT quota, granted, bytes_received, bytes_sent FROM periods
      WHERE user_id = ?1 AND period_start = ?2 AND quota IS NOT NULL
      """, row.user, start
    ) { period in
      Entitlement(
        quota: period.integer(0), granted: period.integer(1), carried: carried,
        used: period.traffic(2))
    }
    guard let then else { return }
    try ledger.database.run(
      """
      UPDATE periods SET carried = max(?3, iif(?4, carried, 0))
      WHERE user_id = ?1 AND period_start = ?2
      """, row.user, start, then.takenFromCarried(by: ledger.rules.count),
      isMore && row.elsewhere != nil)
    row.entitlement.carried = try grantsInForce(
      for: row, during: row.entitlement.span, into: row.entitlement.span.start
    ).carried
  }
}

extension Statement {
  /// The bytes that were received and sent, from two columns next to each other.
  borrowing func traffic(_ first: Int32) -> Traffic {
    Traffic(received: integer(first), sent: integer(first + 1))
  }
}
