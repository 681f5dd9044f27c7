import Quota
import SQLite

extension Ledger {
  /// The statements that count bytes for a user.
  struct Counting: ~Copyable {
    private let ledger: Ledger
    private var rows: StandingRows
    /// Rows that were read ahead, each good until something is counted for its user.
    private var ahead: [Int64: StandingRow] = [:]
    private var periods: UsageTable
    private var days: UsageTable
    private var hours: UsageTable
    private var mirror: Statement
    /// The day of the moment that was counted at last: many users are counted at one moment.
    private var last: (time: Int64, day: Value)?

    init(_ ledger: Ledger) throws(SQLiteError) {
      let rows = try StandingRows(ledger)
      let periods = try UsageTable("period_usage", by: "period_start", ledger)
      let days = try UsageTable("daily_usage", by: "day", ledger)
      let hours = try UsageTable("hourly_usage", by: "hour", ledger)
      let mirror = try ledger.database.prepare(
        """
        UPDATE user_quotas SET bytes_used = ?2, updated_at = datetime(?3, 'unixepoch')
        WHERE user_id = ?1
        """)
      self.ledger = ledger
      self.rows = rows
      self.periods = periods
      self.days = days
      self.hours = hours
      self.mirror = mirror
    }

    /// Reads ahead the rows of users for whom something is going to be counted in the transaction that
    /// is under way.
    ///
    /// - Parameter users: their ids in ascending order.
    mutating func prepare(for users: [Int64]) throws(SQLiteError) {
      var ahead: [Int64: StandingRow] = [:]
      try rows.forEach(of: users) { row, _ in ahead[row.user] = row }
      self.ahead = ahead
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
      try days.add(increase, to: user, in: day(of: time))
      try hours.add(increase, to: user, in: .integer(HourlyUsage.start(ofHourAround: time)))
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
      try periods.add(increase, to: user, in: .integer(start))
      standing.used += increase
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
      try periods.add(increase, to: row.user, in: .integer(span.start))
      try ledger.setEnd(of: row.user, inPeriodFrom: span.start, to: span.end)
      try ledger.rebalance(row, periodFrom: span.start)
      return span.start
    }

    private mutating func row(of user: Int64) throws(SQLiteError) -> StandingRow? {
      if let row = ahead.removeValue(forKey: user) { return row }
      return try rows.row(of: user)
    }

    private mutating func day(of time: Int64) -> Value {
      if let last, last.time == time { return last.day }
      let day = Value.text(Array(Day(of: time, in: ledger.zone).description.utf8))
      last = (time, day)
      return day
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
