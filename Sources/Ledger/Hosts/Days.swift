import Quota
import SQLite

/// What a user moved on this host on one day. Absolute, so that it can be told twice.
package struct OwnDay: Equatable, Sendable {
  /// The user's uid.
  package let user: String
  package let day: Day
  package let traffic: Traffic

  package init(user: String, day: Day, traffic: Traffic) {
    self.user = user
    self.day = day
    self.traffic = traffic
  }
}

// What the centre is told of days, for reports. From `Membership.toldDay` on, the days of a user go with
// every change of their usage; an earlier day that changes is noted in `late_days`. History before the
// host joined is told day by day, from the newest to the oldest.

extension Hosts {
  /// Begins to tell the centre of days, unless that was begun: with all days that there are.
  package func beginDays(with today: Day) throws(SQLiteError) {
    if try ledger.meta("sync.history") != nil { return }
    try ledger.database.transaction { () throws(SQLiteError) in
      try note(["day": "\(today.number)", "history": "\((today + 1).number)"])
    }
  }

  /// The first day whose changes are not noted in `late_days`; nil for a host that is by itself.
  func toldDay() throws(SQLiteError) -> Day? {
    guard try isJoined() else { return nil }
    return try ledger.meta("sync.day").flatMap { Int64($0) }.map { Day(number: $0) }
  }

  /// Notes that a day is other than the centre may have it.
  func noteChange(of day: Day, of user: Int64) throws(SQLiteError) {
    try ledger.database.run("INSERT OR IGNORE INTO late_days VALUES (?1, ?2)", user, day.number)
  }

  /// The days that changed with this usage, which was read before.
  package func days(with usage: [OwnUsage]) throws(SQLiteError) -> [OwnDay] {
    guard !usage.isEmpty, let first = try toldDay() else { return [] }
    var users: [(number: Int64, uid: String)] = []
    for uid in Set(usage.map(\.user)) {
      if let number = try number(of: uid) { users.append((number, uid)) }
    }
    users.sort { $0.number < $1.number }
    let calendar = try UsageCalendar(ledger.database, zone: ledger.zone)
    var sums: [Day: [Int64: Traffic]] = [:]
    var row = try ledger.database.prepare(
      "SELECT bytes_received, bytes_sent FROM usage WHERE start = ?1 AND user_id = ?2")
    for start in try starts(since: first, calendar) {
      let day = calendar.day(of: start)
      for user in users {
        let traffic = try row.first(start, user.number) { $0.traffic(0) }
        if let traffic { sums[day, default: [:]][user.number, default: Traffic()] += traffic }
      }
    }
    var days = sums.flatMap { day, sums in
      users.compactMap { user in
        sums[user.number].map { OwnDay(user: user.uid, day: day, traffic: $0) }
      }
    }
    if try hasLateDays() {
      for user in users {
        let late = try ledger.database.query(
          "SELECT day FROM late_days WHERE user_id = ?1 AND day < ?2", user.number, first.number
        ) { Day(number: $0.integer(0)) }
        for day in late { days.append(try ownDay(day, of: user.number, user.uid)) }
      }
    }
    return days
  }

  /// Where stretches of usage begin that are part of a day or a later one.
  private func starts(since day: Day, _ calendar: UsageCalendar) throws(SQLiteError) -> [Int64] {
    let starts = try ledger.database.query(
      """
      WITH RECURSIVE starts (start) AS (
        SELECT min(start) FROM usage WHERE start >= ?1 UNION ALL
        SELECT (SELECT min(usage.start) FROM usage WHERE usage.start > starts.start)
        FROM starts WHERE starts.start IS NOT NULL)
      SELECT start FROM starts WHERE start IS NOT NULL
      """, calendar.starts(in: day...day).lowerBound
    ) { $0.integer(0) }
    return starts.filter { calendar.day(of: $0) >= day }
  }

  private func ownDay(_ day: Day, of user: Int64, _ uid: String) throws(SQLiteError) -> OwnDay {
    let traffic = try ledger.usage.sums(of: user, in: day...day).byUser[user]
    return OwnDay(user: uid, day: day, traffic: traffic ?? Traffic())
  }

  private func hasLateDays() throws(SQLiteError) -> Bool {
    try ledger.database.exists("SELECT 1 FROM late_days")
  }

  /// Days that changed late and were not told with usage: at most so many.
  package func lateDays(limit: Int) throws(SQLiteError) -> [OwnDay] {
    let late = try ledger.database.query(
      """
      SELECT user_id, uid, day FROM late_days JOIN users ON users.id = user_id
      WHERE uid IS NOT NULL LIMIT ?1
      """, Int64(limit)
    ) { (user: $0.integer(0), uid: $0.text(1), day: Day(number: $0.integer(2))) }
    return try late.map { late throws(SQLiteError) in
      try ownDay(late.day, of: late.user, late.uid)
    }
  }

  /// Notes that the centre has these days.
  package func noteTold(_ days: [OwnDay]) throws(SQLiteError) {
    if days.isEmpty { return }
    guard try hasLateDays() else { return }
    try ledger.database.transaction { () throws(SQLiteError) in
      for day in days {
        guard let user = try number(of: day.user),
          try ledger.database.exists(
            "SELECT 1 FROM late_days WHERE user_id = ?1 AND day = ?2", user, day.day.number),
          try ownDay(day.day, of: user, day.user) == day
        else { continue }
        try ledger.database.run(
          "DELETE FROM late_days WHERE user_id = ?1 AND day = ?2", user, day.day.number)
      }
    }
  }

