import Quota
import SQLite

extension Ledger {
  /// The statements that count bytes for a user: one row of `user_quotas`, one of `usage`.
  struct Counting: ~Copyable {
    private let ledger: Ledger
    private var rows: EntitlementRows
    /// Rows that were read ahead, each good until something is counted for its user.
    private var ahead: [Int64: EntitlementRow] = [:]
    private var history: UsageWriter
    private var raise: Statement

    init(_ ledger: Ledger) throws(SQLiteError) {
      let rows = try EntitlementRows(ledger)
      let history = try UsageWriter(ledger.database, zone: ledger.zone)
      // No column of an index.
      let raise = try ledger.database.prepare(
        """
        UPDATE user_quotas SET bytes_received = ?2, bytes_sent = ?3, bytes_used = ?4, noticed = ?5,
          is_estimated = ?6, updated_at = datetime(?7, 'unixepoch')
        WHERE id = ?1
        """)
      self.ledger = ledger
      self.rows = rows
      self.history = history
      self.raise = raise
    }

    /// Reads ahead the rows of users for whom something is going to be counted in the transaction that
    /// is under way.
    ///
    /// - Parameter users: their ids in ascending order.
    mutating func prepare(for users: [Int64]) throws(SQLiteError) {
      var ahead: [Int64: EntitlementRow] = [:]
      try rows.forEach(of: users) { row, _ in ahead[row.user] = row }
      self.ahead = ahead
    }

    /// Adds an increase to a user's period and to history. Runs inside the transaction that raised the
    /// session's own counters, so that a byte counts once.
    ///
    /// What was counted at one moment belongs to that moment. Only where counting had ceased for
    /// longer than a few sweeps is the increase divided among the days in between, in proportion to
    /// time, and the periods that it so falls into are marked as estimated.
    ///
    /// - Parameters:
    ///   - start: when the session was counted last, or began, in seconds since 1970.
    ///   - time: when the counters stood at their new values.
    mutating func add(
      _ increase: Traffic, to user: Int64, since start: Int64, at time: Int64
    ) throws(SQLiteError) {
      if increase.isZero { return }
      if saturatingSum(time, -max(start, 0)) <= ledger.rules.patience {
        return _ = try add(increase, to: user, at: time)
      }
      var periods: Set<Int64> = []
      for share in increase.shares(from: start, to: time, in: ledger.zone) {
        periods.insert(try add(share.traffic, to: user, at: share.at))
      }
      if periods.count > 1 { try ledger.markEstimated(periods, of: user) }
    }

    /// - Returns: the start of the period it was added to.
    private mutating func add(
      _ increase: Traffic, to user: Int64, at time: Int64
    ) throws(SQLiteError) -> Int64 {
      var found = try row(of: user)
      if let row = found, row.quotaRow == nil { found = try ledger.users.withQuotaRow(row) }
      try history.add(increase, to: user, at: time, resetAt: found?.resetAt)
      guard var row = found else { return 0 }
      if row.quotaRow != nil, time >= row.entitlement.span.end, row.entitlement.span.end != .max {
        row = try ledger.rollOver(row, to: time)
      }
      // Of a user who was removed, all periods are over.
      guard row.quotaRow != nil, row.entitlement.span.contains(time) else {
        return try ledger.addLate(increase, to: row, at: time)
      }
      row.entitlement.used += increase
      try ledger.notices.noteUsage(&row, at: time)
      raise.bind(1, row.quotaRow)
      raise.bind(2, row.entitlement.used.received)
      raise.bind(3, row.entitlement.used.sent)
      raise.bind(4, ledger.rules.count.bytes(of: row.entitlement.used))
      raise.bind(5, row.noticed)
      raise.bind(6, row.isEstimated ? 1 : 0 as Int64)
      raise.bind(7, time)
      try raise.run()
      return row.entitlement.span.start
    }

    private mutating func row(of user: Int64) throws(SQLiteError) -> EntitlementRow? {
      if let row = ahead.removeValue(forKey: user) { return row }
      return try rows.row(of: user)
    }
  }

  /// Adds what belongs to an earlier period than the present one: a counter that came late, or a clock
  /// that was set back.
  ///
  /// - Returns: the start of that period.
  private func addLate(
    _ increase: Traffic, to row: EntitlementRow, at time: Int64
  ) throws(SQLiteError) -> Int64 {
    let span = try earlierPeriod(of: row, at: time)
    try database.run(
      """
      INSERT INTO periods (user_id, period_start, period_end, bytes_received, bytes_sent)
      VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET \(UsageWriter.raise("?4", "?5")),
        period_end = coalesce(period_end, ?3)
      """, row.user, span.start, span.end == .max ? nil : span.end, increase.received,
      increase.sent)
    let carried = row.entitlement.carried
    var row = row
    try rebalance(&row, periodFrom: span.start)
    if row.entitlement.carried != carried { try store(row) }
    return span.start
  }

  /// The period of a user that a moment before the present one fell in: the one on record, which may
  /// have begun by an earlier rule or a reset; else what the rule has, as far as it does not reach
  /// into those on record.
  private func earlierPeriod(of row: EntitlementRow, at time: Int64) throws(SQLiteError) -> TimeSpan
  {
    func recorded(_ condition: String) throws(SQLiteError) -> TimeSpan? {
      try database.first(
        "SELECT period_start, period_end FROM periods WHERE user_id = ?1 AND \(condition) LIMIT 1",
        row.user, time
      ) { TimeSpan(start: $0.integer(0), end: $0.optionalInteger(1) ?? .max) }
    }
    let before = try recorded("period_start <= ?2 ORDER BY period_start DESC")
    if let before, before.contains(time) { return before }
    let after = try recorded("period_start > ?2 ORDER BY period_start")
    let present = row.entitlement.span.start
    let next = min(after?.start ?? .max, present > time ? present : .max)
    let calendar = row.periodRule.span(at: time, in: zone)
    return TimeSpan(
      start: max(calendar.start, before?.end ?? 0), end: min(calendar.end, next))
  }

  private func markEstimated(_ periods: Set<Int64>, of user: Int64) throws(SQLiteError) {
    for start in periods {
      try database.run(
        "UPDATE periods SET is_estimated = 1 WHERE user_id = ?1 AND period_start = ?2", user, start)
      try database.run(
        "UPDATE user_quotas SET is_estimated = 1 WHERE user_id = ?1 AND period_start = ?2", user,
        start)
    }
  }
}
