import Quota
import SQLite

extension Ledger {
  /// The statements that count bytes for a user.
  ///
  /// An overflowing sum becomes a floating-point number in SQLite, so sums are clamped to the
  /// largest integer: `min(old, largest - more) + more`.
  struct Counting: ~Copyable {
    private let ledger: Ledger
    private var find: Statement
    private var period: Statement
    private var day: Statement
    private var hour: Statement
    private var mirror: Statement

    /// Adds bytes (3 received, 4 sent) to the row of a user (1) and a stretch of time (2).
    private static let raise =
      """
      VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET
        bytes_received = min(bytes_received, 9223372036854775807 - ?3) + ?3,
        bytes_sent = min(bytes_sent, 9223372036854775807 - ?4) + ?4
      """

    init(_ ledger: Ledger) throws(SQLiteError) {
      let find = try ledger.database.prepare(
        "\(StandingRow.selection) users.id = ?1")
      let period = try ledger.database.prepare(
        """
        INSERT INTO period_usage (user_id, period_start, bytes_received, bytes_sent) \(Counting.raise)
        RETURNING bytes_received, bytes_sent
        """)
      let day = try ledger.database.prepare(
        "INSERT INTO daily_usage \(Counting.raise)")
      let hour = try ledger.database.prepare(
        "INSERT INTO hourly_usage \(Counting.raise)")
      let mirror = try ledger.database.prepare(
        """
        UPDATE user_quotas SET bytes_used = ?2, updated_at = datetime(?3, 'unixepoch')
        WHERE user_id = ?1
        """)
      self.ledger = ledger
      self.find = find
      self.period = period
      self.day = day
      self.hour = hour
      self.mirror = mirror
    }

    /// Adds an increase to a user's period, day and hour and mirrors the result in `bytes_used`. Runs
    /// inside the transaction that raised the session's own counters, so that a byte counts once.
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
      if time - start <= ledger.rules.patience { return _ = try add(increase, to: user, at: time) }
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
      try add(increase, to: user, on: Day(of: time, in: ledger.zone))
      try add(increase, to: user, inHourOf: time)
      guard var row = try row(of: user) else { return 0 }
      if time >= row.standing.span.end {
        try ledger.bringUp(row, to: time)
        row = try self.row(of: user) ?? row
      }
      guard row.standing.span.contains(time) else {
        return try addLate(increase, to: row, at: time)
      }
      let start = row.standing.span.start
      var standing = row.standing
      standing.used = try add(increase, to: user, inPeriodFrom: start)
      if standing.carried > 0 { try ledger.noteTakenFromCarried(standing, by: user) }
      try ledger.noticeUsage(standing, of: row, at: time)
      mirror.bind(1, user)
      mirror.bind(2, ledger.rules.count.bytes(of: standing.used))
      mirror.bind(3, time)
      try mirror.run()
      return start
    }

    /// Adds what belongs to an earlier period than the present one: a counter that came late, or a
    /// clock that was set back.
    private mutating func addLate(
      _ increase: Traffic, to row: StandingRow, at time: Int64
    ) throws(SQLiteError) -> Int64 {
      let span = try ledger.earlierPeriod(of: row, at: time)
      _ = try add(increase, to: row.user, inPeriodFrom: span.start)
      try ledger.setEnd(of: row.user, inPeriodFrom: span.start, to: span.end)
      try ledger.rebalance(row, periodFrom: span.start)
      return span.start
    }

    private mutating func row(of user: Int64) throws(SQLiteError) -> StandingRow? {
      find.bind(1, user)
      guard try find.step() else { return nil }
      let row = StandingRow(find)
      find.reset()
      return row
    }

    private mutating func add(
      _ increase: Traffic, to user: Int64, inPeriodFrom start: Int64
    ) throws(SQLiteError) -> Traffic {
      period.bind(1, user)
      period.bind(2, start)
      period.bind(3, increase.received)
      period.bind(4, increase.sent)
      var used = increase
      while try period.step() {
        used = Traffic(received: period.integer(0), sent: period.integer(1))
      }
      return used
    }

    private mutating func add(
      _ increase: Traffic, to user: Int64, inHourOf time: Int64
    ) throws(SQLiteError) {
      hour.bind(1, user)
      hour.bind(2, HourlyUsage.start(ofHourAround: time))
      hour.bind(3, increase.received)
      hour.bind(4, increase.sent)
      try hour.run()
    }

    private mutating func add(
      _ increase: Traffic, to user: Int64, on date: Day
    ) throws(SQLiteError) {
      day.bind(1, user)
      day.bind(2, date.description)
      day.bind(3, increase.received)
      day.bind(4, increase.sent)
      try day.run()
    }
  }

  private func markEstimated(_ periods: Set<Int64>, of user: Int64) throws(SQLiteError) {
    var statement = try database.prepare(
      "UPDATE period_usage SET is_estimated = 1 WHERE user_id = ?1 AND period_start = ?2")
    for start in periods {
      statement.bind(1, user)
      statement.bind(2, start)
      try statement.run()
    }
  }
}
