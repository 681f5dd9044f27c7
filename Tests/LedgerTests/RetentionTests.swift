import Quota
import TestSupport
import Testing

@testable import Ledger

@Suite struct RetentionTests {
  let bench: Bench
  let now = Bench.noon + 1000 * 86_400

  init() throws { bench = try Bench() }

  /// Prunes to the end.
  ///
  /// - Returns: the rows removed in each step.
  @discardableResult
  func prune(keeping days: Int = 400) throws -> [Int] {
    var pruning = Pruning(bench.ledger, keeping: days, at: now)
    var steps: [Int] = []
    while let rows = try pruning.step() { steps.append(rows) }
    #expect(pruning.removed.reduce(0) { $0 + $1.rows } == steps.reduce(0, +))
    return steps
  }

  /// A session that is over, a day or more before `now`.
  func endedSession(of name: UserName, daysAgo days: Int64) throws {
    let start = now - days * 86_400
    _ = try bench.close(final(name, 100, 10, session(since: start), after: 60))
  }

  func rows(_ measure: LedgerProbe.Measure) throws -> Int { try bench.probe.count(measure) }

  @Test func `History older than the days that are kept goes, and the rest stays`() throws {
    for days in [1, 399, 401, 900] { try endedSession(of: "alice", daysAgo: Int64(days)) }
    #expect(try rows(.sessions) == 4 && rows(.log) == 4 && rows(.history) == 4)
    try prune()
    #expect(try rows(.sessions) == 2 && rows(.log) == 2 && rows(.history) == 2)
    #expect(try prune().reduce(0, +) == 0, "twice is once")
  }

  @Test func `What a user has used stays, whatever history of it goes`() throws {
    for days in [300, 401, 900] { try endedSession(of: "alice", daysAgo: Int64(days)) }
    try prune()
    #expect(try bench.probe.users.map(\.bytesUsed) == [330])
    let entitlement = try #require(try bench.ledger.periods.entitlement(of: "alice"))
    #expect(entitlement.used == Traffic(received: 300, sent: 30))
  }

  @Test func `An open session is no history, however long it lasts`() throws {
    let seen = listed("alice", 5, 5, since: Bench.noon)
    _ = try bench.sweep(report([seen]))
    try prune()
    #expect(try rows(.sessions) == 1)
  }

  @Test func `Events go when they were last seen too long ago`() throws {
    let old = now - 500 * 86_400
    let events = [
      Event(at: old, user: "a", kind: .created, detail: "x"),
      Event(at: old, user: "b", kind: .refused, detail: "x", count: 9, lastAt: now - 86_400),
      Event(at: now - 86_400, user: "c", kind: .created, detail: "x"),
    ]
    for event in events { try bench.ledger.events.record(event) }
    try prune()
    #expect(try bench.probe.events.count == 2)
    #expect(try bench.probe.events.count { $0.user == "a" } == 0)
  }

  @Test func `Names of any bytes are walked past like all others`() throws {
    let names = (0..<1300).map { UserName(bytes: [0xFF, UInt8($0 / 256), 0, UInt8($0 % 256)]) }
    for (index, name) in names.enumerated() {
      let at = index % 2 == 0 ? now - 500 * 86_400 : now - 86_400
      try bench.ledger.events.record(Event(at: at, user: name, kind: .created, detail: ""))
    }
    let steps = try prune()
    #expect(try bench.probe.events.count == 650)
    #expect(steps.allSatisfy { $0 <= Pruning.stride } && steps.count > 4)
  }

  @Test func `Usage brought along from the earlier project is no history of a day`() throws {
    _ = try bench.ledger.users.add("alice", Terms(), at: now)
    try bench.probe.addHistory(Usage(received: 7, sent: 7), of: "alice", on: "0001-01-01")
    try prune()
    #expect(try rows(.history) == 1)
  }

  @Test func `The rows of the earlier project go by their own time, and those without one stay`()
    throws
  {
    _ = try bench.ledger.users.add("alice", Terms(), at: now)
    for time in ["2020-01-01 00:00:00", "2020-01-01T00:00:00.123456", nil] {
      try bench.probe.addLoggedSession(of: "alice", at: time)
    }
    try prune()
    #expect(try rows(.log) == 1)
  }

  @Test func `A finished period goes, unless it is the present one or took from a carried grant`()
    throws
  {
    _ = try bench.ledger.users.add("alice", Terms(), at: now)
    try bench.probe.setPeriodStart(of: "alice", 3000)
    try bench.probe.addUsage(Usage(received: 1, sent: 1), of: "alice")
    for (start, end, carried) in [(1000, 2000, 0), (2000, 3000, 5)]
      as [(Int64, Int64, Int64)]
    {
      try bench.probe.addPeriod(of: "alice", from: start, to: end, carried: carried)
    }
    try prune()
    #expect(try rows(.periods) == 2)
    #expect(try bench.probe.periods(of: "alice").first?.start == 2000)
  }

  @Test func `A settled notice stays until its period is over, so that it is not given again`()
    throws
  {
    _ = try bench.ledger.users.add("alice", Terms(), at: now)
    try bench.probe.setPeriodStart(of: "alice", 3000)
    for (start, settled) in [(1000, 1500), (2000, nil), (3000, 3500)] as [(Int64, Int64?)] {
      try bench.probe.addNotice(to: "alice", periodStart: start, settled: settled)
    }
    try prune()
    #expect(try bench.probe.notices.count == 2)
    #expect(try bench.probe.notices.map(\.periodStart).min() == 2000)
  }

  @Test func `A dry run counts what would go and removes nothing`() throws {
    for days in [1, 401, 900] { try endedSession(of: "alice", daysAgo: Int64(days)) }
    let counted = try Pruning(bench.ledger, keeping: 400, at: now).count()
    #expect(counted.map(\.rows) == [2, 0, 2, 0])
    #expect(try rows(.sessions) == 3)
  }

  @Test func `No step writes past its stride, in tables of any size`() throws {
    try LongPast.addSessions(20_000, to: bench.probe)
    let steps = try prune()
    #expect(steps.reduce(0, +) == 20_000)
    #expect(steps.max() ?? 0 <= Pruning.stride)
  }
}
