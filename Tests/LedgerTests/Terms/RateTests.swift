import Gate
import Quota
import SQLite
import System
import Testing

@testable import Ledger

private let day: Int64 = 86_400

@Suite struct `A user with a rate for then` {
  private static let slow = Rate(shared: 1_000_000)

  private func bench(_ terms: Terms = Terms(quota: 100, period: .day)) throws -> Bench {
    let bench = try Bench(rules: Rules(notifyAt: [100], fence: true))
    var terms = terms
    terms.thenRate = RateTerm(Self.slow)
    try bench.add("alice", terms)
    return bench
  }

  private func edit(_ change: (inout TermsEdit) throws -> Void) rethrows -> TermsEdit {
    var edit = TermsEdit()
    try change(&edit)
    return edit
  }

  @Test func `is slowed down at the quota, never disconnected, and fast again with the period`()
    throws
  {
    let bench = try bench()
    try bench.move(99, by: "alice", at: Bench.noon)
    #expect(try bench.verdict(on: "alice", at: Bench.noon) == .allowed(at: nil))
    let report = report([listed("alice", 60, 40)])
    let result = try bench.take([report])
    #expect(result.slowed.map { "\($0.user) \($0.rate)" } == ["alice 1Mbit"])
    let live = result.listings[0].live
    #expect(try bench.verdict(on: "alice", at: Bench.noon) == .allowed(at: Self.slow))
    #expect(live.count == 1)
    #expect(try bench.ledger.sessions.violations(among: live, of: report).isEmpty)
    #expect(try bench.take([report]).slowed.isEmpty, "told once")
    #expect(try bench.verdict(on: "alice", at: Bench.noon + day) == .allowed(at: nil))
  }

  @Test func `is fast again with a grant or another quota`() throws {
    let bench = try bench()
    try bench.move(150, by: "alice", at: Bench.noon)
    _ = try bench.ledger.grants.give(51, to: "alice", isCarried: false, note: "", at: Bench.noon)
    #expect(try bench.verdict(on: "alice", at: Bench.noon) == .allowed(at: nil))
    try bench.move(1, by: "alice", at: Bench.noon + 1)
    #expect(try bench.verdict(on: "alice", at: Bench.noon + 1) == .allowed(at: Self.slow))
    _ = try bench.ledger.users.change("alice", .quota(1000), at: Bench.noon + 2)
    #expect(try bench.verdict(on: "alice", at: Bench.noon + 2) == .allowed(at: nil))
  }

  @Test func `is slowed down behind the grace`() throws {
    let bench = try bench(Terms(quota: 100, grace: Grace(bytes: 10)))
    try bench.move(109, by: "alice", at: Bench.noon)
    #expect(try bench.verdict(on: "alice", at: Bench.noon) == .allowed(at: nil))
    try bench.move(1, by: "alice", at: Bench.noon)
    #expect(try bench.verdict(on: "alice", at: Bench.noon) == .allowed(at: Self.slow))
  }

  @Test func `is told of it once a period, and so is the operator`() throws {
    let bench = try bench()
    func told() throws -> (notices: [String], events: [String]) {
      (
        try bench.probe.notices.map { "\($0.kind) \($0.detail)" },
        try bench.ledger.events.list(in: 0..<Int64.max).filter { $0.kind == "slowed" }.map(\.detail)
      )
    }
    try bench.move(99, by: "alice", at: Bench.noon)
    #expect(try told() == ([], []))
    for later in 0..<3 as Range<Int64> {
      try bench.move(10, by: "alice", at: Bench.noon + later)
      #expect(try told() == (["slowed 1Mbit", "usage 100"], ["to 1Mbit"]))
    }
    try bench.move(100, by: "alice", at: Bench.noon + day)
    #expect(try told().notices == ["slowed 1Mbit", "usage 100", "slowed 1Mbit", "usage 100"])
    #expect(try told().events.count == 2)
  }

  @Test func `is told nothing of it while they may not be in at all`() throws {
    let bench = try bench(Terms(quota: 100, lifetime: .until(Bench.noon)))
    try bench.move(100, by: "alice", at: Bench.noon)
    #expect(try bench.verdict(on: "alice", at: Bench.noon) == .refused(.expired))
    #expect(try bench.probe.notices.map { "\($0.kind)" } == ["usage"])
  }

