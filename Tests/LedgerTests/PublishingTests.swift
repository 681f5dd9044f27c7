import Gate
import Quota
import SQLite
import System
import TestSupport
import Testing

@testable import Ledger

/// What an access table says, by names.
private struct Published: Equatable {
  struct User: Equatable {
    let user: AccessUser
    let boundaries: [Int64]
    let rates: AccessRates

    /// What a hook makes of it. A table says also what holds after the next boundaries, so that it is
    /// not written when a period begins.
    func entitlement(at time: Int64) -> Entitlement {
      user.entitlement(at: time, boundaries: boundaries, rates: rates, count: .total)
    }

    func isSame(as other: User, at time: Int64) -> Bool {
      let hasPassed = boundaries.contains { $0 <= time }
      return hasPassed ? entitlement(at: time) == other.entitlement(at: time) : self == other
    }
  }

  struct Session: Equatable {
    let session: AccessSession
    let process: AccessProcess
  }

  var users: [UserName: User] = [:]
  let userCount: Int
  var sessions: [Session] = []
  let version: UInt64
  let position: Int64

  init(in folder: String, names: [UserName]) throws {
    var table = try AccessTable(in: Directory(folder))
    (userCount, version) = (table.userCount, table.header.version)
    position = table.header.position
    for name in names {
      guard var user = try table.user(named: name.bytes) else { continue }
      let boundaries = try user.rule.map { rule throws in try table.boundaries(of: rule) } ?? []
      let rates = try user.rates.map { number throws in try table.rates(of: number) }
      (user.rule, user.rates) = (nil, nil)
      users[name] = User(user: user, boundaries: boundaries, rates: rates ?? AccessRates())
    }
    for index in 0..<table.sessionCount {
      var session = try table.session(index)
      let process = try table.process(session.process)
      let found = try table.sessions(
        server: process.server, pid: process.pid, connectedSince: session.connectedSince)
      #expect(found.contains(session))
      session.process = 0
      sessions.append(Session(session: session, process: process))
    }
  }
}

/// A random life of a ledger whose table is published after each thing that happens.
private struct Life {
  let bench: Bench
  private var chance: SeededRandom
  private var now = Bench.noon
  private var names: [UserName] = []
  /// All names there ever were.
  private var known: [UserName] = []
  private var sessions: [(identity: SessionIdentity, name: UserName, counters: Traffic)] = []
  private var made = 0
  private let settings = AccessSettings(onError: .allow, identifyBy: .commonName)
  private(set) var story: [String] = []

  init(seed: UInt64) throws {
    bench = try Bench(rules: Rules(notifyAt: [50], interval: 60, fence: true))
    try bench.ledger.database.execute("PRAGMA synchronous = OFF")
    chance = SeededRandom(seed: seed &* 0xd134_2543_de82_ef95)
    try bench.ledger.plans.add("basic", Terms(quota: 5000, period: .day), at: now)
    try bench.ledger.plans.add("large", Terms(quota: 90_000, period: .month(3)), at: now)
  }

  private mutating func number(_ range: Range<Int>) -> Int { .random(in: range, using: &chance) }

  /// One of a few rates, or none; past the quota none that may be faster than another.
  private mutating func rate(most: Int = 10) -> RateTerm {
    RateTerm(Rate(shared: Int64(number(6..<most + 1)) * 1000))
  }

  private mutating func someName() -> UserName? { names.randomElement(using: &chance) }

  mutating func go() throws {
    now += Int64(number(1..<50))
    let ledger = bench.ledger
    switch number(0..<18) {
    case 0, 1: try addUser()
    case 2, 3, 4: try connect()
    case 5, 6, 7: try listing()
    case 8: try leave()
    case 9:
      guard let name = someName() else { return }
      var edit = TermsEdit()
      edit.quota = .set(Int64(number(1..<9000)))
      if number(0..<3) == 0 { edit.period = .set(number(0..<2) == 0 ? .week(.friday) : .day) }
      if number(0..<3) == 0 { edit.lifetime = .set(.until(now + Int64(number(1..<90_000)))) }
      if number(0..<3) == 0 { edit.rate = .set(rate()) }
      if number(0..<3) == 0 { edit.thenRate = .set(rate(most: 8)) }
      story.append("change \(name) \(edit)")
      _ = try ledger.users.change(name, edit, at: now)
    case 10:
      guard let name = someName() else { return }
      story.append("grant \(name)")
      _ = try? ledger.grants.give(700, to: name, isCarried: number(0..<2) == 0, note: "", at: now)
    case 11:
      guard let name = someName() else { return }
      story.append("reset or disable \(name)")
      if number(0..<2) == 0 {
        _ = try ledger.users.reset(name, at: now)
      } else {
        _ = try ledger.users.setEnabled(number(0..<2) == 0, name, at: now)
      }
    case 12: try rename()
    case 13:
      guard let name = someName() else { return }
      story.append("remove \(name)")
      names.removeAll { $0 == name }
      _ = try ledger.users.remove(name, purgingHistory: number(0..<2) == 0, at: now)
    case 14:
      var edit = TermsEdit()
      edit.quota = .set(Int64(number(1..<9000)))
      if number(0..<3) == 0 { edit.thenRate = .set(rate(most: 8)) }
      story.append("plan")
      _ = try ledger.plans.change(number(0..<2) == 0 ? "basic" : "large", edit, at: now)
    case 15:
      now += Int64(number(3600..<200_000))
      story.append("\(now)")
    case 16:
      story.append("roll over")
      try ledger.periods.rollOver(at: now)
    default:
      // Another program changes something, and dies before it publishes that.
      guard let name = someName() else { return }
      story.append("another program changes \(name)")
      let other = try Ledger.open(
        bench.path, for: .writing, rules: ledger.rules, zone: .utc, at: moment(now))
      _ = try other.users.change(name, TermsEdit.quota(Int64(number(1..<9000))), at: now)
    }
  }

