import Quota
import SQLite

/// What one user moved on one day.
struct DailyUsage {
  /// The user's number in the ledger, see `Ledger.owners()`.
  let user: Int64
  /// The day, in the zone of the settings at that time.
  let day: Day
  let traffic: Traffic
}

/// Whom history belongs to.
package struct Owner: Equatable, Sendable {
  /// His name, or the last one he had.
  package let name: UserName
  package let isRemoved: Bool
}

/// Usage added up in two ways.
package struct UsageSums: Equatable, Sendable {
  package var byDay: [Day: Traffic] = [:]
  /// By the users' numbers, see `Ledger.owners()`.
  package var byUser: [Int64: Traffic] = [:]
}

extension Ledger {
  /// Goes once over what users moved, day by day: the users in the order of their numbers, the days
  /// of each in that of time. Days without use are left out.
  ///
  /// - Parameters:
  ///   - user: the number of the only user to tell of; nil for all, removed ones included as long
  ///     as their history is kept.
  ///   - days: the first and the last day.
  func forEachDay(
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
    // Parsed once each: there are as many texts as days, and as many rows as days and users.
    var known: [String: Day] = [:]
    while try statement.step() {
      let text = statement.text(1)
      let day: Day
      if let seen = known[text] {
        day = seen
      } else if let parsed = Day.parse(text) {
        known[text] = parsed
        day = parsed
      } else {
        continue
      }
      body(
        DailyUsage(
          user: statement.integer(0), day: day,
          traffic: Traffic(received: statement.integer(2), sent: statement.integer(3))))
    }
  }

  /// What was moved, added up by days and by users; who or what is nothing is left out.
  ///
  /// - Parameters:
  ///   - user: the number of the only user to tell of; nil for all.
  ///   - days: the first and the last day.
  package func usage(
    of user: Int64? = nil, in days: ClosedRange<Day>
  ) throws(SQLiteError) -> UsageSums {
    var sums = UsageSums()
    // The days of one user follow each other.
    var (present, traffic): (Int64?, Traffic) = (nil, Traffic())
    try forEachDay(of: user, in: days) { usage in
      if usage.user != present {
        if let present { sums.byUser[present] = traffic }
        (present, traffic) = (usage.user, Traffic())
      }
      traffic += usage.traffic
      sums.byDay[usage.day, default: Traffic()] += usage.traffic
    }
    if let present { sums.byUser[present] = traffic }
    return sums
  }

  /// Whom history belongs to, by the numbers that it is kept under: users who are there, and users
  /// who were removed since.
  package func owners() throws(SQLiteError) -> [Int64: Owner] {
    var statement = try database.prepare("SELECT id, username FROM users")
    var owners: [Int64: Owner] = [:]
    while try statement.step() {
      let name = UserName(bytes: statement.bytes(1))
      let former = FormerName(name)
      owners[statement.integer(0)] = Owner(name: former?.name ?? name, isRemoved: former != nil)
    }
    return owners
  }

  /// The number of a user, nil for a stranger.
  package func number(of name: UserName) throws(SQLiteError) -> Int64? {
    var owners = try Owners(self)
    return try owners.id(of: name)
  }
}
