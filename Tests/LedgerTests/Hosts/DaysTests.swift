import Quota
import TestSupport
import Testing

@testable import Ledger

private let (now, day) = (Bench.noon + 60, Int64(86_400))

@Suite struct `Days of hosts that share their users` {
  private func joined(_ users: String...) throws -> JoinedHosts {
    let joined = try JoinedHosts()
    try joined.change(on: 0) { ledger in
      for user in users {
        _ = try ledger.users.add(UserName(user), Terms(quota: 1000, period: .day), at: now)
      }
    }
    try joined.synchronize(at: now)
    return joined
  }

  private func expectAgreement(
    _ joined: JoinedHosts, sourceLocation: SourceLocation = #_sourceLocation
  )
    throws
  {
    for host in 0..<2 {
      let (told, own) = (joined.centre.days(of: "host\(host)"), try joined.days(of: joined[host]))
      #expect(told == own, sourceLocation: sourceLocation)
    }
  }

  @Test func `are told as they are, and only where they changed`() throws {
    let joined = try joined("alice", "bob")
    try joined.hosts[0].move(30, by: "alice", at: now)
    try joined.hosts[0].move(7, by: "bob", at: now + 3600)
    try joined.hosts[1].move(5, by: "alice", at: now)
    try joined.synchronize(at: now + 3600)
    try expectAgreement(joined)
    #expect(joined.centre.toldDays == 3)
    try joined.hosts[0].move(1, by: "alice", at: now + 7200)
    try joined.synchronize(at: now + 7200)
    try expectAgreement(joined)
    #expect(joined.centre.toldDays == 4)
    try joined.synchronize(at: now + 7300)
    #expect(joined.centre.toldDays == 4)
  }

  @Test func `are told where the day ended between counting and telling, or long ago`() throws {
    let joined = try joined("alice", "bob")
    try joined.hosts[0].move(30, by: "alice", at: now)
    try joined.synchronize(at: now)
    try joined.hosts[0].move(2, by: "alice", at: now + 10)
    try joined.hosts[0].move(3, by: "bob", at: now + day)
    try joined.hosts[0].move(4, by: "alice", at: now + 2 * day)
    try joined.synchronize(at: now + 4 * day)
    try expectAgreement(joined)
    #expect(joined.centre.days(of: "host0").count == 3)
  }

  @Test func `are told again where something is counted for them late`() throws {
    let joined = try joined("alice", "bob")
    try joined.hosts[0].move(30, by: "alice", at: now)
    try joined.hosts[0].move(31, by: "bob", at: now)
    try joined.synchronize(at: now)
    try joined.synchronize(at: now + 3 * day)
    let before = joined.centre.toldDays
    try joined.hosts[0].move(2, by: "alice", at: now + 10)
    try joined.hosts[0].move(9, by: "carol", at: now + 11)
    try joined.synchronize(at: now + 3 * day)
    try expectAgreement(joined)
    #expect(joined.centre.toldDays == before + 2)
    #expect(try !joined[0].database.exists("SELECT 1 FROM late_days"))
  }

  @Test func `keep what was counted between reading and noting it`() throws {
    let joined = try joined("alice")
    try joined.hosts[0].move(30, by: "alice", at: now)
    try joined.synchronize(at: now + 3 * day)
    try joined.hosts[0].move(2, by: "alice", at: now + 10)
    let hosts = joined[0].hosts
    let late = try hosts.lateDays(limit: 10)
    #expect(late.map(\.traffic.total) == [32])
    try joined.hosts[0].move(3, by: "alice", at: now + 20)
    try hosts.noteTold(late)
    #expect(try hosts.lateDays(limit: 10).map(\.traffic.total) == [35])
    // The day does not turn while there is something to tell.
    try hosts.noteTold(before: Day(of: now + 9 * day, in: .utc), keepingFrom: .beforeEveryLedger)
    #expect(try hosts.toldDay() == Day(of: now + 3 * day, in: .utc))
  }

