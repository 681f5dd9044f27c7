import Quota
import System
import TestSupport
import Testing

@testable import Ledger

extension Bench {
  /// Adds a user with terms of their own.
  func add(_ name: UserName, _ terms: Terms, at time: Int64 = Bench.noon) throws {
    _ = try ledger.users.add(name, terms, at: time)
  }

  /// Lets a user move so many bytes in a session of its own, which ends at a moment.
  func move(_ bytes: Int64, by name: UserName, at time: Int64) throws {
    sessions += 1
    let identity = session("10.9.\(sessions / 250).\(sessions % 250)", since: time - 30)
    try close(final(name, bytes, 0, identity, owner: name, after: 30))
  }

  /// What the door would say to a user.
  func verdict(on name: UserName, at time: Int64) throws -> Verdict {
    decide(try ledger.periods.entitlement(of: name, at: time), at: time, by: ledger.rules)
  }

  /// The periods of a user as `start: bytes`, in days since noon's.
  func periods(of name: UserName, at time: Int64) throws -> [Int64: Int64] {
    let today = Day(of: Bench.noon, in: .utc).number
    return try Dictionary(
      uniqueKeysWithValues: ledger.periods.all(of: name, at: time).map {
        ($0.span.start == 0 ? -1_000_000 : $0.span.start / 86_400 - today, $0.used.total)
      })
  }
}

private let day: Int64 = 86_400
/// The midnight before `Bench.noon`, which is on a Monday, 23 November 2026.
private let monday = Bench.noon - day / 2

@Suite struct `A period that is over` {
  @Test func `is over for all who ask, though nothing has run since`() throws {
    let bench = try Bench()
    try bench.add("alice", Terms(quota: 100, period: .day))
    try bench.move(100, by: "alice", at: Bench.noon)
    #expect(try bench.verdict(on: "alice", at: monday + day - 1) == .refused(.quota))
    #expect(try bench.verdict(on: "alice", at: monday + day) == .allowed(at: nil))
    // The clock may be set back, and on again.
    #expect(try bench.verdict(on: "alice", at: monday + day - 1) == .refused(.quota))
    #expect(try bench.probe.periodStart(of: "alice") == monday)
  }

  @Test func `lets nobody in whom an administrator disabled`() throws {
    let bench = try Bench()
    try bench.add("alice", Terms(quota: 100, period: .day))
    _ = try bench.ledger.users.setEnabled(false, "alice", at: Bench.noon)
    let tomorrow = Bench.noon + day
    #expect(try bench.verdict(on: "alice", at: tomorrow) == .refused(.disabled))
  }

  @Test func `is kept with what was used in it, and the quota it had`() throws {
    let bench = try Bench()
    try bench.add("alice", Terms(quota: 100, period: .day))
    try bench.move(70, by: "alice", at: Bench.noon)
    _ = try bench.ledger.users.change("alice", .quota(50), at: Bench.noon + 60)
    try bench.move(20, by: "alice", at: Bench.noon + day)
    let periods = try bench.ledger.periods.all(of: "alice", at: Bench.noon + day)
    #expect(periods.map(\.used.total) == [70, 20])
    #expect(periods.map(\.quota) == [50, 50])
    #expect(periods[0].span == TimeSpan(start: monday, end: monday + day))
    #expect(periods.map(\.isPresent) == [false, true])
    #expect(try bench.used("alice") == 90)
    #expect(try bench.probe.users.map(\.bytesUsed) == [20])
  }

  @Test func `rolls over after a machine was off for three months, once`() throws {
    let bench = try Bench()
    try bench.add("alice", Terms(quota: 100, period: .month(5)))
    try bench.move(100, by: "alice", at: Bench.noon)
    let later = Bench.noon + 95 * day
    for _ in 1...2 { try bench.ledger.periods.rollOver(at: later) }
    let entitlement = try #require(try bench.ledger.periods.entitlement(of: "alice", at: later))
    // 26 February 2027: the period that began on the 5th.
    #expect(entitlement.span.contains(later) && entitlement.used.isZero)
    #expect(try bench.probe.periodStart(of: "alice") == entitlement.span.start)
    #expect(try bench.probe.users.map(\.bytesUsed) == [0])
    #expect(try bench.probe.count(.periods) == 1)
    #expect(try bench.probe.periods(of: "alice").map(\.quota) == [100])
  }

