import Quota
import SQLite

// Nothing has to run on the right day: whoever asks or counts compares the period in a user's row
// with the one that now falls in. What is here brings the row itself up to date.

extension Ledger {
  /// Brings every user whose period is over up to the one that now falls in, in transactions of
  /// limited size, so that a hook waits milliseconds.
  ///
  /// Every period begins at a midnight of the zone, so that once a day is enough; see
  /// `SweepNote.isOfEarlierDay`.
  ///
  /// - Parameter time: seconds since 1970 in UTC.
  package func rollOver(at time: Int64) throws(SQLiteError) {
    let users = try usersInAnotherPeriod(at: time)
    for start in stride(from: 0, to: users.count, by: Ledger.usersInTransaction) {
      try database.transaction { () throws(SQLiteError) in
        for user in users[start..<min(users.count, start + Ledger.usersInTransaction)] {
          // Somebody else may have done so since.
          guard let row = try standingRow(of: user), !row.standing.span.contains(time) else {
            continue
          }
          try bringUp(row, to: time)
        }
      }
    }
  }

  private func usersInAnotherPeriod(at time: Int64) throws(SQLiteError) -> [Int64] {
    var statement = try database.prepare(
      "SELECT user_id FROM user_quotas WHERE period_start > ?1 OR period_end <= ?1 ORDER BY user_id"
    )
    statement.bind(1, time)
    var users: [Int64] = []
    while try statement.step() { users.append(statement.integer(0)) }
    return users
  }

  /// Writes what holds for a user at a moment into his row, and completes that of the period he
  /// leaves, if he leaves one.
  @discardableResult
  func bringUp(_ row: StandingRow, to time: Int64) throws(SQLiteError) -> Standing {
    let standing = try renewed(row, at: time)
    if row.standing.span.start != standing.span.start {
      try finish(row.standing, of: row.user, before: standing.span)
    }
    try store(standing, of: row.user)
    // Another quota or grant takes another part from the carried ones.
    if standing.carried > 0 { try noteTakenFromCarried(standing, by: row.user) }
    return standing
  }

  private func store(_ standing: Standing, of user: Int64) throws(SQLiteError) {
    var statement = try database.prepare(
      """
      UPDATE user_quotas SET period_start = ?2, period_end = ?3, granted_bytes = ?4,
        carried_bytes = ?5, bytes_used = ?6, noticed = iif(period_start = ?2, noticed, 0)
      WHERE user_id = ?1
      """)
    statement.bind(1, user)
    statement.bind(2, standing.span.start)
    statement.bind(3, standing.span.end == .max ? nil : standing.span.end)
    statement.bind(4, standing.granted)
    statement.bind(5, standing.carried)
    statement.bind(6, rules.count.bytes(of: standing.used))
    try statement.run()
  }

  /// Notes with a period's usage what quota and grants it had, and where it ended.
  func finish(_ standing: Standing, of user: Int64, before next: TimeSpan) throws(SQLiteError) {
    let span = standing.span
    let end = next.start > span.start ? min(span.end, next.start) : span.end
    var statement = try database.prepare(
      """
      UPDATE period_usage SET period_end = ?3, quota_bytes = ?4, granted_bytes = ?5
      WHERE user_id = ?1 AND period_start = ?2
      """)
    statement.bind(1, user)
    statement.bind(2, span.start)
    statement.bind(3, end == .max ? nil : end)
    statement.bind(4, standing.quota)
    statement.bind(5, standing.granted)
    try statement.run()
  }

  /// Notes how much of the carried grants a user's present period has taken.
  func noteTakenFromCarried(_ standing: Standing, by user: Int64) throws(SQLiteError) {
    try setTaken(
      standing.takenFromCarried(by: rules.count), of: user, inPeriodFrom: standing.span.start)
  }

  /// Reckons anew what an earlier period took from carried grants, after something was added to it,
  /// and what they have left for the present one.
  func rebalance(_ row: StandingRow, periodFrom start: Int64) throws(SQLiteError) {
    let carried = try carried(for: row.user, into: start)
    guard carried > 0 else { return }
    var statement = try database.prepare(
      """
      SELECT quota_bytes, granted_bytes, bytes_received, bytes_sent FROM period_usage
      WHERE user_id = ?1 AND period_start = ?2 AND quota_bytes IS NOT NULL
      """)
    statement.bind(1, row.user)
    statement.bind(2, start)
    guard try statement.step() else { return }
    let then = Standing(
      quota: statement.integer(0), granted: statement.integer(1), carried: carried,
      used: Traffic(received: statement.integer(2), sent: statement.integer(3)))
    statement.reset()
    try setTaken(then.takenFromCarried(by: rules.count), of: row.user, inPeriodFrom: start)
    var left = try database.prepare("UPDATE user_quotas SET carried_bytes = ?2 WHERE user_id = ?1")
    left.bind(1, row.user)
    left.bind(2, try self.carried(for: row.user, into: row.standing.span.start))
    try left.run()
  }

  private func setTaken(
    _ bytes: Int64, of user: Int64, inPeriodFrom start: Int64
  ) throws(SQLiteError) {
    var statement = try database.prepare(
      "UPDATE period_usage SET carried_bytes = ?3 WHERE user_id = ?1 AND period_start = ?2")
    statement.bind(1, user)
    statement.bind(2, start)
    statement.bind(3, bytes)
    try statement.run()
  }
}
