import Quota
import SQLite
import Testing

@testable import Ledger

private let day: Int64 = 86_400

@Suite struct `Notices` {
  private static let rules = Rules(notifyAt: [80, 95, 100], notifyDaysLeft: 3)

  private func bench(_ terms: Terms = Terms(quota: 100, period: .day)) throws -> Bench {
    let bench = try Bench(rules: Self.rules)
    try bench.add("alice", terms)
    return bench
  }

  /// All notices as `kind detail`, in the order they came about.
  private func notices(_ bench: Bench) throws -> [String] {
    try bench.probe.notices.map { "\($0.kind) \($0.detail)" }
  }

  @Test func `come about once a threshold and period`() throws {
    let bench = try bench()
    for (bytes, expected) in [
      (79, []), (1, ["usage 80"]), (5, ["usage 80"]), (10, ["usage 80", "usage 95"]),
      (10, ["usage 80", "usage 95", "usage 100"]), (50, ["usage 80", "usage 95", "usage 100"]),
    ] as [(Int64, [String])] {
      try bench.move(bytes, by: "alice", at: Bench.noon + Int64(bench.sessions))
      #expect(try notices(bench) == expected)
    }
    try bench.move(90, by: "alice", at: Bench.noon + day)
    #expect(try notices(bench) == ["usage 80", "usage 95", "usage 100", "usage 80"])
  }

  @Test func `of two thresholds crossed at once are of the higher one`() throws {
    let bench = try bench()
    try bench.move(97, by: "alice", at: Bench.noon)
    try bench.move(1, by: "alice", at: Bench.noon)
    #expect(try notices(bench) == ["usage 95"])
  }

  @Test func `do not come about again after a raise of the quota`() throws {
    let bench = try bench()
    try bench.move(100, by: "alice", at: Bench.noon)
    _ = try bench.ledger.users.change("alice", .quota(200), at: Bench.noon)
    try bench.move(70, by: "alice", at: Bench.noon + 60)
    #expect(try notices(bench) == ["usage 100", "usage 80"])
    try bench.move(30, by: "alice", at: Bench.noon + 120)
    #expect(try notices(bench) == ["usage 100", "usage 80"])
  }

  @Test func `come about by a lower quota too`() throws {
    let bench = try bench()
    try bench.move(50, by: "alice", at: Bench.noon)
    _ = try bench.ledger.users.change("alice", .quota(60), at: Bench.noon)
    #expect(try notices(bench) == ["usage 80"])
  }

  @Test func `count grants, and not the grace`() throws {
    let bench = try bench(Terms(quota: 100, grace: Grace(bytes: 100)))
    _ = try bench.ledger.grants.give(100, to: "alice", isCarried: true, note: "", at: Bench.noon)
    try bench.move(159, by: "alice", at: Bench.noon)
    #expect(try notices(bench).isEmpty)
    try bench.move(41, by: "alice", at: Bench.noon)
    #expect(try notices(bench) == ["usage 100"])
    #expect(try bench.verdict(on: "alice", at: Bench.noon) == .allowed(at: nil))
  }

  @Test func `of an expiry come about some days before it, once`() throws {
    let end = Bench.noon + 10 * day
    let bench = try bench(Terms(lifetime: .until(end)))
    for later in 0...12 {
      try bench.ledger.notices.noteExpiries(at: Bench.noon + Int64(later) * day)
    }
    #expect(try notices(bench) == ["expiry 3"])
    #expect(try bench.probe.notices.map(\.at) == [end - 3 * day])
    var later = TermsEdit()
    later.lifetime = .set(.until(end + 20 * day))
    _ = try bench.ledger.users.change("alice", later, at: end)
    try bench.ledger.notices.noteExpiries(at: end + 18 * day)
    #expect(try notices(bench) == ["expiry 3", "expiry 3"], "another expiry")
  }

  @Test func `of an expiry come about at once where it is near`() throws {
    #expect(try notices(try bench(Terms(lifetime: .until(Bench.noon + day)))) == ["expiry 3"])
    let trial = try bench(Terms(lifetime: .lasting(day, from: .firstConnection)))
    #expect(try notices(trial).isEmpty)
    try trial.move(1, by: "alice", at: Bench.noon)
    #expect(try notices(trial) == ["expiry 3"])
  }

  @Test func `of a refusal and a kill come about once a period and reason`() throws {
    let bench = try bench()
    for attempt in 0..<3 {
      try bench.append(
        .out, session(since: Bench.noon + Int64(attempt)), "alice", at: Bench.noon + Int64(attempt),
        reason: .quota)
      try bench.take(at: Bench.noon + 100 + Int64(attempt))
    }
    for later in [0, 60, day] {
      try bench.ledger.sessions.recordKills(
        [(nil, "alice", .quota)], at: Bench.noon + 200 + later)
    }
    #expect(try notices(bench) == ["refused quota", "killed quota", "killed quota"])
  }

  @Test func `of a stranger do not come about`() throws {
    let bench = try bench()
    try bench.ledger.sessions.recordKills([(nil, "nobody", .unknown)], at: Bench.noon)
    #expect(try notices(bench).isEmpty)
  }
}

@Suite struct `The delivery of notices` {
  private func bench() throws -> Bench {
    let bench = try Bench(rules: Rules(notifyAt: [100]))
    try bench.add("alice", Terms(quota: 100))
    try bench.move(120, by: "alice", at: Bench.noon)
    return bench
  }

  @Test func `takes each notice once where it succeeds`() throws {
    let bench = try bench()
    func take(at time: Int64) throws -> Notice? {
      try bench.ledger.notices.takeNext(since: time, at: time)
    }
    let notice = try #require(try take(at: Bench.noon + 10))
    #expect(notice.user == "alice" && notice.kind == .usage && notice.detail == "100")
    #expect(notice.used == 120 && notice.limit == 100 && notice.tries == 0)
    #expect(try take(at: Bench.noon + 11) == nil, "it is under way")
    try bench.ledger.notices.settle(notice, at: Bench.noon + 11)
    #expect(try take(at: Bench.noon + 7200) == nil)
  }

  @Test func `tries again after growing pauses, five times in all, and then gives up`() throws {
    let bench = try bench()
    var tries: [Int64] = []
    for minute in 0..<(36 * 60) {
      let now = Bench.noon + Int64(minute) * 60
      while try bench.ledger.notices.takeNext(since: now, at: now) != nil {
        tries.append(Int64(minute))
      }
      _ = try bench.ledger.notices.giveUp(at: now)
    }
    #expect(tries == [0, 1, 6, 21, 81])
    #expect(try bench.probe.notices.allSatisfy(\.isSettled))
  }

  @Test func `tries a notice once in one run, however long that takes`() throws {
    let bench = try bench()
    let start = Bench.noon + 10
    #expect(try bench.ledger.notices.takeNext(since: start, at: start) != nil)
    #expect(try bench.ledger.notices.takeNext(since: start, at: start + 7200) == nil)
    #expect(try bench.ledger.notices.takeNext(since: start + 60, at: start + 60) != nil)
  }

  @Test func `gives up on what is news no longer`() throws {
    let bench = try bench()
    let later = Bench.noon + 2 * day + 1
    #expect(try bench.ledger.notices.takeNext(since: later, at: later) == nil)
    #expect(try bench.ledger.notices.giveUp(at: later) == 1)
  }
}
