import Gate
import Quota
import SQLite

/// What a session's counters rose by.
struct Increase {
  let user: Int64
  /// When the session was counted before, in seconds since 1970.
  let since: Int64
  /// When the counters stood at their new values.
  let at: Int64
  let traffic: Traffic

  /// This and another increase of one user's at one moment; nil where they have to be counted apart,
  /// as they are where one has to be divided.
  fileprivate func joined(_ other: Self, _ patience: Int64) -> Self? {
    guard user == other.user, at == other.at, at - since <= patience,
      other.at - other.since <= patience
    else { return nil }
    return Self(user: user, since: at, at: at, traffic: traffic + other.traffic)
  }
}

/// Counts bytes for users, inside the transaction that raised their sessions' own counters, so that
/// a byte counts once: in the user's period, and in history.
///
/// Each user's row is read once. What follows from it for the access table and for who has to go is
/// noted before it is written.
struct Counting: ~Copyable {
  private let ledger: Ledger
  private let calendar: UsageCalendar
  private let rules: Rules
  private var periods: BulkUpdate
  private var history: BulkUpdate
  private var begin: Statement
  /// What belongs to history, for users that were counted and not written yet.
  private var moved: [Moved] = []
  /// Whether more of the present user's row has changed than what they moved.
  private var isStoreDue = false
  /// The hour of the moment that was counted at last: many users are counted at one moment.
  private var last: (time: Int64, start: Int64)?
  /// Whatever is counted for days before this one is told to other hosts late; nil where there are none.
  private let toldDay: Day?

  private struct Moved {
    /// Where the stretch of time begins that it belongs to.
    let start: Int64
    let user: Int64
    let traffic: Traffic
  }

  /// For how many increases at a time rows are read, and then written: see `BulkUpdate`.
  private static let batch = 500

  init(_ ledger: Ledger) throws(SQLiteError) {
    let calendar = try UsageCalendar(ledger.database, zone: ledger.zone)
    // No column of an index.
    let periods = try BulkUpdate(
      ledger.database,
      """
      UPDATE user_quotas SET bytes_received = given(id, 0), bytes_sent = given(id, 1),
        bytes_used = given(id, 2), updated_at = ?4
      WHERE id BETWEEN ?1 AND ?2 AND (?3 OR given(id))
      """)
    let history = try BulkUpdate(
      ledger.database,
      """
      UPDATE usage SET bytes_received = given(user_id, 0, bytes_received),
        bytes_sent = given(user_id, 1, bytes_sent)
      WHERE start = ?4 AND user_id BETWEEN ?1 AND ?2 AND (?3 OR given(user_id))
      """)
    let begin = try ledger.database.prepare("INSERT INTO usage VALUES (?1, ?2, ?3, ?4)")
    toldDay = try ledger.hosts.toldDay()
    self.ledger = ledger
    self.calendar = calendar
    rules = ledger.rules
    self.periods = periods
    self.history = history
    self.begin = begin
  }

  /// Adds increases to users' periods and to history.
  ///
  /// What was counted at one moment belongs to that moment. Only where counting had ceased for
  /// longer than a few sweeps is an increase divided among the days in between, in proportion to
  /// time, and the periods that it so falls into are marked as estimated.
  ///
  /// - Parameters:
  ///   - increases: in the order of users, and of each by the time.
  ///   - time: the present, in seconds since 1970.
  mutating func count(_ increases: [Increase], at time: Int64) throws(SQLiteError) {
    let names = try ledger.access.formerHeader(of: ledger, at: time)
    ledger.access.reserve(users: increases.count)
    let updated = try ledger.database.first("SELECT datetime(?1, 'unixepoch')", time) {
      $0.text(0)
    }
    var rows = try EntitlementRows(ledger)
    var next = 0
    while next < increases.count {
      var end = min(increases.count, next + Self.batch)
      while end < increases.count, increases[end].user == increases[end - 1].user { end += 1 }
      let batch = increases[next..<end]
      try rows.forEach(of: batch.map(\.user)) { row, columns throws(SQLiteError) in
        let name = names.map { EntitlementRow.nameHash(columns, by: $0) }
        countUsersWithoutRow(batch, &next, before: row.user)
        try count(batch, &next, for: &row, named: name ?? 0)
      }
      countUsersWithoutRow(batch, &next, before: .max)
      try write(updated ?? "")
    }
  }

