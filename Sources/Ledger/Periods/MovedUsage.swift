import Quota
import SQLite

extension Ledger {
  /// Gives the period that begins at a moment all that a user used from then on, and takes it from
  /// the periods that it was in: he starts over on another day from now on, and every byte stays in
  /// one period.
  ///
  /// Periods that began later go over whole; of the one it falls into, what the daily rows have from
  /// then on. Where the moment is that of a reset, a period began then already, and nothing is left
  /// to take.
  func moveUsage(of user: Int64, to turn: Turn) throws(SQLiteError) {
    let start = turn.span.start
    var moved = try sum(
      "SELECT bytes_received, bytes_sent FROM period_usage WHERE user_id = ?1 AND period_start >= ?2",
      user, from: start)
    if start == turn.calendar.start, let cut = try lastPeriod(of: user, before: start) {
      let rest = try dailyUsage(of: user, since: start).increase(over: moved)
      let part = Traffic(
        received: min(rest.received, cut.used.received), sent: min(rest.sent, cut.used.sent))
      try setUsage(cut.used.increase(over: part), of: user, inPeriodFrom: cut.start, to: start)
      moved += part
    }
    try run("DELETE FROM period_usage WHERE user_id = ?1 AND period_start >= ?2", user, start)
    if moved.isZero { return }
    try run(
      """
      INSERT INTO period_usage (user_id, period_start, bytes_received, bytes_sent)
      VALUES (?1, ?2, 0, 0)
      """, user, start)
    try setUsage(moved, of: user, inPeriodFrom: start)
    guard let row = try standingRow(of: user) else { return }
    try rebalancePeriods(row, around: start)
  }

  /// What the carried grants gave to the periods that changed.
  private func rebalancePeriods(_ row: StandingRow, around start: Int64) throws(SQLiteError) {
    if let cut = try lastPeriod(of: row.user, before: start) {
      try rebalance(row, periodFrom: cut.start)
    }
    var standing = try renewed(row, at: start)
    standing.used = try used(by: row.user, inPeriodFrom: start)
    try noteTakenFromCarried(standing, by: row.user)
  }

  private func dailyUsage(of user: Int64, since start: Int64) throws(SQLiteError) -> Traffic {
    var statement = try database.prepare(
      "SELECT bytes_received, bytes_sent FROM daily_usage WHERE user_id = ?1 AND day >= ?2")
    statement.bind(1, user)
    // A period without a beginning has the day before every ledger too.
    statement.bind(2, start == 0 ? "" : Day(of: start, in: zone).description)
    return try statement.sum()
  }

  private func lastPeriod(
    of user: Int64, before start: Int64
  ) throws(SQLiteError) -> (start: Int64, used: Traffic)? {
    var statement = try database.prepare(
      """
      SELECT period_start, bytes_received, bytes_sent FROM period_usage
      WHERE user_id = ?1 AND period_start < ?2 ORDER BY period_start DESC LIMIT 1
      """)
    statement.bind(1, user)
    statement.bind(2, start)
    guard try statement.step() else { return nil }
    return (
      statement.integer(0), Traffic(received: statement.integer(1), sent: statement.integer(2))
    )
  }

  private func setUsage(
    _ used: Traffic, of user: Int64, inPeriodFrom start: Int64, to end: Int64? = nil
  ) throws(SQLiteError) {
    var statement = try database.prepare(
      """
      UPDATE period_usage SET bytes_received = ?3, bytes_sent = ?4,
        period_end = coalesce(min(period_end, ?5), ?5, period_end)
      WHERE user_id = ?1 AND period_start = ?2
      """)
    statement.bind(1, user)
    statement.bind(2, start)
    statement.bind(3, used.received)
    statement.bind(4, used.sent)
    statement.bind(5, end)
    try statement.run()
  }

  private func sum(_ sql: String, _ user: Int64, from start: Int64) throws(SQLiteError) -> Traffic {
    var statement = try database.prepare(sql)
    statement.bind(1, user)
    statement.bind(2, start)
    return try statement.sum()
  }

  private func run(_ sql: String, _ user: Int64, _ start: Int64) throws(SQLiteError) {
    var statement = try database.prepare(sql)
    statement.bind(1, user)
    statement.bind(2, start)
    try statement.run()
  }
}

extension Statement {
  /// The sum of the first two columns of all rows, received and sent.
  fileprivate mutating func sum() throws(SQLiteError) -> Traffic {
    var sum = Traffic()
    while try step() { sum += Traffic(received: integer(0), sent: integer(1)) }
    return sum
  }
}
