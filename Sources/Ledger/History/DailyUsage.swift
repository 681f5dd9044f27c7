import Quota
import SQLite

/// What one user moved on one day.
package struct DailyUsage: Equatable, Sendable {
  /// The user's number in the ledger, see `Ledger.owners()`.
  package let user: Int64
  /// The day, in the zone of the settings at that time.
  package let day: Day
  package let traffic: Traffic
}

extension Ledger {
  /// Goes once over what users moved, day by day: the users in the order of their numbers, the days
  /// of each in that of time. Days without use are left out.
  ///
  /// - Parameters:
  ///   - user: the number of the only user to tell of; nil for all, removed ones included as long
  ///     as their history is kept.
  ///   - days: the first and the last day.
  package func forEachDay(
    of user: Int64? = nil, in days: ClosedRange<Day>, _ body: (DailyUsage) -> Void
  ) throws(SQLiteError) {
    // A year of days for five thousand users is two million rows, most of them out of range as a
    // rule: one look into the primary key a user passes them over.
    var statement = try database.prepare(
      """
      WITH RECURSIVE ids (id) AS (
        SELECT coalesce(?3, (SELECT min(user_id) FROM daily_usage)) UNION ALL
        SELECT (SELECT min(user_id) FROM daily_usage WHERE user_id > id) FROM ids
        WHERE id IS NOT NULL AND ?3 IS NULL)
      SELECT user_id, day, bytes_received, bytes_sent FROM ids CROSS JOIN daily_usage
      WHERE user_id = id AND day BETWEEN ?1 AND ?2
      """)
    statement.bind(1, days.lowerBound.description)
    statement.bind(2, days.upperBound.description)
    statement.bind(3, user)
    var known: [String: Day] = [:]
    while try statement.step() {
      let text = statement.text(1)
      guard let day = known[text] ?? Day.parse(text) else { continue }
      known[text] = day
      body(
        DailyUsage(
          user: statement.integer(0), day: day,
          traffic: Traffic(received: statement.integer(2), sent: statement.integer(3))))
    }
  }

  /// What was moved on each day, by one user or by all together; days without use are left out.
  ///
  /// - Parameters:
  ///   - user: the user's number in the ledger; nil for all.
  ///   - days: the first and the last day.
  package func usageByDay(
    of user: Int64? = nil, in days: ClosedRange<Day>
  ) throws(SQLiteError) -> [Day: Traffic] {
    var usage: [Day: Traffic] = [:]
    try forEachDay(of: user, in: days) { usage[$0.day, default: Traffic()] += $0.traffic }
    return usage
  }

  /// What each user moved, by the users' numbers; who moved nothing is left out.
  package func usageByUser(in days: ClosedRange<Day>) throws(SQLiteError) -> [Int64: Traffic] {
    var usage: [Int64: Traffic] = [:]
    try forEachDay(in: days) { usage[$0.user, default: Traffic()] += $0.traffic }
    return usage
  }

  /// The names of all users by their numbers, which history is kept under.
  package func owners() throws(SQLiteError) -> [Int64: UserName] {
    var statement = try database.prepare("SELECT id, username FROM users")
    var owners: [Int64: UserName] = [:]
    while try statement.step() {
      owners[statement.integer(0)] = UserName(bytes: statement.bytes(1))
    }
    return owners
  }

  /// The number of a user, nil for a stranger.
  package func number(of name: UserName) throws(SQLiteError) -> Int64? {
    var owners = try Owners(self)
    return try owners.id(of: name)
  }
}
