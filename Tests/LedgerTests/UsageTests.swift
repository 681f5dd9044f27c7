import Quota
import SQLite
import TestSupport
import Testing

@testable import Ledger

private let hour: Int64 = 3600
private let day: Int64 = 86_400

/// A clock that is set from one offset to another at a moment.
private func zone(_ before: Int64, _ after: Int64, from moment: Int64) -> Zone {
  Zone { Int($0 < moment ? before : after) }
}

@Suite struct `Usage is kept by hours` {
  /// Where the stretches of a user's usage begin, from noon on in seconds, with the bytes of each.
  private func stretches(_ bench: Bench) throws -> [Int64: Int64] {
    let rows = try bench.ledger.database.query(
      "SELECT start, bytes_received FROM usage"
    ) { ($0.integer(0) - Bench.noon, $0.integer(1)) }
    return Dictionary(uniqueKeysWithValues: rows)
  }

  @Test(arguments: [(0, 0), (19_800, -1800), (-13_500, -900)] as [(Int64, Int64)])
  func `of the zone, half-hour ones too`(offset: Int64, start: Int64) throws {
    let bench = try Bench(zone: Zone { _ in Int(offset) })
    try bench.move(1, by: "alice", at: Bench.noon)
    try bench.move(2, by: "alice", at: Bench.noon + start + hour - 1)
    try bench.move(4, by: "alice", at: Bench.noon + start + hour)
    #expect(try stretches(bench) == [start: 3, start + hour: 4])
  }

  @Test func `and a clock that is set begins one where it does so within an hour`() throws {
    // At 12:00 UTC a clock that shows 22:30 is set to 22:00, as on Lord Howe Island.
    let bench = try Bench(zone: zone(10 * hour + 1800, 10 * hour, from: Bench.noon))
    for (minutes, bytes) in [(-31, 1), (-30, 2), (-1, 4), (0, 8), (59, 16), (60, 32)] {
      try bench.move(Int64(bytes), by: "alice", at: Bench.noon + Int64(minutes) * 60)
    }
    #expect(try stretches(bench) == [-5400: 1, -1800: 6, 0: 24, hour: 32])
    let hours = try bench.ledger.usage.hourly(in: Bench.noon..<Bench.noon + 60)
    #expect(hours.mapValues(\.total) == [Bench.noon: 24])
  }

  @Test func `and a reset begins one at its own second`() throws {
    let bench = try Bench()
    try bench.add("alice", Terms(quota: 100, period: .day))
    try bench.move(1, by: "alice", at: Bench.noon + 600)
    _ = try bench.ledger.users.reset("alice", at: Bench.noon + 700)
    try bench.move(2, by: "alice", at: Bench.noon + 900)
    try bench.move(4, by: "alice", at: Bench.noon + 650)
    try bench.move(8, by: "alice", at: Bench.noon + hour)
    #expect(try stretches(bench) == [0: 5, 700: 2, hour: 8])
    #expect(
      try bench.ledger.usage.hourly(in: Bench.noon..<Bench.noon + day).mapValues(\.total)
        == [Bench.noon: 7, Bench.noon + hour: 8])
  }

  @Test func `and one user's is what all of theirs is, day by day and since any hour`() throws {
    let bench = try Bench(zone: Zone { _ in 5 * 3600 + 1800 })
    var chance = SeededRandom(seed: 11)
    for _ in 0..<120 {
      let name = UserName("user\(Int.random(in: 0...2, using: &chance))")
      let back = Int64.random(in: 0...30 * day, using: &chance)
      try bench.move(Int64.random(in: 1...1000, using: &chance), by: name, at: Bench.noon - back)
    }
    let all = try bench.ledger.usage.sums(in: Bench.allDays)
    var days: [Day: Traffic] = [:]
    for (user, traffic) in all.byUser {
      let own = try bench.ledger.usage.sums(of: user, in: Bench.allDays)
      #expect(own.byUser == [user: traffic])
      days.merge(own.byDay) { $0 + $1 }
    }
    #expect(days == all.byDay && days.count > 20)
  }
}

@Suite struct `Hours that are old` {
  private let zone = Zone { _ in -4 * 3600 }

  private func bench() throws -> Bench {
    let bench = try Bench(zone: zone)
    try bench.add("alice", Terms(quota: 1 << 40, period: .day), at: Bench.noon - 20 * day)
    for back in stride(from: 20 * day, through: 0, by: Int(-5 * hour)) {
      try bench.move(back, by: "alice", at: Bench.noon - back + 100)
      try bench.move(7, by: "bob", at: Bench.noon - back + 100)
    }
    return bench
  }

