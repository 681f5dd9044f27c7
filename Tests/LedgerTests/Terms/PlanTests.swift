import Quota
import Testing

@testable import Ledger

private let day: Int64 = 86_400

@Suite struct `Plans` {
  private func bench() throws -> Bench {
    let bench = try Bench()
    try bench.ledger.plans.add(
      "basic", Terms(quota: 100, period: .month(5), maxSessions: 2), at: Bench.noon)
    return bench
  }

  private func user(_ bench: Bench, _ name: UserName, at time: Int64 = Bench.noon) throws
    -> UserRecord
  {
    try #require(try bench.ledger.users.named(name, at: time))
  }

  @Test func `say what a user has no terms of their own for`() throws {
    let bench = try bench()
    _ = try bench.ledger.users.add("alice", Terms(), plan: "basic", at: Bench.noon)
    _ = try bench.ledger.users.add("bob", Terms(quota: 7), plan: "basic", at: Bench.noon)
    let (alice, bob) = try (user(bench, "alice"), user(bench, "bob"))
    #expect(alice.entitlement.quota == 100 && bob.entitlement.quota == 7)
    #expect(alice.period == .month(5) && bob.period == .month(5))
    #expect(alice.entitlement.maxSessions == 2 && alice.plan?.name == "basic")
  }

  @Test func `that are changed change all who follow them, but for their own terms`() throws {
    let bench = try bench()
    _ = try bench.ledger.users.add("alice", Terms(), plan: "basic", at: Bench.noon)
    _ = try bench.ledger.users.add("bob", Terms(quota: 7), plan: "basic", at: Bench.noon)
    try bench.add("carol", Terms(quota: 9))
    try bench.move(30, by: "alice", at: Bench.noon - 2 * day)
    try bench.move(40, by: "alice", at: Bench.noon)
    var edit = TermsEdit.quota(50)
    edit.period = .set(.day)
    #expect(try bench.ledger.plans.change("basic", edit, at: Bench.noon) == 2)
    let alice = try user(bench, "alice")
    #expect(alice.entitlement.quota == 50 && alice.entitlement.used.total == 40)
    #expect(try user(bench, "bob").entitlement.quota == 7)
    #expect(try user(bench, "bob").period == .day)
    #expect(try user(bench, "carol").entitlement.quota == 9)
    #expect(try user(bench, "carol").period == .none)
    #expect(try bench.ledger.plans.change("basic", edit, at: Bench.noon) == nil)
    // A hook of another version goes by this column.
    #expect(try bench.probe.users.first?.quota == 50)
  }

  @Test func `can be joined, left and followed again`() throws {
    let bench = try bench()
    try bench.add("alice", Terms(quota: 9))
    _ = try bench.ledger.users.change("alice", TermsEdit(), plan: .set("basic"), at: Bench.noon)
    #expect(try user(bench, "alice").entitlement.quota == 9)
    var follow = TermsEdit()
    follow.quota = .follow
    _ = try bench.ledger.users.change("alice", follow, at: Bench.noon)
    #expect(try user(bench, "alice").entitlement.quota == 100)
    _ = try bench.ledger.users.change("alice", TermsEdit(), plan: .follow, at: Bench.noon)
    let alice = try user(bench, "alice")
    #expect(alice.entitlement.quota == 0 && alice.period == .none && alice.plan == nil)
  }

  @Test func `in use are not removed, and say by whom`() throws {
    let bench = try bench()
    _ = try bench.ledger.users.add("alice", Terms(), plan: "basic", at: Bench.noon)
    let error = #expect(throws: LedgerError.self) {
      try bench.ledger.plans.remove("basic", at: Bench.noon)
    }
    #expect(error?.description == "plan basic is in use by alice")
    _ = try bench.ledger.users.change("alice", TermsEdit(), plan: .follow, at: Bench.noon)
    try bench.ledger.plans.remove("basic", at: Bench.noon)
    #expect(try bench.ledger.plans.all().isEmpty)
  }

  @Test func `read back as they were written`() throws {
    let bench = try Bench()
    let all = [
      Terms(), Terms(quota: 0, period: Period.none, lifetime: .unlimited, maxSessions: 0),
      Terms(quota: .max, period: .days(30, from: Day(number: 20_000)), lifetime: .until(5)),
      Terms(quota: 5, lifetime: .lasting(60, from: .firstConnection), grace: Grace(percent: 5)),
      Terms(lifetime: .lasting(60, from: .atOnce), isExempt: true),
      Terms(maxSessions: 3, isExempt: false),
    ]
    for (index, terms) in all.enumerated() {
      try bench.ledger.plans.add("plan\(index)", terms, at: Bench.noon)
      #expect(try bench.ledger.plans.named("plan\(index)")?.terms == terms)
    }
  }

  @Test func `and terms that contradict themselves are refused, and nothing is changed`() throws {
    let bench = try bench()
    let exempt = Terms(quota: 10, grace: Grace(percent: 5), isExempt: true)
    #expect(throws: LedgerError.self) {
      try bench.ledger.plans.add("odd", exempt, at: Bench.noon)
    }
    #expect(throws: LedgerError.self) { try bench.add("alice", exempt) }
    #expect(throws: LedgerError.self) {
      try bench.add("alice", Terms(quota: 0, grace: Grace(bytes: 5)))
    }
    #expect(throws: LedgerError.self) {
      try bench.ledger.users.add("alice", Terms(), plan: "nope", at: Bench.noon)
    }
    #expect(try bench.ledger.users.names().isEmpty)
    #expect(try bench.ledger.plans.all().map(\.name) == ["basic"])
  }
}