  @Test func `from before a host joined are told once, those of removed users too`() throws {
    let joined = try joined("alice")
    let late = try Bench()
    for ago in [900, 300, 2, 1, 0] as [Int64] {
      try late.move(ago + 1, by: "alice", at: now - ago * day)
      try late.move(7, by: "bob", at: now - ago * day)
    }
    _ = try late.ledger.users.remove("bob", purgingHistory: false, at: now)
    try late.ledger.hosts.join(as: "late", id: "9")
    try joined.centre.synchronize(late.ledger, at: now)
    let told = joined.centre.days(of: "late")
    // Not what is older than history is kept.
    #expect(told.map(\.traffic.total).sorted() == [1, 2, 3, 7, 7, 7, 7, 301])
    let rows = joined.centre.toldDays
    try joined.centre.synchronize(late.ledger, at: now)
    #expect(joined.centre.toldDays == rows)
    // It leaves and comes again: the same rows, none twice.
    try late.ledger.hosts.leave()
    try late.ledger.hosts.join(as: "late", id: "9")
    try joined.centre.synchronize(late.ledger, at: now)
    #expect(joined.centre.days(of: "late") == told)
  }

  @Test func `of a host that shared its users before there were days are told once`() throws {
    let joined = try joined("alice")
    try joined.hosts[0].move(30, by: "alice", at: now - day)
    try joined.hosts[0].move(31, by: "alice", at: now)
    try joined.synchronize(at: now)
    try joined[0].database.execute(
      "DELETE FROM meta WHERE name IN ('sync.day', 'sync.history'); DELETE FROM late_days")
    try joined.hosts[0].makeSchema(6)
    let ledger = try Ledger.open(
      joined.hosts[0].path, for: .writing, rules: Rules(), zone: .utc)
    let centre = joined.centre
    let before = centre.toldDays
    for _ in 0..<2 { try centre.synchronize(ledger, at: now) }
    try expectAgreement(joined)
    #expect(centre.toldDays == before + 2)
  }

  @Test func `are taken back from the centre after an old backup was restored`() throws {
    let joined = try joined("alice", "bob")
    try joined.hosts[0].move(10, by: "alice", at: now)
    try joined.synchronize(at: now)
    let old = try joined.hosts[0].backUp()
    try joined.hosts[0].move(5, by: "alice", at: now + 10)
    try joined.synchronize(at: now + 20)
    try joined.hosts[0].move(6, by: "alice", at: now + day)
    try joined.hosts[0].move(7, by: "bob", at: now + 2 * day)
    try joined.synchronize(at: now + 2 * day)
    let told = joined.centre.days(of: "host0")
    try joined.hosts[0].restore(old)
    let restored = try Ledger.open(
      joined.hosts[0].path, for: .writing, rules: Rules(), zone: .utc)
    let first = try #require(try restored.hosts.membership()?.toldDay)
    try restored.hosts.startOver()
    for day in Set(told.map(\.day)).sorted() where day >= first {
      try restored.hosts.takeOwn(told.filter { $0.day == day }, on: day)
    }
    try restored.hosts.takeOwn(joined.centre.usage(of: "host0"), at: now + 2 * day)
    try joined.centre.synchronize(restored, at: now + 2 * day)
    #expect(joined.centre.days(of: "host0") == told)
    #expect(try joined.days(of: restored) == told)
  }

  @Test func `are nothing to a host by itself`() throws {
    let bench = try Bench()
    try bench.move(10, by: "alice", at: now)
    try bench.move(5, by: "alice", at: now - 2 * day)
    #expect(try bench.ledger.hosts.toldDay() == nil)
    #expect(try !bench.ledger.database.exists("SELECT 1 FROM late_days"))
    #expect(try !bench.ledger.database.exists("SELECT 1 FROM meta WHERE name LIKE 'sync.%'"))
  }
}