  @Test func `are folded into their day, and every report of days is as it was`() throws {
    let bench = try bench()
    let before = try bench.ledger.usage.sums(in: Bench.allDays)
    let hours = try bench.ledger.usage.hourly(in: Bench.noon - 8 * day..<Bench.noon + day)
    #expect(try bench.ledger.maintenance.foldHours(keeping: 8, at: Bench.noon) > 0)
    #expect(try bench.ledger.usage.sums(in: Bench.allDays) == before)
    #expect(
      try bench.ledger.usage.hourly(in: Bench.noon - 8 * day..<Bench.noon + day) == hours)
    let end = zone.start(of: Day(of: Bench.noon, in: zone) + -8)
    #expect(
      try bench.ledger.database.integer("SELECT count(*) FROM usage WHERE start < \(end)")
        == bench.ledger.database.integer(
          "SELECT count(DISTINCT start) * 2 FROM usage WHERE start < \(end)"))
    #expect(
      try bench.ledger.maintenance.foldHours(keeping: 8, at: Bench.noon) == 0, "twice is once")
  }

  @Test func `take what comes late as days`() throws {
    let bench = try bench()
    _ = try bench.ledger.maintenance.foldHours(keeping: 8, at: Bench.noon)
    let rows = try bench.ledger.database.integer("SELECT count(*) FROM usage")
    let before = try bench.ledger.usage.sums(in: Bench.allDays)
    try bench.move(1000, by: "alice", at: Bench.noon - 15 * day - hour)
    #expect(try bench.ledger.database.integer("SELECT count(*) FROM usage") == rows)
    let late = Day(of: Bench.noon - 15 * day - hour, in: zone)
    let after = try bench.ledger.usage.sums(in: late...late)
    #expect(after.byDay[late]?.total == (before.byDay[late]?.total ?? 0) + 1000)
  }

  @Test func `stay under their dates when the zone is configured otherwise`() throws {
    let bench = try bench()
    _ = try bench.ledger.maintenance.foldHours(keeping: 8, at: Bench.noon)
    let old = Day(of: Bench.noon, in: zone) + -12
    let before = try bench.ledger.usage.sums(in: old...old)
    for offset in [-10, 0, 6] {
      let ledger = try Ledger.open(
        bench.path, for: .writing, rules: Rules(), zone: Zone { _ in offset * 3600 })
      #expect(try ledger.usage.sums(in: old...old) == before)
    }
  }

  @Test func `are folded where their sums are as large as can be`() throws {
    let bench = try Bench()
    try bench.move(1, by: "alice", at: Bench.noon)
    let id = try #require(try bench.ledger.users.id(of: "alice"))
    var counting = try Counting(bench.ledger)
    for time in [Bench.noon, Bench.noon + hour] {
      try counting.count(
        [Increase(user: id, since: time, at: time, traffic: Traffic(received: .max))], at: time)
    }
    _ = try bench.ledger.maintenance.foldHours(keeping: 1, at: Bench.noon + 9 * day)
    #expect(try bench.ledger.database.integer("SELECT count(*) FROM usage") == 1)
    #expect(
      try bench.ledger.database.integer("SELECT typeof(bytes_received) = 'integer' FROM usage") == 1
    )
  }
}

@Suite struct `The history of the earlier project` {
  private func bench() throws -> Bench {
    try Bench { path in
      let database = try Connection(path, .creating, busyTimeout: 0)
      try database.execute(earlierProject)
      try database.execute(
        """
        UPDATE traffic_logs SET log_timestamp = '2024-02-29 23:10:00' WHERE id = 1;
        UPDATE traffic_logs SET log_timestamp = '2024-03-05T08:00:00.123456' WHERE id = 2;
        INSERT INTO traffic_logs (user_id, bytes_sent, bytes_received, log_timestamp) VALUES
          (1, 50, 0, NULL), (1, -5, 7, '2024-03-05 08:30:00'), (2, 1000, 0, '2024-03-05 09:00:00');
        """)
    }
  }

  @Test func `stands under its own days, and what is left on the day before every ledger`() throws {
    let bench = try bench()
    let days = try bench.ledger.usage.sums(of: 1, in: Bench.allDays).byDay
    let leap = try #require(Day.parse("2024-02-29"))
    #expect(days[leap] == Traffic(received: 100, sent: 200))
    #expect(days[leap + 5] == Traffic(received: 57, sent: 100))
    #expect(days[.beforeEveryLedger]?.total == 443)
    #expect(days.count == 3)
    // Bob was logged with more than the user's counter says now.
    #expect(try bench.ledger.usage.sums(of: 2, in: Bench.allDays).byDay.count == 1)
    #expect(try bench.ledger.periods.entitlement(of: "bob")?.used.total == 77)
  }

  @Test func `is folded, and is no day of what is pruned`() throws {
    let bench = try bench()
    let before = try bench.ledger.usage.sums(in: Bench.allDays)
    _ = try bench.ledger.maintenance.foldHours(keeping: 8, at: Bench.noon)
    #expect(try bench.ledger.usage.sums(in: Bench.allDays) == before)
    var pruning = Pruning(bench.ledger, keeping: 400, at: Bench.noon)
    while try pruning.step() != nil {}
    #expect(
      Array(try bench.ledger.usage.sums(in: Bench.allDays).byDay.keys) == [.beforeEveryLedger])
  }
}

extension Maintenance {
  /// Folds all days whose hours nobody asks for any more.
  fileprivate func foldHours(keeping days: Int, at now: Int64) throws -> Int {
    var folded = 0
    while let rows = try foldDay(keeping: days, at: now) { folded += rows }
    return folded
  }
}
