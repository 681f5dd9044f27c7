import Quota
import TestSupport
import Testing

/// One line of the table: what is known, and what follows.
struct Case: Sendable, CustomTestStringConvertible {
  let name: String
  let entitlement: Entitlement?
  var rules = Rules()
  /// When it is asked.
  var time: Int64 = 1000
  let verdict: Verdict
  var testDescription: String { name }
}

private let fenced = Rules(fence: true)
private let slow = Rate(shared: 1_000_000)
private let fast = Rate(down: 50_000_000, up: 10_000_000)

@Test(arguments: [
  Case(
    name: "no quota, much used", entitlement: Entitlement(used: Traffic(sent: .max)),
    verdict: .allowed(at: nil)),
  Case(
    name: "one byte under",
    entitlement: Entitlement(quota: 100, used: Traffic(received: 40, sent: 59)),
    verdict: .allowed(at: nil)),
  Case(
    name: "exactly used up",
    entitlement: Entitlement(quota: 100, used: Traffic(received: 40, sent: 60)),
    verdict: .refused(.quota)),
  Case(
    name: "over by overflow",
    entitlement: Entitlement(quota: .max, used: Traffic(received: .max, sent: 1)),
    verdict: .refused(.quota)),
  Case(
    name: "only upload counts",
    entitlement: Entitlement(quota: 100, used: Traffic(received: 99, sent: 1000)),
    rules: Rules(count: .received), verdict: .allowed(at: nil)),
  Case(
    name: "only download counts",
    entitlement: Entitlement(quota: 100, used: Traffic(received: 1000, sent: 100)),
    rules: Rules(count: .sent), verdict: .refused(.quota)),
  Case(
    name: "disabled without a quota", entitlement: Entitlement(isEnabled: false),
    verdict: .refused(.disabled)),
  Case(
    name: "disabled and over says disabled",
    entitlement: Entitlement(isEnabled: false, quota: 1, used: Traffic(sent: 2)),
    verdict: .refused(.disabled)),
  Case(
    name: "over, with a rate for then",
    entitlement: Entitlement(quota: 100, used: Traffic(sent: 100), thenRate: slow),
    rules: fenced, verdict: .allowed(at: slow)),
  Case(
    name: "over, with a rate for then that nothing holds to",
    entitlement: Entitlement(quota: 100, used: Traffic(sent: 100), thenRate: slow),
    verdict: .refused(.quota)),
  Case(
    name: "within the grace, with a rate for then",
    entitlement: Entitlement(
      quota: 100, grace: Grace(percent: 5), used: Traffic(sent: 104), thenRate: slow),
    rules: fenced, verdict: .allowed(at: nil)),
  Case(
    name: "within the quota, with both rates",
    entitlement: Entitlement(quota: 100, used: Traffic(sent: 99), rate: fast, thenRate: slow),
    rules: fenced, verdict: .allowed(at: fast)),
  Case(
    name: "over, with both rates",
    entitlement: Entitlement(quota: 100, used: Traffic(sent: 100), rate: fast, thenRate: slow),
    rules: fenced, verdict: .allowed(at: slow)),
  Case(
    name: "over, with a rate for always only",
    entitlement: Entitlement(quota: 100, used: Traffic(sent: 100), rate: fast),
    rules: fenced, verdict: .refused(.quota)),
  Case(
    name: "a rate for always without a quota", entitlement: Entitlement(rate: fast),
    rules: fenced, verdict: .allowed(at: fast)),
  Case(
    name: "a rate for always that nothing holds to", entitlement: Entitlement(rate: fast),
    verdict: .allowed(at: nil)),
  Case(
    name: "an exempt user has no rate",
    entitlement: Entitlement(
      quota: 100, used: Traffic(sent: 100), isExempt: true, rate: fast, thenRate: slow),
    rules: fenced, verdict: .allowed(at: nil)),
  Case(
    name: "expired, with a rate for then",
    entitlement: Entitlement(
      quota: 100, used: Traffic(sent: 100), expiresAt: 1000, thenRate: slow),
    rules: fenced, verdict: .refused(.expired)),
  Case(
    name: "over, with a rate for then and too many sessions",
    entitlement: Entitlement(
      quota: 100, used: Traffic(sent: 100), maxSessions: 1, sessionsBefore: 1, thenRate: slow),
    rules: fenced, verdict: .refused(.sessions)),
  Case(name: "stranger, allowed", entitlement: nil, verdict: .allowed(at: nil)),
  Case(
    name: "stranger, ignored", entitlement: nil, rules: Rules(unknownUsers: .ignore),
    verdict: .allowed(at: nil)),
  Case(
    name: "stranger, rejected", entitlement: nil, rules: Rules(unknownUsers: .reject),
    verdict: .refused(.unknown)),
])
func `who may be in follows from entitlement and rules`(line: Case) {
  #expect(decide(line.entitlement, at: line.time, by: line.rules) == line.verdict)
}

@Test func `counters that fall give nothing back`() {
  let known = Traffic(received: 10, sent: 20)
  #expect(Traffic(received: 4, sent: 25).increase(over: known) == Traffic(received: 0, sent: 5))
  #expect(Traffic().increase(over: known).isZero)
  #expect(known.raised(to: Traffic(received: 4, sent: 25)) == Traffic(received: 10, sent: 25))
}

@Test func `sums stop at the largest number there is`() {
  let full = Traffic(received: .max, sent: .max - 1)
  #expect(full + Traffic(received: 1, sent: 1) == Traffic(received: .max, sent: .max))
  #expect(full.total == .max)
}

