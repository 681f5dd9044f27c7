import Quota
import SQLite

/// Usage added up in two ways.
package struct UsageSums: Equatable, Sendable {
  package var byDay: [Day: Traffic] = [:]
  /// By the users' numbers, see `Users.owners()`.
  package var byUser: [Int64: Traffic] = [:]

  package init() {}
}

/// The stretches of time that `usage` is kept by. Each row has the second that its stretch begins in:
/// an hour of the zone, or what of it comes after a reset; a whole day where it is long ago.
struct UsageCalendar {
  let zone: Zone
  /// The first second that is not folded into days yet.
  let foldedBefore: Int64

  /// Stands for the day before every ledger, with what was moved nobody knows when.
  static let beforeEveryLedger = Day.beforeEveryLedger.number * 86_400

  init(_ database: borrowing Connection, zone: Zone) throws(SQLiteError) {
    self.zone = zone
    foldedBefore =
      try database.first("SELECT value FROM meta WHERE name = 'folded_before'") { $0.integer(0) }
      ?? .min
  }

  func start(around time: Int64, resetAt: Int64? = nil) -> Int64 {
    if time < foldedBefore { return zone.start(of: Day(of: time, in: zone)) }
    let hour = zone.startOfHour(around: time)
    if let resetAt, resetAt <= time { return max(hour, resetAt) }
    return hour
  }

  /// The day that a stretch is part of. Of a whole day its noon tells, for it may have begun at
  /// midnight in a zone that was configured then.
  func day(of start: Int64) -> Day {
    if start == UsageCalendar.beforeEveryLedger { return .beforeEveryLedger }
    return Day(of: start < foldedBefore ? saturatingSum(start, 43_200) : start, in: zone)
  }

  /// Where stretches may begin that are part of days.
  func starts(in days: ClosedRange<Day>) -> ClosedRange<Int64> {
    let first = days.lowerBound == .beforeEveryLedger ? .min : zone.start(of: days.lowerBound)
    return saturatingSum(first, -43_200)...saturatingSum(zone.end(of: days.upperBound), 43_200)
  }
}

/// The statements that add bytes to `usage`.
///
/// The row is there as a rule, and an update takes half of what an upsert does.
struct UsageWriter: ~Copyable {
  private let calendar: UsageCalendar
  private var raise: Statement
  private var begin: Statement
  /// The hour of the moment that was counted at last: many users are counted at one moment.
  private var last: (time: Int64, start: Int64)?

  init(_ database: borrowing Connection, zone: Zone) throws(SQLiteError) {
    let calendar = try UsageCalendar(database, zone: zone)
    let raise = try database.prepare(
      "UPDATE usage SET \(UsageWriter.raise("?3", "?4")) WHERE start = ?1 AND user_id = ?2")
    let begin = try database.prepare("INSERT INTO usage VALUES (?1, ?2, ?3, ?4)")
    self.calendar = calendar
    self.raise = raise
    self.begin = begin
  }

  /// Adds to both counters. An overflowing sum becomes a floating-point number in SQLite, so sums
  /// stop at the largest integer: `min(old, largest - more) + more`.
  static func raise(_ received: String, _ sent: String) -> String {
    """
    bytes_received = min(bytes_received, 9223372036854775807 - \(received)) + \(received),
      bytes_sent = min(bytes_sent, 9223372036854775807 - \(sent)) + \(sent)
    """
  }

  /// Adds what a user moved up to a moment.
  ///
  /// - Parameter resetAt: when their usage last started over.
  mutating func add(
    _ increase: Traffic, to user: Int64, at time: Int64, resetAt: Int64? = nil
  ) throws(SQLiteError) {
    let hour = last?.time == time ? last?.start : nil
    let start = hour ?? calendar.start(around: time)
    last = (time, start)
    let isReset = resetAt.map { start < $0 && $0 <= time } ?? false
    try add(
      increase, to: user,
      inStretchFrom: isReset ? calendar.start(around: time, resetAt: resetAt) : start)
  }

  mutating func add(
    _ increase: Traffic, to user: Int64, inStretchFrom start: Int64
  ) throws(SQLiteError) {
    raise.bind(1, start)
    raise.bind(2, user)
    raise.bind(3, increase.received)
    raise.bind(4, increase.sent)
    try raise.run()
    if raise.changedRows > 0 { return }
    begin.bind(1, start)
    begin.bind(2, user)
    begin.bind(3, increase.received)
    begin.bind(4, increase.sent)
    try begin.run()
  }
}

