import Quota
import TestSupport
import Testing

@testable import Ledger

/// Sessions, and what hooks left in the journal, of users who are renamed or removed meanwhile.
@Suite struct `A name that is taken away` {
  private let renamedAt = Bench.noon + 30

  /// A ledger with alice, quota 1000, and what else a test needs.
  private func bench(_ unknown: UnknownUsers = .allow) throws -> Bench {
    let bench = try Bench(rules: Rules(unknownUsers: unknown, defaultQuota: 7))
    _ = try bench.ledger.users.add("alice", Terms(quota: 1000), at: Bench.noon - 100)
    return bench
  }

  private func names(_ bench: Bench) throws -> [UserName] { try bench.ledger.users.names() }

  @Test func `takes a live session and its usage with it`() throws {
    let bench = try bench()
    _ = try bench.sweep(report([listed("alice", 10, 20)]))
    let renamed = try bench.ledger.users.rename("alice", to: "smith", at: Bench.noon + 60)
    #expect(renamed.openSessions == 1 && renamed.entitlement.quota == 1000)
    _ = try bench.sweep(
      report([listed("alice", 15, 25)], at: Bench.noon + 90))
    try bench.close(final("alice", 20, 30, owner: "alice", after: 120))
    #expect(try bench.used("smith") == 50)
    #expect(try names(bench) == ["smith"])
  }

  @Test func `is still whose it was for a session that the journal tells of`() throws {
    let bench = try bench()
    let ended = session("10.8.0.9", since: Bench.noon + 1, from: "192.0.2.1:9")
    _ = try bench.ledger.users.rename("alice", to: "smith", at: renamedAt)
    try bench.connect("alice")
    try bench.leave(final("alice", 1, 2, ended, owner: "alice", after: 20))
    let result = try bench.sweep(report([listed("alice", 10, 20)]))
    #expect(result.opened == 2)
    #expect(try bench.used("smith") == 33)
    #expect(try names(bench) == ["smith"])
  }

  @Test func `is a stranger's for a session that begins later`() throws {
    let bench = try bench()
    _ = try bench.ledger.users.rename("alice", to: "smith", at: renamedAt)
    let later = listed("alice", 10, 20, since: renamedAt + 1)
    _ = try bench.sweep(report([later], at: renamedAt + 60))
    #expect(try bench.used("smith") == 0 && bench.used("alice") == 30)
    #expect(try bench.ledger.periods.entitlement(of: "alice")?.quota == 7)
  }

  @Test func `is followed through several renamings, and to whom it was given since`() throws {
    let bench = try bench()
    _ = try bench.ledger.users.add("bob", Terms(quota: 0), at: Bench.noon)
    _ = try bench.ledger.users.rename("alice", to: "carol", at: renamedAt)
    _ = try bench.ledger.users.rename("bob", to: "alice", at: renamedAt + 1)
    _ = try bench.ledger.users.rename("carol", to: "bob", at: renamedAt + 2)
    let rows = [
      listed("alice", 1, 0, address: "10.8.0.2"), listed("bob", 0, 4, address: "10.8.0.3"),
    ]
    _ = try bench.sweep(report(rows))
    // Who was alice at the door is bob now, and the other way round.
    #expect(try bench.used("bob") == 1 && bench.used("alice") == 4)
  }