  /// Counts the increases of one user, up to those of another one.
  private mutating func count(
    _ increases: ArraySlice<Increase>, _ next: inout Int, for row: inout EntitlementRow,
    named name: UInt64
  ) throws(SQLiteError) {
    if row.quotaRow == nil, let whole = try ledger.users.withQuotaRow(row) { row = whole }
    isStoreDue = false
    while next < increases.endIndex, increases[next].user == row.user {
      var increase = increases[next]
      next += 1
      while next < increases.endIndex, let joined = increase.joined(increases[next], rules.patience)
      {
        increase = joined
        next += 1
      }
      try add(increase, to: &row)
    }
    guard let quotaRow = row.quotaRow else { return }
    if isStoreDue { try ledger.periods.store(row) }
    let used = row.entitlement.used
    periods.add(
      quotaRow, used.received, used.sent, rules.count.bytes(of: row.entitlement.usedInAll))
    ledger.access.note(row, named: name, by: rules)
    ledger.allowed.note(row, at: increases[next - 1].at, by: rules)
  }

  /// Counts in history alone what users moved who have no row any more, up to a user.
  private mutating func countUsersWithoutRow(
    _ increases: ArraySlice<Increase>, _ next: inout Int, before user: Int64
  ) {
    while next < increases.endIndex, increases[next].user < user {
      let increase = increases[next]
      for share in shares(of: increase) {
        noteHistory(of: increase.user, share.traffic, at: share.at, resetAt: nil)
      }
      next += 1
    }
  }

  private mutating func add(
    _ increase: Increase, to row: inout EntitlementRow
  ) throws(SQLiteError) {
    if isRecent(increase) {
      _ = try add(increase.traffic, to: &row, at: increase.at)
      return
    }
    var periods: Set<Int64> = []
    for share in shares(of: increase) {
      periods.insert(try add(share.traffic, to: &row, at: share.at))
    }
    guard periods.count > 1 else { return }
    for start in periods {
      if row.entitlement.span.start == start {
        row.isEstimated = true
        isStoreDue = true
      }
      try ledger.database.run(
        "UPDATE periods SET is_estimated = 1 WHERE user_id = ?1 AND period_start = ?2",
        increase.user, start)
    }
  }

  /// Whether the session was counted a few sweeps ago.
  private func isRecent(_ increase: Increase) -> Bool {
    saturatingSum(increase.at, -max(increase.since, 0)) <= rules.patience
  }

  private func shares(of increase: Increase) -> [Share] {
    isRecent(increase)
      ? [Share(at: increase.at, traffic: increase.traffic)]
      : increase.traffic.shares(from: increase.since, to: increase.at, in: ledger.zone)
  }

  /// - Returns: the start of the period it was added to.
  private mutating func add(
    _ increase: Traffic, to row: inout EntitlementRow, at time: Int64
  ) throws(SQLiteError) -> Int64 {
    if increase.isZero { return row.entitlement.span.start }
    noteHistory(of: row.user, increase, at: time, resetAt: row.resetAt)
    if row.quotaRow != nil, time >= row.entitlement.span.end, row.entitlement.span.end != .max {
      row = try ledger.periods.rolledOver(row, to: time)
      isStoreDue = true
    }
    // Of a user who was removed, all periods are over.
    guard row.quotaRow != nil, row.entitlement.span.contains(time) else {
      return try ledger.periods.addLate(increase, to: &row, at: time)
    }
    let noticed = row.noticed
    let wasSlowed = row.entitlement.slowRate(by: rules) != nil
    row.entitlement.used += increase
    try ledger.notices.noteUsage(&row, wasSlowed: wasSlowed, at: time)
    if row.noticed != noticed { isStoreDue = true }
    return row.entitlement.span.start
  }

  private mutating func noteHistory(
    of user: Int64, _ traffic: Traffic, at time: Int64, resetAt: Int64?
  ) {
    moved.append(
      Moved(start: start(around: time, resetAt: resetAt), user: user, traffic: traffic))
  }

