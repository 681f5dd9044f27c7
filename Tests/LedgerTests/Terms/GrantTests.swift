import Quota
import Testing

@testable import Ledger

private let day: Int64 = 86_400

@Suite struct `Grants` {
  /// A user with 100 bytes a day.
  private func bench() throws -> Bench {
    let bench = try Bench()
    try bench.add("alice", Terms(quota: 100, period: .day))
    return bench
  }

  private func left(_ bench: Bench, at time: Int64 = Bench.noon) throws -> [Int64] {
    try bench.ledger.grants.list(of: "alice", at: time).map(\.left)
  }

  private func grant(
    _ bytes: Int64, _ bench: Bench, carried: Bool = false, at time: Int64 = Bench.noon
  ) throws {
    _ = try bench.ledger.grants.give(bytes, to: "alice", isCarried: carried, note: "", at: time)
  }

  @Test func `are used after the quota: the period's own first, then carried ones, oldest first`()
    throws
  {
    let bench = try bench()
    try grant(10, bench, carried: true)
    try grant(20, bench)
    try grant(30, bench, carried: true)
    for (bytes, expected) in [
      (100, [10, 20, 30]), (15, [10, 5, 30]), (5, [10, 0, 30]), (8, [2, 0, 30]), (7, [0, 0, 25]),
      (25, [0, 0, 0]),
    ] as [(Int64, [Int64])] {
      let isLast = expected == [0, 0, 0]
      try bench.move(bytes, by: "alice", at: Bench.noon)
      #expect(try left(bench) == expected)
      #expect(
        try bench.verdict(on: "alice", at: Bench.noon)
          == (isLast ? .refused(.quota) : .allowed(at: nil)))
    }
  }

  @Test func `for a period end with it, and what is left of carried ones goes on`() throws {
    let bench = try bench()
    try grant(50, bench)
    try grant(40, bench, carried: true)
    try bench.move(160, by: "alice", at: Bench.noon)
    #expect(try left(bench) == [0, 30])
    let tomorrow = Bench.noon + day
    // No job has run: the door knows.
    #expect(try bench.ledger.periods.entitlement(of: "alice", at: tomorrow)?.limit == 130)
    #expect(try left(bench, at: tomorrow) == [0, 30])
    try bench.move(129, by: "alice", at: tomorrow)
    #expect(try bench.verdict(on: "alice", at: tomorrow) == .allowed(at: nil))
    try bench.move(1, by: "alice", at: tomorrow)
    #expect(try bench.verdict(on: "alice", at: tomorrow) == .refused(.quota))
    let later = Bench.noon + 2 * day
    #expect(try bench.ledger.periods.entitlement(of: "alice", at: later)?.limit == 100)
    #expect(try bench.ledger.periods.all(of: "alice", at: later).map(\.taken) == [10, 30])
  }

  @Test func `are lowered only by what was taken from them`() throws {
    let bench = try bench()
    try grant(40, bench, carried: true)
    for later in 0..<5 { try bench.move(100, by: "alice", at: Bench.noon + Int64(later) * day) }
    #expect(try left(bench, at: Bench.noon + 5 * day) == [40])
  }

  @Test func `give back what a raised quota covers after all`() throws {
    let bench = try bench()
    try grant(40, bench, carried: true)
    try bench.move(130, by: "alice", at: Bench.noon)
    #expect(try left(bench) == [10])
    _ = try bench.ledger.users.change("alice", .quota(120), at: Bench.noon)
    #expect(try left(bench) == [30])
    #expect(try left(bench, at: Bench.noon + day) == [30])
  }

  @Test func `pay for a counter that comes late to a period that is over`() throws {
    let bench = try bench()
    try grant(40, bench, carried: true)
    try bench.move(100, by: "alice", at: Bench.noon)
    try bench.move(10, by: "alice", at: Bench.noon + day)
    try bench.move(15, by: "alice", at: Bench.noon + 60)
    #expect(try left(bench, at: Bench.noon + day) == [25])
    #expect(try bench.ledger.periods.entitlement(of: "alice", at: Bench.noon + day)?.limit == 125)
  }

  @Test func `that are revoked leave what was used of them`() throws {
    let bench = try bench()
    try grant(40, bench, carried: true)
    try grant(50, bench)
    try bench.move(160, by: "alice", at: Bench.noon)
    #expect(try left(bench) == [30, 0])
    #expect(try bench.ledger.grants.revoke(1, of: "alice", at: Bench.noon).taken == 30)
    #expect(try bench.ledger.periods.entitlement(of: "alice", at: Bench.noon)?.limit == 160)
    #expect(try bench.ledger.grants.revoke(1, of: "alice", at: Bench.noon).taken == nil)
    #expect(try bench.ledger.periods.entitlement(of: "alice", at: Bench.noon + day)?.limit == 100)
    #expect(throws: LedgerError.self) {
      try bench.ledger.grants.revoke(3, of: "alice", at: Bench.noon)
    }
    #expect(
      try bench.probe.events.count { ["granted", "revoked"].contains($0.kind) } == 3)
  }

  @Test func `outlive a reset within their period`() throws {
    let bench = try bench()
    try grant(50, bench)
    try grant(40, bench, carried: true)
    try bench.move(160, by: "alice", at: Bench.noon)
    _ = try bench.ledger.users.reset("alice", at: Bench.noon + 60)
    // What a carried grant gave before the reset is gone.
    #expect(try bench.ledger.periods.entitlement(of: "alice", at: Bench.noon + 60)?.limit == 180)
  }

  @Test func `are nothing to a user without a quota`() throws {
    let bench = try Bench()
    try bench.add("bob", Terms(quota: 0))
    let error = #expect(throws: LedgerError.self) {
      try bench.ledger.grants.give(1, to: "bob", isCarried: false, note: "", at: Bench.noon)
    }
    #expect(error?.hint != nil)
    #expect(try bench.probe.grants.count == 0)
  }

  @Test func `add up to no more than there is a number for`() throws {
    let bench = try bench()
    for carried in [true, false, true] { try grant(.max, bench, carried: carried) }
    #expect(try bench.ledger.periods.entitlement(of: "alice", at: Bench.noon)?.limit == .max)
    try bench.move(1000, by: "alice", at: Bench.noon)
    #expect(try bench.verdict(on: "alice", at: Bench.noon) == .allowed(at: nil))
  }
}
