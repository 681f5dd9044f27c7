import Gate
import Quota
import SQLite
import System
import TestSupport
import Testing

@testable import Ledger

/// Users whose names are one by `NAMES=fold`.
@Suite struct `Names that are folded` {
  private func bench(_ users: UserName..., unknown: UnknownUsers = .allow) throws -> Bench {
    let bench = try Bench(rules: Rules(unknownUsers: unknown, names: .fold, defaultQuota: 500))
    for name in users {
      _ = try bench.ledger.users.add(name, Terms(quota: 1000), at: Bench.noon - 100)
    }
    return bench
  }

  @Test func `bill every spelling to the user who is there`() throws {
    let bench = try bench("Jürgen")
    let spellings: [UserName] = ["jürgen", "JÜRGEN", " Jürgen ", "Jürgen"]
    for (number, name) in spellings.enumerated() {
      let client = session("10.8.0.\(number + 2)", from: "192.0.2.1:\(number + 1)")
      try bench.close(final(name, 10, 0, client, owner: name))
    }
    let row = listed("JÜRGEN ", 5, 0, address: "10.8.0.9", from: "192.0.2.9:9")
    _ = try bench.sweep(report([row], at: Bench.noon + 300))
    #expect(try bench.used("Jürgen") == 45)
    #expect(try bench.ledger.users.names() == ["Jürgen"])
  }

  @Test func `make one new user of a stranger, in small letters`() throws {
    let bench = try bench()
    for (number, name) in (["ALICE", "Alice", "alice "] as [UserName]).enumerated() {
      try bench.close(final(name, 100, 0, session(since: Bench.noon + Int64(number)), owner: name))
    }
    #expect(try bench.ledger.users.names() == ["alice"])
    #expect(try bench.used("alice") == 300)
    #expect(try bench.ledger.periods.entitlement(of: "ALICE")?.quota == 500)
  }