  /// Where the stretch of history begins that a moment is part of.
  private mutating func start(around time: Int64, resetAt: Int64?) -> Int64 {
    let hour = last?.time == time ? last?.start : nil
    let start = hour ?? calendar.start(around: time)
    last = (time, start)
    let isReset = resetAt.map { start < $0 && $0 <= time } ?? false
    return isReset ? calendar.start(around: time, resetAt: resetAt) : start
  }

  /// Writes what was counted.
  private mutating func write(_ updated: String) throws(SQLiteError) {
    ledger.database.watch.isPaused = true
    defer { ledger.database.watch.isPaused = false }
    try periods.run(updated)
    moved.sort { ($0.start, $0.user) < ($1.start, $1.user) }
    var next = 0
    while next < moved.count {
      let start = moved[next].start
      let lateDay = toldDay.flatMap { told in
        let day = calendar.day(of: start)
        return day < told ? day : nil
      }
      while next < moved.count, moved[next].start == start {
        let user = moved[next].user
        var sum = Traffic()
        while next < moved.count, moved[next].start == start, moved[next].user == user {
          sum += moved[next].traffic
          next += 1
        }
        history.add(user, sum.received, sum.sent)
        if let lateDay { try ledger.hosts.noteChange(of: lateDay, of: user) }
      }
      try writeHistory(from: start)
    }
    moved.removeAll(keepingCapacity: true)
  }

  private mutating func writeHistory(from start: Int64) throws(SQLiteError) {
    var missing: [Moved] = []
    try history.run(start) { user, received, sent in
      missing.append(
        Moved(start: start, user: user, traffic: Traffic(received: received, sent: sent)))
    }
    for new in missing {
      begin.bind(1, start)
      begin.bind(2, new.user)
      begin.bind(3, new.traffic.received)
      begin.bind(4, new.traffic.sent)
      try begin.run()
    }
  }
}

extension Periods {
  /// Adds what belongs to an earlier period than the present one: a counter that came late, or a clock
  /// that was set back.
  ///
  /// - Returns: the start of that period.
  fileprivate func addLate(
    _ increase: Traffic, to row: inout EntitlementRow, at time: Int64
  ) throws(SQLiteError) -> Int64 {
    let span = try earlierPeriod(of: row, at: time)
    try ledger.database.run(
      """
      INSERT INTO periods (user_id, period_start, period_end, bytes_received, bytes_sent)
      VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET \(UsageWriter.raise("?4", "?5")),
        period_end = coalesce(period_end, ?3)
      """, row.user, span.start, span.end == .max ? nil : span.end, increase.received,
      increase.sent)
    try ledger.hosts.noteChange(ofPeriod: span.start, of: row.user)
    let carried = row.entitlement.carried
    try rebalance(&row, periodFrom: span.start, isMore: true)
    if row.entitlement.carried != carried { try store(row) }
    return span.start
  }

  /// The period of a user that a moment before the present one fell in: the one on record, which may
  /// have begun by an earlier rule or a reset; else what the rule has, as far as it does not reach
  /// into those on record.
  private func earlierPeriod(of row: EntitlementRow, at time: Int64) throws(SQLiteError) -> TimeSpan
  {
    func recorded(_ condition: String) throws(SQLiteError) -> TimeSpan? {
      try ledger.database.first(
        "SELECT period_start, period_end FROM periods WHERE user_id = ?1 AND \(condition) LIMIT 1",
        row.user, time
      ) { TimeSpan(start: $0.integer(0), end: $0.optionalInteger(1) ?? .max) }
    }
    let before = try recorded("period_start <= ?2 ORDER BY period_start DESC")
    if let before, before.contains(time) { return before }
    let after = try recorded("period_start > ?2 ORDER BY period_start")
    let present = row.entitlement.span.start
    let next = min(after?.start ?? .max, present > time ? present : .max)
    let calendar = row.periodRule.span(at: time, in: ledger.zone)
    return TimeSpan(
      start: max(calendar.start, before?.end ?? 0), end: min(calendar.end, next))
  }
}