@Suite struct `A user's time` {
  private func lasting(_ seconds: Int64, from beginning: Lifetime.Beginning) -> TermsEdit {
    var edit = TermsEdit()
    edit.lifetime = .set(.lasting(seconds, from: beginning))
    return edit
  }

  private func expiry(_ bench: Bench, _ name: UserName = "alice") throws -> Int64? {
    try bench.ledger.periods.entitlement(of: name, at: Bench.noon)?.expiresAt
  }

  @Test func `is over at a second, for the door and the sweep`() throws {
    let bench = try Bench()
    try bench.add("alice", Terms(quota: 0, lifetime: .until(Bench.noon + 60)))
    let result = try bench.sweep(
      report([listed("alice", 1, 1)], at: Bench.noon + 30))
    for (time, verdict) in [
      (Bench.noon + 59, Verdict.allowed(at: nil)), (Bench.noon + 60, .refused(.expired)),
    ] {
      #expect(try bench.verdict(on: "alice", at: time) == verdict)
      let violations = try bench.ledger.sessions.violations(
        among: result.live, of: report([listed("alice", 1, 1)]), at: time)
      #expect(violations.map(\.reason) == (verdict.isAllowed ? [] : [.expired]))
    }
  }

  @Test func `begins with the first connection where it waits for that`() throws {
    let bench = try Bench()
    try bench.add("alice", Terms(lifetime: .lasting(600, from: .firstConnection)))
    #expect(try expiry(bench) == nil)
    _ = try bench.sweep(report([listed("alice", 1, 1)]))
    #expect(try expiry(bench) == Bench.noon + 600)
    try bench.move(1, by: "alice", at: Bench.noon + 300)
    #expect(try expiry(bench) == Bench.noon + 600, "once")
  }

  @Test func `begins with a session that only its hook has seen`() throws {
    let bench = try Bench()
    try bench.add("alice", Terms(lifetime: .lasting(600, from: .firstConnection)))
    try bench.close(final("alice", 1, 1, owner: "alice"))
    #expect(try expiry(bench) == Bench.noon + 600)
  }

  @Test func `begins now for a user who is connected`() throws {
    let bench = try Bench()
    try bench.add("alice", Terms(quota: 0))
    _ = try bench.sweep(report([listed("alice", 1, 1)]))
    _ = try bench.ledger.users.change(
      "alice", lasting(600, from: .firstConnection), at: Bench.noon + 100)
    #expect(try expiry(bench) == Bench.noon + 700)
  }

  @Test func `begins anew when it is set again, and not when something else is`() throws {
    let bench = try Bench()
    try bench.add("alice", Terms(quota: 0))
    _ = try bench.ledger.users.change("alice", lasting(600, from: .atOnce), at: Bench.noon)
    _ = try bench.ledger.users.change("alice", .quota(7), at: Bench.noon + 100)
    #expect(try expiry(bench) == Bench.noon + 600)
    _ = try bench.ledger.users.change("alice", lasting(600, from: .atOnce), at: Bench.noon + 200)
    #expect(try expiry(bench) == Bench.noon + 800)
  }

  @Test func `of a plan runs for each user, and follows a change of the plan`() throws {
    let bench = try Bench()
    try bench.ledger.plans.add(
      "trial", Terms(lifetime: .lasting(600, from: .firstConnection)), at: Bench.noon)
    for name in ["alice", "bob"] as [UserName] {
      _ = try bench.ledger.users.add(name, Terms(), plan: "trial", at: Bench.noon)
    }
    try bench.move(1, by: "alice", at: Bench.noon + 130)
    #expect(try expiry(bench) == Bench.noon + 700)
    _ = try bench.ledger.plans.change("trial", lasting(900, from: .firstConnection), at: Bench.noon)
    #expect(try expiry(bench) == Bench.noon + 1000)
    #expect(try expiry(bench, "bob") == nil)
    _ = try bench.ledger.users.change("alice", TermsEdit(), plan: .follow, at: Bench.noon)
    #expect(try expiry(bench) == nil)
  }
}