@Test func `what a period takes from carried grants is what quota and its own grants leave over`() {
  var chance = SeededRandom(seed: 7)
  for _ in 0..<5000 {
    let most: Int64 = [10, 1 << 40, .max].randomElement(using: &chance) ?? 10
    func some() -> Int64 { Int64.random(in: 0...most, using: &chance) }
    let entitlement = Entitlement(
      quota: some(), granted: some(), carried: some(), used: Traffic(received: some(), sent: some())
    )
    let taken = entitlement.takenFromCarried(by: .total)
    #expect(0...entitlement.carried ~= taken)
    if entitlement.quota == 0 { #expect(taken == 0) }
    // A user who has not used up everything has taken just what is beyond quota and grants.
    if entitlement.quota > 0, entitlement.used.total < entitlement.limit {
      let before = saturatingSum(entitlement.quota, entitlement.granted)
      #expect(taken == max(0, entitlement.used.total - before))
    }
  }
}

@Test func `a lifetime begins when it says, and once`() {
  let trial = Lifetime.lasting(60, from: .firstConnection)
  #expect(trial.course(begunAt: nil, isConnected: false, at: 100) == (nil, nil))
  #expect(trial.course(begunAt: nil, isConnected: true, at: 100) == (100, 160))
  #expect(trial.course(begunAt: 50, isConnected: true, at: 100) == (50, 110))
  #expect(
    Lifetime.lasting(60, from: .atOnce).course(begunAt: nil, isConnected: false, at: 100)
      == (100, 160))
  #expect(Lifetime.until(7).course(begunAt: 5, isConnected: true, at: 100) == (nil, 7))
  #expect(Lifetime.unlimited.course(begunAt: 5, isConnected: true, at: 100) == (nil, nil))
}

@Test func `a rate goes with a quota and not with an exemption`() throws {
  let rate = try RateTerm(Rate(parsing: "1Mbit"))
  #expect(Terms(quota: 1, thenRate: rate).contradiction == nil)
  #expect(Terms(quota: 0, rate: rate).contradiction == nil)
  #expect(Terms(thenRate: rate).contradiction == nil, "a user of the plan may have the quota")
  #expect(Terms(quota: 0, thenRate: .unlimited).contradiction == nil)
  #expect(Terms(quota: 0, thenRate: rate).contradiction?.contains("quota is unlimited") == true)
  for terms in [Terms(isExempt: true, rate: rate), Terms(isExempt: true, thenRate: rate)] {
    #expect(terms.contradiction?.contains("an exempt user") == true)
  }
}

@Test func `past the quota nobody is faster than before it`() throws {
  func terms(_ rate: String, _ then: String) throws -> Terms {
    try Terms(rate: RateTerm(Rate(parsing: rate)), thenRate: RateTerm(Rate(parsing: then)))
  }
  for (rate, then) in [
    ("1Mbit", "2Mbit"), ("8Mbit/1Mbit", "2Mbit"), ("2Mbit", "2Mbit/3Mbit"),
    ("1Mbit", "1.1Mbit/8kbit"),
  ] {
    #expect(try terms(rate, then).contradiction?.contains("is faster than") == true)
  }
  for (rate, then) in [("2Mbit", "1Mbit"), ("1Mbit", "1Mbit"), ("8Mbit/1Mbit", "1Mbit")] {
    #expect(try terms(rate, then).contradiction == nil)
  }
  // A plan and the user's own terms may come to that all the same.
  for (rate, then, slower) in [
    ("1Mbit", "2Mbit", "1Mbit"), ("8Mbit/1Mbit", "2Mbit", "2Mbit/1Mbit"),
    ("2Mbit", "4Mbit/4Mbit", "2Mbit"),
  ] {
    let entitlement = try Entitlement(
      quota: 10, used: Traffic(received: 10, sent: 0), rate: Rate(parsing: rate),
      thenRate: Rate(parsing: then))
    #expect(try decide(entitlement, at: 0, by: fenced) == .allowed(at: Rate(parsing: slower)))
  }
}

@Test func `a rate of the user's own, or none, goes before the plan's`() throws {
  let (own, planned) = try (RateTerm(Rate(parsing: "1Mbit")), RateTerm(Rate(parsing: "2Mbit")))
  let plan = Terms(rate: planned, thenRate: planned)
  #expect(Terms().following(plan) == plan)
  #expect(Terms(rate: .unlimited, thenRate: own).following(plan).rate == .unlimited)
  #expect(Terms(rate: .unlimited, thenRate: own).following(plan).thenRate == own)
  #expect(
    Terms(rate: .unlimited, thenRate: own).differences(from: plan) == ["rate none", "then 1Mbit"])
  #expect(Terms(thenRate: .unlimited).differences(from: Terms()) == ["then cut"])
}

@Test(arguments: [
  // told, elsewhere, other hosts, limit, used by now, and the bytes at which this host stops
  (0 as Int64, 0 as Int64, 1 as Int64, 100 as Int64, 0 as Int64, 50 as Int64),
  (40, 10, 1, 100, 40, 70), (40, 10, 2, 100, 40, 60),
  // However much is used here until the next news.
  (40, 10, 2, 100, 59, 60), (40, 10, 2, 100, 99, 60),
  // A grant is divided, too, and what is over is over.
  (40, 10, 2, 190, 60, 90), (100, 10, 2, 100, 100, 100), (120, 10, 2, 100, 130, 100),
  // A new period has begun since.
  (40, 10, 1, 100, 0, 50), (0, 0, 0, 100, 0, 100), (0, 0, 2, .max, 0, .max / 3),
])
func `A host that shares a user divides what was left when it last told`(
  told: Int64, elsewhere: Int64, others: Int64, limit: Int64, used: Int64, end: Int64
) {
  let share = HostShare(told: told, elsewhere: elsewhere, otherHosts: others)
  #expect(share.limit(of: limit, used: used) == end)
}