  @Test func `is told of it where the rate or its plan's comes later`() throws {
    let bench = try Bench(rules: Rules(fence: true))
    try bench.ledger.plans.add("basic", Terms(quota: 100), at: Bench.noon)
    try bench.add("alice", Terms(quota: 100))
    _ = try bench.ledger.users.add("bob", Terms(), plan: "basic", at: Bench.noon)
    for name in ["alice", "bob"] as [UserName] { try bench.move(100, by: name, at: Bench.noon) }
    let slower = edit { $0.thenRate = .set(RateTerm(Self.slow)) }
    _ = try bench.ledger.users.change("alice", slower, at: Bench.noon)
    _ = try bench.ledger.plans.change("basic", slower, at: Bench.noon)
    #expect(
      try bench.probe.notices.map { "\($0.kind) \($0.detail)" } == ["slowed 1Mbit", "slowed 1Mbit"])
    for name in ["alice", "bob"] as [UserName] {
      #expect(try bench.verdict(on: name, at: Bench.noon) == .allowed(at: Self.slow))
    }
    let cut = edit { $0.thenRate = .set(.unlimited) }
    _ = try bench.ledger.users.change("bob", cut, at: Bench.noon)
    #expect(try bench.verdict(on: "bob", at: Bench.noon) == .refused(.quota))
    _ = try bench.ledger.users.change("bob", edit { $0.thenRate = .follow }, at: Bench.noon)
    #expect(try bench.verdict(on: "bob", at: Bench.noon) == .allowed(at: Self.slow))
  }

  @Test func `is refused where nothing would hold them to it`() throws {
    let bench = try bench()
    try bench.move(100, by: "alice", at: Bench.noon)
    let unfenced = try Ledger.open(bench.path, for: .writing, rules: Rules(), zone: .utc)
    let entitlement = try unfenced.periods.entitlement(of: "alice", at: Bench.noon)
    #expect(decide(entitlement, at: Bench.noon, by: unfenced.rules) == .refused(.quota))
    let faster = try edit { $0.rate = .set(RateTerm(try Rate(parsing: "2Mbit"))) }
    for change in [
      { _ = try unfenced.users.change("alice", faster, at: Bench.noon) },
      { _ = try unfenced.users.add("bob", Terms(thenRate: RateTerm(Self.slow)), at: Bench.noon) },
      { try unfenced.plans.add("basic", Terms(rate: RateTerm(Self.slow)), at: Bench.noon) },
    ] {
      #expect {
        try change()
      } throws: {
        "\($0)".contains("takes FENCE=yes")
      }
    }
    // What is there already stands in the way of nothing.
    _ = try unfenced.users.change("alice", .quota(500), at: Bench.noon)
    #expect(try unfenced.users.countWithRates() == 1)
    _ = try unfenced.users.change("alice", edit { $0.thenRate = .follow }, at: Bench.noon)
    #expect(try unfenced.users.named("alice", at: Bench.noon)?.own.thenRate == nil)
    #expect(try unfenced.users.countWithRates() == 0)
  }

  @Test func `has their rates in the access table, and another setting is published`() throws {
    let bench = try bench()
    let settings = AccessSettings(onError: .allow, identifyBy: .auto)
    try bench.ledger.accessTable.publish(settings, at: moment(Bench.noon))
    func table() throws -> (fence: Bool, rates: AccessRates?) {
      var table = try AccessTable(in: Directory(bench.folder.path))
      let rates = try table.user(named: Array("alice".utf8))?.rates
      return (table.header.fence, try rates.map { number throws in try table.rates(of: number) })
    }
    #expect(try table() == (true, AccessRates(thenRate: Self.slow)))
    let other = try Ledger.open(bench.path, for: .writing, rules: Rules(), zone: .utc)
    try other.accessTable.publish(settings, at: moment(Bench.noon))
    #expect(try table().fence == false)
  }
  @Test func `is found where no hook said, at the listed address on the config's device`() throws {
    let bench = try bench()
    try bench.take([report([listed("alice", 1, 2)], device: "tun7")])
    let settings = AccessSettings(onError: .allow, identifyBy: .auto)
    try bench.ledger.accessTable.publish(settings, at: moment(Bench.noon + 60))
    var table = try AccessTable(in: Directory(bench.folder.path))
    #expect(try table.process(0).device == Array("tun7".utf8))
    #expect(try table.session(0).addresses.ipv4 == InternetAddress(bytes: [10, 8, 0, 2]))
  }
}