/// What was moved and when: a row an hour and user, or a day and user where it is long ago.
package struct UsageHistory {
  let ledger: Ledger

  /// What was moved, added up by days and by users; who or what is nothing is left out.
  ///
  /// - Parameters:
  ///   - user: the number of the only user to tell of; nil for all, removed ones included as long as
  ///     their history is kept.
  ///   - days: the first and the last day.
  package func sums(
    of user: Int64? = nil, in days: ClosedRange<Day>
  ) throws(SQLiteError) -> UsageSums {
    let calendar = try UsageCalendar(ledger.database, zone: ledger.zone)
    var sums = UsageSums()
    // All of one stretch come together.
    var (present, day): (Int64?, Day) = (nil, .beforeEveryLedger)
    try forEach(of: user, in: calendar.starts(in: days)) { start, user, traffic in
      if start != present { (present, day) = (start, calendar.day(of: start)) }
      guard days.contains(day), !traffic.isZero else { return }
      sums.byDay[day, default: Traffic()] += traffic
      sums.byUser[user, default: Traffic()] += traffic
    }
    return sums
  }

  /// What was moved in each hour, by its beginning; hours without use, and those that are folded into
  /// their day, are left out.
  ///
  /// - Parameters:
  ///   - user: the number of the only user to tell of; nil for all.
  ///   - time: the hours that have a part of it, in seconds since 1970 in UTC.
  package func hourly(
    of user: Int64? = nil, in time: Range<Int64>
  ) throws(SQLiteError) -> [Int64: Traffic] {
    let calendar = try UsageCalendar(ledger.database, zone: ledger.zone)
    let first = max(ledger.zone.startOfHour(around: time.lowerBound), calendar.foldedBefore)
    var sums: [Int64: Traffic] = [:]
    guard first < time.upperBound else { return sums }
    var (present, hour): (Int64?, Int64) = (nil, 0)
    try forEach(of: user, in: first...(time.upperBound - 1)) { start, _, traffic in
      if start == UsageCalendar.beforeEveryLedger || traffic.isZero { return }
      if start != present { (present, hour) = (start, ledger.zone.startOfHour(around: start)) }
      sums[hour, default: Traffic()] += traffic
    }
    return sums
  }

  /// What a user moved from a moment on, at which a stretch begins. A period without a beginning, at 0,
  /// has what was moved before every ledger too.
  func sum(of user: Int64, since start: Int64) throws(SQLiteError) -> Traffic {
    var sum = Traffic()
    try forEach(of: user, in: (start == 0 ? .min : start)...(.max)) { sum += $2 }
    return sum
  }

  /// The same of every user who moved anything.
  func sumsByUser(since start: Int64) throws(SQLiteError) -> [Int64: Traffic] {
    var sums: [Int64: Traffic] = [:]
    try forEach(of: nil, in: (start == 0 ? .min : start)...(.max)) { _, user, moved in
      sums[user, default: Traffic()] += moved
    }
    return sums
  }

  /// Goes once over what was moved in stretches of time, in the order of their beginnings.
  private func forEach(
    of user: Int64?, in starts: ClosedRange<Int64>,
    _ body: (_ start: Int64, _ user: Int64, Traffic) -> Void
  ) throws(SQLiteError) {
    let rows = "SELECT usage.start, user_id, bytes_received, bytes_sent FROM"
    // Of one user, a walk over the beginnings there are, with one look at each, passes all others.
    var statement =
      if user != nil {
        try ledger.database.prepare(
          """
          WITH RECURSIVE starts (start) AS (
            SELECT min(start) FROM usage WHERE start BETWEEN ?1 AND ?2 UNION ALL
            SELECT (SELECT min(usage.start) FROM usage
              WHERE usage.start > starts.start AND usage.start <= ?2)
            FROM starts WHERE starts.start IS NOT NULL)
          \(rows) starts CROSS JOIN usage WHERE usage.start = starts.start AND user_id = ?3
          """)
      } else {
        try ledger.database.prepare("\(rows) usage WHERE start BETWEEN ?1 AND ?2 ORDER BY start")
      }
    statement.bind(1, starts.lowerBound)
    statement.bind(2, starts.upperBound)
    if let user { statement.bind(3, user) }
    while try statement.step() {
      body(statement.integer(0), statement.integer(1), statement.traffic(2))
    }
  }
}