  @Test func `is not given twice`() throws {
    let bench = try bench()
    _ = try bench.ledger.users.add("bob", Terms(quota: 0), at: Bench.noon)
    for (name, newName) in [("alice", "bob"), ("nobody", "carol"), ("alice", "alice")]
      as [(UserName, UserName)]
    {
      #expect(throws: LedgerError.self) {
        try bench.ledger.users.rename(name, to: newName, at: renamedAt)
      }
    }
    #expect(try names(bench) == ["alice", "bob"])
    #expect(try bench.probe.events("renamed").count == 0)
  }

  @Test func `takes the user's events along, but for refusals`() throws {
    let bench = try bench()
    try bench.ledger.events.record(
      Event(at: Bench.noon, user: "alice", kind: .refused, detail: "quota", count: 3))
    _ = try bench.ledger.users.rename("alice", to: "smith", at: renamedAt)
    #expect(
      try bench.probe.events.count { $0.user == "smith" } == 2)
    #expect(try bench.probe.events.count { $0.user == "alice" } == 1)
  }

  @Test func `keeps the history of a removed user from the next one of that name`() throws {
    let bench = try bench()
    _ = try bench.sweep(report([listed("alice", 10, 20)]))
    try bench.close(final("alice", 10, 20, owner: "alice"))
    let before = try #require(try bench.probe.user("alice")).id
    let user = try bench.ledger.users.remove("alice", purgingHistory: false, at: Bench.noon + 200)
    #expect(user.entitlement.used.total == 30)
    #expect(
      try names(bench).isEmpty && bench.ledger.users.named("alice", at: Bench.noon + 210) == nil)
    #expect(try bench.ledger.periods.entitlement(of: "alice") == nil)
    _ = try bench.ledger.users.add("bob", Terms(quota: 5), at: Bench.noon + 210)
    _ = try bench.ledger.users.add("alice", Terms(quota: 5), at: Bench.noon + 210)
    #expect(try bench.ledger.periods.entitlement(of: "bob")?.used.total == 0)
    #expect(try bench.ledger.periods.entitlement(of: "alice")?.used.total == 0)
    for measure in [LedgerProbe.Measure.periods, .history, .sessions, .log] {
      #expect(try bench.probe.count(measure, ofUser: before) == 1)
    }
    #expect(try bench.probe.users.count { $0.quota != nil } == 2)
  }

  @Test(arguments: [UnknownUsers.allow, .ignore, .reject])
  func `leaves a live session to be judged as a stranger's`(unknown: UnknownUsers) throws {
    let bench = try bench(unknown)
    let first = report([listed("alice", 10, 20)])
    _ = try bench.sweep(first)
    let user = try bench.ledger.users.remove("alice", purgingHistory: false, at: Bench.noon + 70)
    #expect(user.openSessions == 1)
    let second = report([listed("alice", 15, 2000)], at: Bench.noon + 90)
    let result = try bench.sweep(second)
    // Every byte counts once, for the one who was removed, and nobody comes about by it.
    #expect(result.added == Traffic(received: 5, sent: 1980) && result.opened == 0)
    let violations = try bench.ledger.sessions.violations(among: result.live, of: second)
    #expect(violations.map(\.reason) == (unknown == .reject ? [.unknown] : []))
    #expect(violations.allSatisfy { $0.owner == "alice" })
    try bench.close(final("alice", 15, 2001, owner: "alice"))
    #expect(try names(bench).isEmpty)
    #expect(try bench.probe.totalUsage(by: .history).total == 2016)
  }

  @Test func `does not bring a removed user back by what the journal tells of`() throws {
    let bench = try bench()
    let ended = session("10.8.0.9", since: Bench.noon + 1, from: "192.0.2.1:9")
    try bench.connect("alice")
    try bench.leave(final("alice", 1, 2, ended, owner: "alice", after: 20))
    _ = try bench.ledger.users.remove("alice", purgingHistory: false, at: renamedAt)
    let result = try bench.sweep(report([listed("alice", 10, 20)]))
    #expect(result.opened == 2)
    #expect(try names(bench).isEmpty)
    // A client who comes in afterwards is a new user, as UNKNOWN_USERS=allow has it.
    let later = listed("alice", 5, 5, address: "10.8.0.3", since: renamedAt + 1)
    _ = try bench.sweep(report([later], at: Bench.noon + 90))
    #expect(try names(bench) == ["alice"] && bench.used("alice") == 10)
  }

  @Test func `goes with all history when that is purged`() throws {
    let bench = try bench()
    _ = try bench.ledger.users.rename("alice", to: "smith", at: Bench.noon)
    _ = try bench.sweep(report([listed("smith", 10, 20)]))
    try bench.close(final("smith", 10, 20, owner: "smith"))
    _ = try bench.ledger.users.add("bob", Terms(quota: 0), at: Bench.noon)
    try bench.close(final("bob", 1, 1, session("10.8.0.7"), owner: "bob"))
    try bench.probe.addForeignTable("user_protocols")
    _ = try bench.ledger.users.remove("smith", purgingHistory: true, at: Bench.noon + 200)
    #expect(try names(bench) == ["bob"] && bench.used("bob") == 2)
    for measure in LedgerProbe.Measure.allCases {
      #expect(try bench.probe.count(measure, ofUser: 1) == 0)
    }
    #expect(try bench.probe.count(ofForeignTable: "user_protocols") == 0)
    #expect(try bench.probe.users.count == 1)
    #expect(try bench.probe.events.count { $0.user == "smith" } == 1)
  }

  @Test func `never gives the id to another user`() throws {
    let bench = try bench()
    let id = try bench.ledger.users.id(of: "alice")
    _ = try bench.ledger.users.remove("alice", purgingHistory: true, at: Bench.noon + 100)
    _ = try bench.ledger.users.add("bob", Terms(quota: 0), at: Bench.noon + 200)
    let next = try #require(try bench.ledger.users.id(of: "bob"))
    #expect(next > id ?? .max)
  }

  @Test func `stays with a live session when history is purged`() throws {
    let bench = try bench(.reject)
    _ = try bench.sweep(report([listed("alice", 10, 20)]))
    _ = try bench.ledger.users.remove("alice", purgingHistory: true, at: Bench.noon + 70)
    #expect(try bench.probe.count(.history) == 0)
    let second = report([listed("alice", 15, 25)], at: Bench.noon + 90)
    let result = try bench.sweep(second)
    #expect(try bench.ledger.sessions.violations(among: result.live, of: second).count == 1)
    #expect(result.added.total == 10)
    #expect(try names(bench).isEmpty)
  }

  @Test func `can be removed and added again within one second`() throws {
    let bench = try bench()
    for _ in 1...3 {
      _ = try bench.ledger.users.remove("alice", purgingHistory: false, at: renamedAt)
      _ = try bench.ledger.users.add("alice", Terms(quota: 1), at: renamedAt)
    }
    #expect(try names(bench) == ["alice"])
    #expect(try bench.probe.users.count == 4)
  }
}