  @Test func `are taken in every spelling by what administers`() throws {
    let bench = try bench("Alice")
    let (ledger, time) = (bench.ledger, Bench.noon)
    #expect(throws: LedgerError.self) { try ledger.users.add("ALICE", Terms(), at: time) }
    #expect(try ledger.users.named("ALICE", at: time)?.name == "Alice")
    #expect(try ledger.users.setEnabled(false, "aLICE", at: time).user.name == "Alice")
    var edit = TermsEdit()
    edit.quota = .set(77)
    #expect(try ledger.users.change("alice ", edit, at: time).user.entitlement.quota == 77)
    #expect(
      try ledger.grants.give(5, to: "ALICE", isCarried: true, note: "", at: time).user.name
        == "Alice")
    #expect(try ledger.grants.list(of: "alice", at: time).count == 1)
    #expect(try ledger.users.rename("ALICE", to: "alice", at: time).name == "alice")
    #expect(try ledger.users.rename("ALICE", to: "Bob", at: time).name == "Bob")
    #expect(throws: LedgerError.self) { try ledger.users.rename("BOB", to: "Bob", at: time) }
    let events = try ledger.events.list(about: "BOB", in: 0..<Int64.max)
    #expect(events.count > 4 && events.allSatisfy { $0.user == "Bob" })
    #expect(try ledger.users.remove("bOB", purgingHistory: false, at: time).name == "Bob")
    #expect(try ledger.users.names().isEmpty)
  }

  @Test func `keep a session with whom it began under any spelling`() throws {
    let bench = try bench("Alice")
    try bench.connect("ALICE")
    _ = try bench.ledger.users.rename("alice", to: "smith", at: Bench.noon + 30)
    try bench.close(final("alice", 20, 30))
    #expect(try bench.used("smith") == 50)
    #expect(try bench.ledger.users.names() == ["smith"])
    // A session that begins later is a stranger's.
    try bench.close(final("ALICE", 1, 0, session(since: Bench.noon + 90), owner: "ALICE"))
    #expect(try bench.ledger.users.names() == ["alice", "smith"])
  }

  @Test func `tell of a refusal under the user's own spelling`() throws {
    let bench = try bench("Alice")
    try bench.append(.out, session(), "alice", at: Bench.noon, reason: .quota)
    try bench.take()
    #expect(
      try bench.ledger.events.list(about: "ALICE", in: 0..<Int64.max).contains {
        $0.kind == "refused"
      })
    #expect(try bench.probe.events("refused").map(\.user) == ["Alice"])
  }

  @Test func `give new sessions to the oldest of several, and say so`() throws {
    let bench = try Bench()
    for name in ["alice", "ALICE", "bob", " alice"] as [UserName] {
      _ = try bench.ledger.users.add(name, Terms(), at: Bench.noon - 100)
    }
    #expect(try bench.ledger.users.namesakes().isEmpty)
    try bench.connect("ALICE")
    _ = try bench.sweep(report([listed("ALICE", 5, 0)]))
    let folding = try Ledger.open(
      bench.path, for: .writing, rules: Rules(names: .fold), zone: .utc)
    #expect(try folding.users.namesakes() == [["alice", "ALICE", " alice"]])
    // The session that is on stays whose it was.
    try bench.leave(final("ALICE", 9, 0))
    try bench.leave(final("ALICE", 2, 0, session(since: Bench.noon + 95), owner: "ALICE"))
    _ = try folding.reconcile(
      journal: Directory(bench.folder.path), at: moment(Bench.noon + 200))
    #expect(try bench.used("ALICE") == 9 && bench.used("alice") == 2)
    _ = try folding.users.remove("alice", purgingHistory: false, at: Bench.noon + 300)
    #expect(try folding.users.namesakes() == [["ALICE", " alice"]])
    #expect(try folding.users.named("alice", at: Bench.noon)?.name == "ALICE")
  }

  @Test func `stand in the access table as they are looked up`() throws {
    let bench = try bench("Alice", unknown: .reject)
    try bench.ledger.accessTable.publish(
      AccessSettings(onError: .allow, identifyBy: .auto), at: moment(Bench.noon))
    var table = try AccessTable(in: Directory(bench.folder.path))
    #expect(table.header.names == .fold)
    #expect(try table.user(named: Names.fold.key(of: Array("ALICE".utf8))) != nil)
    let exact = try Ledger.open(bench.path, for: .writing, rules: Rules(), zone: .utc)
    try exact.accessTable.publish(
      AccessSettings(onError: .allow, identifyBy: .auto), at: moment(Bench.noon))
    table = try AccessTable(in: Directory(bench.folder.path))
    #expect(table.header.names == .exact)
    #expect(try table.user(named: Array("alice".utf8)) == nil)
    #expect(try table.user(named: Array("Alice".utf8)) != nil)
  }

  @Test func `are found of users whom another program added, or an earlier version`() throws {
    let bench = try Bench()
    _ = try bench.ledger.users.add("Alice", Terms(quota: 1000), at: Bench.noon)
    let database = try Connection(bench.path, .creating, busyTimeout: 0)
    try database.execute("INSERT INTO users (username) VALUES ('BOB')")
    try bench.makeSchema(3)
    let folding = try Ledger.open(
      bench.path, for: .writing, rules: Rules(names: .fold), zone: .utc)
    #expect(try folding.users.named("ALICE", at: Bench.noon)?.name == "Alice")
    #expect(try folding.users.named("bob", at: Bench.noon)?.name == "BOB")
  }

  @Test func `make no two users of one import`() throws {
    let bench = try bench("Alice")
    let users = ["bob", "BOB"].map { UserEdit(name: UserName($0)) }
    #expect(throws: ImportError.self) {
      try bench.ledger.users.import(users, plans: [], at: Bench.noon, progress: { _ in })
    }
    #expect(try bench.ledger.users.names() == ["Alice"])
    var alice = UserEdit(name: "ALICE")
    alice.terms.quota = .set(5)
    let result = try bench.ledger.users.import(
      [alice], plans: [], at: Bench.noon, progress: { _ in })
    #expect(result.added.isEmpty && result.changed.count == 1)
    #expect(try bench.ledger.periods.entitlement(of: "alice")?.quota == 5)
  }
}

@Suite struct `A name in the journal` {
  @Test(arguments: [
    (IdentifyBy.auto, "certificate"), (.commonName, "certificate"), (.username, "alice"),
  ])
  func `is chosen by IDENTIFY_BY where nothing but the end of a session is known`(
    setting: IdentifyBy, name: String
  ) throws {
    let bench = try Bench(rules: Rules(identifyBy: setting))
    var end = bench.record(
      .end, session(), "certificate", at: Bench.noon + 90, mark: 1,
      counters: Traffic(received: 10_000, sent: 30), duration: 90)
    end.username = Array("alice".utf8)
    try bench.append(end)
    try bench.take(at: Bench.noon + 90)
    #expect(try bench.probe.names == [name])
    #expect(try bench.used(name) == 10_030)
  }

  @Test func `has no control characters, as no client's has, whoever wrote it`() throws {
    let bench = try Bench()
    _ = try bench.ledger.users.add("alice", Terms(quota: 1000), at: Bench.noon - 100)
    _ = try bench.ledger.users.remove("alice", purgingHistory: false, at: Bench.noon - 50)
    let former = UserName(bytes: Array("alice".utf8) + [1] + Array("\(Bench.noon - 50)".utf8))
    for name in [former, "a\tb\n"] {
      try bench.close(final(name, 10, 0, session(since: Bench.noon), owner: name))
    }
    #expect(try bench.ledger.users.names().count == 2)
    #expect(try bench.ledger.users.names().allSatisfy { $0.bytes.allSatisfy { $0 >= 0x20 } })
  }
}