  @Test func `rolls over once where two sweeps race over the boundary`() async throws {
    let bench = try Bench()
    for index in 0..<50 {
      try bench.add(UserName("user\(index)"), Terms(quota: 100, period: .day))
      try bench.move(10, by: UserName("user\(index)"), at: Bench.noon)
    }
    let path = bench.path
    try await withThrowingTaskGroup(of: Void.self) { group in
      for server in 0..<4 {
        group.addTask {
          let ledger = try Ledger.open(path, for: .writing, rules: Rules(), zone: .utc)
          let at = Bench.noon + day + Int64(server)
          try ledger.periods.rollOver(at: at)
          let rows = (0..<50).map { index in
            listed(
              UserName("user\(index)"), 5, 0, address: "10.\(server).0.\(index)", since: at - 20)
          }
          let report = report(rows, server: "s\(server)", pid: Int64(server), at: at)
          _ = try ledger.reconcile(
            journal: Directory(directory(of: path)), [report], at: moment(at))
        }
      }
      try await group.waitForAll()
    }
    #expect(try bench.probe.count(.periods) == 100)
    #expect(try bench.probe.users.count { $0.bytesUsed == 20 } == 50)
    for name in try bench.probe.names {
      #expect(try bench.probe.periods(of: name).map(\.usage.received) == [10, 20])
    }
    #expect(try bench.probe.totalUsage(by: .history).received == 1500)
  }

  @Test func `takes a counter that came late, and the present one is as it was`() throws {
    let bench = try Bench()
    try bench.add("alice", Terms(quota: 100, period: .day))
    try bench.move(10, by: "alice", at: Bench.noon)
    try bench.move(20, by: "alice", at: Bench.noon + day)
    try bench.move(5, by: "alice", at: Bench.noon + 300)
    #expect(try bench.periods(of: "alice", at: Bench.noon + day) == [0: 15, 1: 20])
    #expect(try bench.probe.users.map(\.bytesUsed) == [20])
    #expect(
      try bench.probe.days(of: "alice")["2026-11-23"]?.received == 15)
  }
}

@Suite struct `A clock that jumps` {
  @Test func `and returns changes nothing`() throws {
    let bench = try Bench()
    try bench.add("alice", Terms(quota: 100, period: .month(1)))
    try bench.move(60, by: "alice", at: Bench.noon)
    let before = try bench.ledger.periods.entitlement(of: "alice", at: Bench.noon)
    try bench.move(7, by: "alice", at: Bench.noon + 400 * day)
    try bench.ledger.periods.rollOver(at: Bench.noon + 400 * day)
    try bench.ledger.periods.rollOver(at: Bench.noon)
    #expect(try bench.ledger.periods.entitlement(of: "alice", at: Bench.noon) == before)
    try bench.move(3, by: "alice", at: Bench.noon + 60)
    #expect(try bench.ledger.periods.entitlement(of: "alice", at: Bench.noon)?.used.total == 63)
    #expect(try bench.used("alice") == 70)
  }

  @Test func `back before anything has run is seen at the door`() throws {
    let bench = try Bench()
    try bench.add("alice", Terms(quota: 100, period: .day))
    try bench.move(100, by: "alice", at: Bench.noon)
    // The row says tomorrow, and it is today again.
    try bench.ledger.periods.rollOver(at: Bench.noon + day)
    #expect(try bench.verdict(on: "alice", at: Bench.noon) == .refused(.quota))
  }
}

@Suite struct `A live session` {
  private func bench() throws -> Bench {
    let bench = try Bench()
    try bench.add("alice", Terms(quota: 1000, period: .day))
    return bench
  }