  /// Notes, once all usage is told, that the days before this one change late if they do.
  ///
  /// - Parameters:
  ///   - today: the day on which telling began.
  ///   - oldest: the oldest day that history is kept of.
  package func noteTold(before today: Day, keepingFrom oldest: Day) throws(SQLiteError) {
    try ledger.database.transaction { () throws(SQLiteError) in
      // What was counted since it was told may be of the day before.
      guard try waitingUsage() == 0 else { return }
      try note(["day": "\(today.number)"])
      try ledger.database.run("DELETE FROM late_days WHERE day < ?1", oldest.number)
    }
  }
}

// MARK: How telling goes

/// How a host gets on with telling the centre, for metrics.
package struct SyncState: Equatable, Sendable {
  /// When all news was last heard, in seconds since 1970 in UTC; nil for never.
  package let heardAt: Int64?
  /// How many hosts there are, this one included.
  package let hosts: Int64
  /// Rows of usage and of days that the centre does not have as they are, but for history before the host
  /// joined.
  package let waiting: Int64
  /// Since the host joined: runs of quota-sync that failed, and transactions that ran anew.
  package let failures: Int64
  package let retries: Int64
}

extension Hosts {
  /// What happens besides, and is counted.
  package enum Count: String { case failures, retries }

  /// Counts something that happened in a run of quota-sync.
  package func note(_ count: Count, _ more: Int) throws(SQLiteError) {
    if more == 0 { return }
    try ledger.database.transaction { () throws(SQLiteError) in
      guard try isJoined() else { return }
      try note([count.rawValue: "\(number(of: count) + Int64(more))"])
    }
  }

  private func number(of count: Count) throws(SQLiteError) -> Int64 {
    try ledger.meta("sync.\(count.rawValue)").flatMap { Int64($0) } ?? 0
  }

  /// Nil for a host that is by itself.
  package func state() throws(SQLiteError) -> SyncState? {
    guard let membership = try membership() else { return nil }
    let late = try ledger.database.integer("SELECT count(*) FROM late_days")
    return SyncState(
      heardAt: membership.heardAt, hosts: membership.hosts, waiting: try waitingUsage() + late,
      failures: try number(of: .failures), retries: try number(of: .retries))
  }
}

// MARK: History

extension Hosts {
  /// Of the days that are still to be told since the host joined, the newest; nil where none is left.
  ///
  /// - Parameter oldest: the oldest day that history is kept of.
  package func nextOfHistory(
    keepingFrom oldest: Day
  ) throws(SQLiteError) -> (day: Day, ofUsers: [OwnDay])? {
    guard let end = try membership()?.history else { return nil }
    let calendar = try UsageCalendar(ledger.database, zone: ledger.zone)
    var before = calendar.starts(in: end...end).upperBound
    while let start = try ledger.database.first(
      "SELECT max(start) FROM usage WHERE start < ?1", before, read: { $0.optionalInteger(0) }
    ) ?? nil {
      let day = calendar.day(of: start)
      if day < end, day >= oldest || day == .beforeEveryLedger {
        return (day, try everybody(on: day))
      }
      before = start
    }
    try note(["history": ""])
    return nil
  }

  /// What every user moved on a day whom the centre has, in the order of uids.
  private func everybody(on day: Day) throws(SQLiteError) -> [OwnDay] {
    let sums = try ledger.usage.sums(in: day...day).byUser
    var uid = try ledger.database.prepare(
      "SELECT uid FROM users WHERE id = ?1 AND uid IS NOT NULL")
    var days: [OwnDay] = []
    days.reserveCapacity(sums.count)
    for (user, traffic) in sums {
      if let uid = try uid.first(user, read: { $0.text(0) }) {
        days.append(OwnDay(user: uid, day: day, traffic: traffic))
      }
    }
    return days.sorted { $0.user < $1.user }
  }

  /// Notes that of history this day and all later ones are told.
  package func noteHistory(from day: Day) throws(SQLiteError) {
    try note(["history": "\(day.number)"])
  }

  /// What of the usage in a user's present period stands on no day of it.
  func unknownToHistory(_ row: EntitlementRow) throws(SQLiteError) -> Traffic {
    let first = Day(of: row.entitlement.span.start, in: ledger.zone)
    let days = first...Day(number: .max)
    let known = try ledger.usage.sums(of: row.user, in: days).byUser[row.user]
    return row.entitlement.used.increase(over: known ?? Traffic())
  }

  /// Raises what users moved on one day to what the centre has of it, after an older backup was restored.
  package func takeOwn(_ days: [OwnDay], on day: Day) throws {
    try ledger.transaction {
      let known = try ledger.usage.sums(in: day...day).byUser
      let calendar = try UsageCalendar(ledger.database, zone: ledger.zone)
      let start =
        day == .beforeEveryLedger
        ? UsageCalendar.beforeEveryLedger : calendar.start(around: ledger.zone.start(of: day))
      var history = try UsageWriter(ledger.database, zone: ledger.zone)
      for own in days where own.day == day {
        guard let user = try number(of: own.user) else { continue }
        let increase = own.traffic.increase(over: known[user] ?? Traffic())
        if increase.isZero { continue }
        try history.add(increase, to: user, inStretchFrom: start)
      }
    }
  }
}