  private mutating func addUser() throws {
    let name = UserName("user\(known.count)")
    story.append("add \(name)")
    _ = try bench.ledger.users.add(
      name, Terms(maxSessions: 2), plan: [nil, "basic", "large"][number(0..<3)], at: now)
    names.append(name)
    known.append(name)
  }

  private mutating func rename() throws {
    guard let name = someName() else { return }
    let new = UserName("other\(known.count)")
    story.append("rename \(name) \(new)")
    _ = try bench.ledger.users.rename(name, to: new, at: now)
    names.removeAll { $0 == name }
    names.append(new)
    known.append(new)
  }

  private mutating func connect() throws {
    guard let name = someName() else { return }
    made += 1
    let identity = SessionIdentity(
      boot: 7, pid: 100, since: now, address: made % 5 == 0 ? "fd00::\(made)" : "10.8.0.\(made)",
      client: "192.0.2.\(made % 9):\(1000 + made)")
    story.append("connect \(name)")
    try bench.connect(name, identity)
    sessions.append((identity, name, Traffic()))
  }

  private mutating func listing() throws {
    for index in sessions.indices where number(0..<3) > 0 {
      sessions[index].counters += Traffic(received: Int64(number(0..<400)), sent: 7)
    }
    if number(0..<4) == 0, !sessions.isEmpty { sessions.removeLast() }
    let rows = sessions.map { session in
      listed(
        session.name, session.counters.received, session.counters.sent,
        address: session.identity.address, since: session.identity.since,
        from: session.identity.client)
    }
    story.append("listing of \(rows.count)")
    try bench.take([report(rows, at: now, position: bench.journalEnd())], at: now)
  }

  private mutating func leave() throws {
    guard let session = sessions.popLast() else { return }
    story.append("leave \(session.name)")
    var final = final(
      session.name, session.counters.received + 50, session.counters.sent, session.identity)
    final.duration = now - session.identity.since
    try bench.leave(final)
    try bench.take(at: now)
  }

  /// Publishes what was changed, then all of it anew, and compares.
  mutating func compare() throws {
    try bench.take(at: now)
    try bench.ledger.accessTable.publish(settings, at: moment(now))
    let changed = try Published(in: bench.folder.path, names: known)
    let other = try Ledger.open(
      bench.path, for: .writing, rules: bench.ledger.rules, zone: .utc, at: moment(now))
    // As if it had missed a change.
    other.access.changed(from: 0, to: 0)
    try other.accessTable.noteChange()
    try other.accessTable.publish(settings, at: moment(now))
    let whole = try Published(in: bench.folder.path, names: known)
    #expect(changed.version != whole.version)
    #expect(changed.userCount == whole.userCount)
    #expect(Set(changed.users.keys) == Set(whole.users.keys))
    for (name, user) in changed.users {
      let isSame = whole.users[name].map { user.isSame(as: $0, at: now) } ?? false
      #expect(isSame, "\(name) \(story) \(user) \(String(describing: whole.users[name]))")
    }
    #expect(changed.sessions == whole.sessions, "\(story)")
    #expect(changed.position == whole.position)
  }
}

@Suite struct `A published table` {
  @Test func `has a user whom another program added`() throws {
    let bench = try Bench()
    let settings = AccessSettings(onError: .allow, identifyBy: .auto)
    _ = try bench.ledger.users.add("alice", Terms(quota: 1000), at: Bench.noon)
    try bench.ledger.accessTable.publish(settings, at: moment(Bench.noon))
    try Connection(bench.path, busyTimeout: 0).execute(
      "INSERT INTO users (username, status) VALUES ('bob', 'active')")
    let other = try Ledger.open(
      bench.path, for: .writing, rules: bench.ledger.rules, zone: .utc, at: moment(Bench.noon + 60))
    try other.accessTable.publish(settings, at: moment(Bench.noon + 60))
    let table = try Published(in: bench.folder.path, names: ["alice", "bob"])
    #expect(table.users.keys.sorted { "\($0)" < "\($1)" } == ["alice", "bob"])
  }

  @Test(arguments: 0..<16 as Range<UInt64>)
  func `that follows on another one is the same as one written anew`(seed: UInt64) throws {
    var life = try Life(seed: seed)
    for _ in 0..<25 {
      for _ in 0..<Int(seed % 3 + 1) { try life.go() }
      try life.compare()
    }
  }
}