  @Test func `is split at a boundary by what was counted when`() throws {
    let bench = try bench()
    let midnight = monday + day
    for (at, bytes) in [(midnight - 40, 100), (midnight + 5, 130), (midnight + 50, 190)] {
      let seen = listed("alice", Int64(bytes), 0, since: midnight - 60)
      _ = try bench.sweep(report([seen], at: at))
    }
    #expect(try bench.periods(of: "alice", at: midnight + 60) == [0: 100, 1: 90])
    #expect(try bench.ledger.periods.all(of: "alice", at: midnight).allSatisfy { !$0.isEstimated })
  }

  @Test func `over three boundaries that nobody counted at is divided by time, and says so`()
    throws
  {
    let bench = try bench()
    let first = report([listed("alice", 1000, 0, since: Bench.noon - 100)], at: Bench.noon)
    _ = try bench.sweep(first)
    let last = report(
      [listed("alice", 1000 + 3000, 0, since: Bench.noon - 100)], at: Bench.noon + 3 * day)
    _ = try bench.sweep(last)
    // Half a day, two days, and half a day.
    #expect(
      try bench.periods(of: "alice", at: Bench.noon + 3 * day)
        == [0: 1500, 1: 1000, 2: 1000, 3: 500])
    let periods = try bench.ledger.periods.all(of: "alice", at: Bench.noon + 3 * day)
    #expect(periods.map(\.isEstimated) == [true, true, true, true])
    #expect(try bench.used("alice") == 4000)
    #expect(try bench.probe.users.map(\.bytesUsed) == [500])
    #expect(try bench.probe.days(of: "alice").count == 4)
  }

  @Test func `that a hook closes after sweeps were missing is divided from the last one on`() throws
  {
    let bench = try bench()
    let began = Bench.noon - 100
    let first = report([listed("alice", 1000, 0, since: began)], at: Bench.noon)
    _ = try bench.sweep(first)
    try bench.close(final("alice", 2000, 0, session(since: began), after: 100 + day))
    #expect(try bench.periods(of: "alice", at: Bench.noon + day) == [0: 1500, 1: 500])
  }

  @Test func `of three missed sweeps at most belongs to the moment it was counted`() throws {
    let bench = try bench()
    let midnight = monday + day
    let patience = Rules().patience
    let seen = listed("alice", 900, 0, since: midnight - patience + 10)
    _ = try bench.sweep(report([seen], at: midnight + 10))
    #expect(try bench.periods(of: "alice", at: midnight + 10) == [1: 900])
  }
}

extension TermsEdit {
  static func quota(_ bytes: Int64) -> TermsEdit {
    var edit = TermsEdit()
    edit.quota = .set(bytes)
    return edit
  }

  static func period(_ period: Period) -> TermsEdit {
    var edit = TermsEdit()
    edit.period = .set(period)
    return edit
  }
}

@Suite struct `A period that is changed` {
  /// A user who moved 1, 2, 4, … bytes on each of the last days up to today, under a period.
  private func bench(_ period: Period, days: Int64 = 30) throws -> Bench {
    let bench = try Bench()
    try bench.add("alice", Terms(quota: 1 << 40, period: period), at: Bench.noon - days * day)
    for back in stride(from: days, through: 0, by: -1) {
      try bench.move(1 << (days - back), by: "alice", at: Bench.noon - back * day)
    }
    return bench
  }

  /// What was moved from some days ago up to today.
  private func sum(since back: Int64, days: Int64 = 30) -> Int64 {
    (0...back).reduce(0) { $0 + 1 << (days - $1) }
  }

