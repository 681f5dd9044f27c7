import Quota
import TestSupport
import Testing

@testable import Ledger

/// One user's life, a step at a time, in a zone whose days are not those of UTC.
private struct Life {
  let bench: Bench
  var chance: SeededRandom
  var now = Bench.noon
  var moved: Int64 = 0
  private var lastClock: Int64 = 0

  static let zone = Zone { _ in -5 * 3600 }
  private static let periods: [Period] = [
    .none, .day, .week(.thursday), .month(1), .month(31), .year,
    .days(3, from: Day(number: 20_000)),
  ]

  init(seed: UInt64) throws {
    chance = SeededRandom(seed: seed)
    bench = try Bench(rules: Rules(notifyAt: [50, 100]), zone: Life.zone)
    try bench.add("alice", Terms(quota: 1000))
  }

  private mutating func some(_ range: ClosedRange<Int64>) -> Int64 {
    Int64.random(in: range, using: &chance)
  }

  /// Does something that may happen.
  mutating func step() throws -> String {
    now += some(0...40) == 0 ? some(0...90) * 86_400 : some(1...50_000)
    switch some(0...9) {
    case 0:
      let period = Life.periods.randomElement(using: &chance) ?? .none
      _ = try bench.ledger.users.change("alice", .period(period), at: now)
      return "period \(period)"
    case 1:
      _ = try bench.ledger.users.reset("alice", at: now)
      return "reset"
    case 2:
      let (bytes, isCarried) = (some(1...500), some(0...1) == 0)
      _ = try bench.ledger.grants.give(bytes, to: "alice", isCarried: isCarried, note: "", at: now)
      return "grant \(bytes), carried \(isCarried)"
    case 3:
      let grants = try bench.ledger.grants.list(of: "alice", at: now)
      guard let grant = grants.randomElement(using: &chance) else { return "no grant" }
      _ = try bench.ledger.grants.revoke(grant.number, of: "alice", at: now)
      return "revoke \(grant.number)"
    case 4:
      let quota = some(1...3000)
      _ = try bench.ledger.users.change("alice", .quota(quota), at: now)
      return "quota \(quota)"
    case 5:
      try bench.ledger.periods.rollOver(at: now)
      return "roll over"
    case 6:
      // What an ended session moved while nobody counted.
      let (bytes, seconds) = (some(1...5000), some(200...400_000))
      bench.sessions += 1
      let identity = session("10.10.0.\(bench.sessions)", since: now - seconds)
      try bench.close(
        final("alice", bytes, 0, identity, owner: "alice", after: seconds))
      moved += bytes
      return "\(bytes) in \(seconds) s"
    case 7:
      let (bytes, back) = (some(1...300), some(0...300_000))
      try bench.move(bytes, by: "alice", at: now - back)
      moved += bytes
      return "\(bytes) that came late by \(back) s"
    default:
      let bytes = some(1...800)
      try bench.move(bytes, by: "alice", at: now)
      moved += bytes
      return "\(bytes)"
    }
  }
}

@Test(arguments: 1...60)
func `whatever happens, every byte is in one period and one day, and the row says what follows`(
  seed: UInt64
) throws {
  var life = try Life(seed: seed)
  let ledger = life.bench.ledger
  var story: [String] = []
  for _ in 0..<60 {
    story.append(try life.step())
    let told = story.suffix(8).joined(separator: "; ")
    for measure in [LedgerProbe.Measure.periods, .history, .sessions] {
      let sum = try life.bench.probe.totalUsage(by: measure).total
      try #require(sum == life.moved, "\(measure) after \(told)")
    }
    // What is in the row is what the rows it follows from say.
    let row = try #require(try ledger.periods.entitlementRow(of: 1))
    let entitlement = try ledger.periods.entitlement(row, at: life.now)
    try #require(try ledger.periods.renewed(row, at: life.now) == entitlement, "\(told)")
    if row.entitlement.span.contains(life.now) {
      let mirror = try life.bench.probe.bytesUsed["alice"]
      try #require(mirror == entitlement.used.total, "\(told)")
    }
    // Grants are never used by more than they came to.
    let periods = try ledger.periods.all(of: "alice", at: life.now)
    let spans = periods.map(\.span)
    try #require(zip(spans, spans.dropFirst()).allSatisfy { $0.start < $1.start }, "\(told)")
    try #require(
      zip(periods, periods.dropFirst()).allSatisfy {
        $0.span.end <= $1.span.start || $0.span.end == .max
      }, "\(told): \(spans)")
    let given = try life.bench.probe.grants.reduce(0) { $0 + ($1.isCarried ? $1.bytes : 0) }
    try #require(periods.reduce(0) { $0 + $1.taken } <= given, "\(told)")
  }
}