  @Test(arguments: [
    // Today is Monday the 23rd.
    (Period.none, Period.day, Int64(0)), (.none, .month(1), 22), (.month(1), .month(20), 3),
    (.month(20), .month(1), 22), (.month(1), .week(.thursday), 4), (.day, .month(23), 0),
    (.day, .week(.sunday), 1), (.week(.monday), .month(5), 18),
  ])
  func `takes effect at once, and counts from the start of the period that then holds`(
    from old: Period, to new: Period, back: Int64
  ) throws {
    let bench = try bench(old)
    let total = sum(since: 30)
    #expect(try bench.used("alice") == total)
    let change = try bench.ledger.users.change("alice", .period(new), at: Bench.noon)
    #expect(change.isNew && change.user.entitlement.used.total == sum(since: back))
    #expect(change.user.entitlement.span == new.span(at: Bench.noon, in: .utc))
    #expect(try bench.used("alice") == total, "every byte stays in one period")
    #expect(try bench.probe.users.map(\.bytesUsed) == [sum(since: back)])
    let spans = try bench.ledger.periods.all(of: "alice", at: Bench.noon).map(\.span)
    #expect(zip(spans, spans.dropFirst()).allSatisfy { $0.end <= $1.start })
  }

  @Test func `to none counts all there ever was`() throws {
    let bench = try bench(.month(1))
    let change = try bench.ledger.users.change("alice", .period(.none), at: Bench.noon)
    #expect(change.user.entitlement.used.total == sum(since: 30))
    #expect(try bench.probe.count(.periods) == 1)
  }

  @Test func `and changed back is as it was`() throws {
    let bench = try bench(.month(1))
    let before = try bench.ledger.periods.entitlement(of: "alice", at: Bench.noon)
    _ = try bench.ledger.users.change("alice", .period(.week(.monday)), at: Bench.noon)
    _ = try bench.ledger.users.change("alice", .period(.month(1)), at: Bench.noon)
    #expect(try bench.ledger.periods.entitlement(of: "alice", at: Bench.noon) == before)
  }

  @Test func `gives back nothing that a reset has forgiven`() throws {
    let bench = try bench(.month(1))
    _ = try bench.ledger.users.reset("alice", at: Bench.noon + 60)
    try bench.move(5, by: "alice", at: Bench.noon + 120)
    for period in [Period.month(20), .week(.monday), .day, .none] {
      let change = try bench.ledger.users.change("alice", .period(period), at: Bench.noon + 180)
      #expect(change.user.entitlement.used.total == 5, "\(period)")
    }
  }
}

@Suite struct `A reset` {
  @Test func `lets usage start over, keeps what was used, and ends when the period would have`()
    throws
  {
    let bench = try Bench()
    try bench.add("alice", Terms(quota: 100, period: .day))
    try bench.move(100, by: "alice", at: Bench.noon)
    let change = try bench.ledger.users.reset("alice", at: Bench.noon + 60)
    #expect(change.isNew && change.user.entitlement.used.isZero)
    #expect(change.user.entitlement.span == TimeSpan(start: Bench.noon + 60, end: monday + day))
    try bench.move(30, by: "alice", at: Bench.noon + 120)
    #expect(try bench.used("alice") == 130)
    #expect(
      try bench.ledger.periods.all(of: "alice", at: Bench.noon + 120).map(\.used.total) == [
        100, 30,
      ])
    #expect(try bench.ledger.users.reset("alice", at: Bench.noon + 120).isNew)
    #expect(
      try !bench.ledger.users.reset("alice", at: Bench.noon + 180).isNew, "nothing used since")
    #expect(try bench.probe.events("reset").count == 2)
    try bench.move(1, by: "alice", at: Bench.noon + day)
    #expect(
      try bench.ledger.periods.entitlement(of: "alice", at: Bench.noon + day)?.span.start == monday
        + day)
  }

  @Test func `of everybody is of everybody who used anything`() throws {
    let bench = try Bench()
    for index in 0..<5 {
      try bench.add(UserName("user\(index)"), Terms(quota: 100))
      if index < 3 { try bench.move(100, by: UserName("user\(index)"), at: Bench.noon) }
    }
    let result = try bench.ledger.users.resetAll(at: Bench.noon + 60)
    #expect(result.users == 5 && result.reset == 3)
    #expect(try bench.probe.bytesUsed.allSatisfy { $0.value == 0 })
  }
}
