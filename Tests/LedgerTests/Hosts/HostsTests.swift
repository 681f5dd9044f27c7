import Gate
import Quota
import System
import TestSupport
import Testing

@testable import Ledger

private let (now, day) = (Bench.noon + 60, Int64(86_400))

@Suite struct `Hosts that share their users` {
  @Test func `have a user who was added on one of them, with all terms`() throws {
    let joined = try JoinedHosts()
    let terms = Terms(
      quota: 5000, period: .week(.wednesday), lifetime: .lasting(7 * day, from: .atOnce),
      maxSessions: 3, grace: Grace(bytes: 10, percent: 5), isExempt: false)
    try joined.change(on: 0) {
      try $0.plans.add("basic", Terms(quota: 700, rate: nil), at: now)
      _ = try $0.users.add("alice", terms, at: now)
      _ = try $0.users.add("bob \u{1F600}", Terms(maxSessions: 1), plan: "basic", at: now)
      _ = try $0.users.setEnabled(false, "bob \u{1F600}", at: now)
    }
    #expect(try joined[0].users.names().isEmpty)
    try joined.synchronize()
    for host in 0..<2 {
      let alice = try #require(try joined[host].users.named("alice", at: now))
      #expect(alice.own == terms)
      #expect(alice.begunAt == now)
      let bob = try #require(try joined[host].users.named("bob \u{1F600}", at: now))
      #expect(bob.entitlement.quota == 700 && !bob.entitlement.isEnabled)
      #expect(bob.own == Terms(maxSessions: 1) && bob.plan?.name == "basic")
      #expect(try joined[host].hosts.newFacts().isEmpty)
    }
    try joined.change(on: 1) {
      var edit = TermsEdit()
      edit.quota = .set(900)
      _ = try $0.plans.change("basic", edit, at: now)
      edit.quota = .follow
      edit.lifetime = .set(.unlimited)
      _ = try $0.users.change("alice", edit, plan: .set("basic"), at: now)
    }
    try joined.synchronize()
    for host in 0..<2 {
      let alice = try #require(try joined[host].users.named("alice", at: now))
      #expect(alice.entitlement.quota == 900 && alice.entitlement.expiresAt == nil)
      #expect(try joined[host].users.named("bob \u{1F600}", at: now)?.entitlement.quota == 900)
    }
  }

  @Test func `refuse a user on each of them by what was used on all`() throws {
    let joined = try JoinedHosts(3)
    try joined.change(on: 0) {
      _ = try $0.users.add("alice", Terms(quota: 100, period: .day), at: now)
    }
    try joined.synchronize()
    for host in joined.hosts { try host.move(30, by: "alice", at: now) }
    try joined.synchronize()
    for host in joined.hosts { #expect(try host.verdict(on: "alice", at: now).isAllowed) }
    try joined.hosts[2].move(10, by: "alice", at: now)
    try joined.synchronize()
    for host in joined.hosts {
      #expect(try host.verdict(on: "alice", at: now) == .refused(.quota))
      #expect(try host.ledger.users.named("alice", at: now)?.entitlement.usedInAll.total == 100)
      #expect(try host.probe.bytesUsed["alice"] == 100)
    }
    // A new period begins at nothing, though nobody has told of it yet.
    for host in joined.hosts {
      #expect(try host.verdict(on: "alice", at: now + day).isAllowed)
    }
    try joined.hosts[0].move(99, by: "alice", at: now + day)
    try joined.hosts[1].move(1, by: "alice", at: now + day)
    try joined.synchronize(at: now + day)
    for host in joined.hosts {
      #expect(try host.verdict(on: "alice", at: now + day) == .refused(.quota))
    }
    // What came late still belongs to the day before.
    try joined.hosts[1].move(5, by: "alice", at: now + 1)
    try joined.synchronize(at: now + day)
    let told = joined.centre.usage(of: "host1").map(\.traffic.total).sorted()
    #expect(told == [1, 35])
  }

  @Test func `let a user in again on all of them by a grant on one`() throws {
    let joined = try JoinedHosts()
    try joined.change(on: 0) {
      _ = try $0.users.add("alice", Terms(quota: 100, period: .day), at: now)
    }
    try joined.synchronize()
    for host in joined.hosts { try host.move(60, by: "alice", at: now) }
    try joined.synchronize()
    try joined.change(on: 1) {
      _ = try $0.grants.give(50, to: "alice", isCarried: false, note: "a\tgift", at: now)
      _ = try $0.grants.give(7, to: "alice", isCarried: true, note: "", at: now)
    }
    try joined.synchronize()
    for host in joined.hosts {
      #expect(try host.verdict(on: "alice", at: now).isAllowed)
      #expect(try host.ledger.grants.list(of: "alice", at: now).map(\.left) == [30, 7])
      #expect(try host.ledger.grants.list(of: "alice", at: now).map(\.note) == ["a\tgift", ""])
    }
    try joined.change(on: 0) { _ = try $0.grants.revoke(1, of: "alice", at: now) }
    try joined.synchronize()
    for host in joined.hosts {
      #expect(try host.verdict(on: "alice", at: now) == .refused(.quota))
      #expect(try host.ledger.grants.list(of: "alice", at: now).map(\.left) == [0, 0])
    }
  }

  @Test func `take from a carried grant what was used on all, in a late period too`() throws {
    let joined = try JoinedHosts()
    try joined.change(on: 0) {
      _ = try $0.users.add("alice", Terms(quota: 100, period: .day), at: now)
      _ = try $0.grants.give(50, to: "alice", isCarried: true, note: "", at: now)
    }
    try joined.synchronize()
    for host in joined.hosts { try host.move(60, by: "alice", at: now) }
    try joined.synchronize()
    // The other one hears of the next period before it counts anything in it.
    try joined.hosts[1].move(1, by: "alice", at: now + day)
    try joined.synchronize(at: now + day)
    let left = try joined.hosts.map { host in
      try host.ledger.grants.list(of: "alice", at: now + day).map(\.left)
    }
    #expect(left == [[30], [30]])
    try joined.hosts[0].move(2, by: "alice", at: now + 1)
    #expect(try joined[0].grants.list(of: "alice", at: now + day).map(\.left) == [30])
  }

  @Test func `keep what they counted before they heard of a reset out of the new period`() throws {
    let joined = try JoinedHosts()
    try joined.change(on: 0) {
      _ = try $0.users.add("alice", Terms(quota: 100, period: .day), at: now)
    }
    try joined.synchronize()
    for host in joined.hosts { try host.move(40, by: "alice", at: now) }
    try joined.change(on: 0) { _ = try $0.users.reset("alice", at: now + 10) }
    // The other host does not know yet.
    try joined.hosts[1].move(5, by: "alice", at: now + 20)
    try joined.synchronize(at: now + 30)
    for host in 0..<2 {
      let alice = try #require(try joined[host].users.named("alice", at: now + 30))
      #expect(alice.entitlement.usedInAll.isZero)
      #expect(alice.entitlement.span.start == now + 10)
    }
    #expect(joined.centre.usage(of: "host1").map(\.traffic.total) == [45])
    try joined.hosts[1].move(3, by: "alice", at: now + 40)
    try joined.synchronize(at: now + 40)
    #expect(
      try joined[0].users.named("alice", at: now + 40)?.entitlement.elsewhere.total == 3)
  }

  @Test func `wait with a reset whose second is yet to come by their clock`() throws {
    let joined = try JoinedHosts()
    try joined.change(on: 0) { _ = try $0.users.add("alice", Terms(quota: 100), at: now) }
    try joined.synchronize()
    for host in joined.hosts { try host.move(40, by: "alice", at: now) }
    try joined.change(on: 0) { _ = try $0.users.reset("alice", at: now + 10) }
    try joined.synchronize(at: now + 5)
    #expect(try joined[1].users.named("alice", at: now + 5)?.entitlement.used.total == 40)
    try joined.synchronize(at: now + 10)
    #expect(try joined[1].users.named("alice", at: now + 10)?.entitlement.used.total == 0)
  }

  @Test func `know users by their uids, whatever their names become`() throws {
    let joined = try JoinedHosts()
    try joined.change(on: 0) {
      for name in ["alice", "bob", "carol"] {
        _ = try $0.users.add(UserName(name), Terms(), at: now)
      }
    }
    try joined.synchronize()
    for (bytes, name) in [(1, "alice"), (2, "bob"), (3, "carol")] as [(Int64, UserName)] {
      try joined.hosts[1].move(bytes, by: name, at: now)
    }
    try joined.change(on: 0) {
      _ = try $0.users.rename("alice", to: "x", at: now)
      _ = try $0.users.rename("bob", to: "alice", at: now)
      _ = try $0.users.rename("x", to: "bob", at: now)
      _ = try $0.users.rename("carol", to: "dave", at: now)
    }
    try joined.synchronize()
    #expect(try joined[1].users.names() == ["alice", "bob", "dave"])
    for (bytes, name) in [(2, "alice"), (1, "bob"), (3, "dave")] as [(Int64, UserName)] {
      #expect(try joined[1].users.named(name, at: now)?.entitlement.used.total == bytes)
      #expect(try joined[0].users.named(name, at: now)?.entitlement.elsewhere.total == bytes)
    }
  }

  @Test func `give a new user of a removed one's name nothing of theirs`() throws {
    let joined = try JoinedHosts()
    try joined.change(on: 0) { _ = try $0.users.add("alice", Terms(quota: 50), at: now) }
    try joined.synchronize()
    for host in joined.hosts { try host.move(50, by: "alice", at: now) }
    try joined.synchronize()
    try joined.change(on: 0) { _ = try $0.users.remove("alice", purgingHistory: true, at: now) }
    try joined.centre.synchronize(joined[0])
    try joined.change(on: 0) { _ = try $0.users.add("alice", Terms(quota: 60), at: now) }
    // The other host hears of both at once.
    try joined.synchronize()
    for host in joined.hosts {
      let alice = try #require(try host.ledger.users.named("alice", at: now))
      #expect(alice.entitlement.quota == 60 && alice.entitlement.usedInAll.isZero)
    }
  }

  @Test func `make one user of those whom several saw for the first time`() throws {
    let joined = try JoinedHosts(rules: Rules(defaultQuota: 100))
    try joined.hosts[0].close(final("alice", 10, 20, owner: "alice"))
    try joined.hosts[1].close(final("alice", 30, 40, owner: "alice"))
    try joined.synchronize(at: now + 60)
    for host in joined.hosts {
      let alice = try #require(try host.ledger.users.named("alice", at: now + 60))
      #expect(alice.entitlement.usedInAll == Traffic(received: 40, sent: 60))
      #expect(try host.verdict(on: "alice", at: now + 60) == .refused(.quota))
    }
    #expect(try joined[0].hosts.changedFacts().isEmpty)
  }

  @Test func `give a user whom the centre has no grants but those of the centre`() throws {
    let joined = try JoinedHosts()
    let terms = Terms(quota: 100, period: .day)
    _ = try joined[1].users.add("alice", terms, at: now)
    _ = try joined[1].grants.give(50, to: "alice", isCarried: false, note: "", at: now)
    _ = try joined[1].grants.give(7, to: "alice", isCarried: true, note: "", at: now)
    try joined.change(on: 0) { _ = try $0.users.add("alice", terms, at: now) }
    try joined.synchronize()
    for host in joined.hosts {
      #expect(try host.ledger.grants.list(of: "alice", at: now).isEmpty)
      #expect(try host.ledger.users.named("alice", at: now)?.entitlement.limit == 100)
    }
  }

  @Test func `tell the second of two administrators that the first was there`() throws {
    let joined = try JoinedHosts()
    try joined.change(on: 0) { _ = try $0.users.add("alice", Terms(quota: 1), at: now) }
    try joined.synchronize()
    func set(_ quota: Int64, on host: Int) throws -> Bool {
      try joined.change(on: host) {
        var edit = TermsEdit()
        edit.quota = .set(quota)
        _ = try $0.users.change("alice", edit, at: now)
      }
    }
    #expect(try set(2, on: 0))
    #expect(try !set(3, on: 1))
    #expect(try joined.change(on: 0) { _ = try $0.users.add("bob", Terms(), at: now) })
    #expect(try !joined.change(on: 1) { _ = try $0.users.add("bob", Terms(), at: now) })
    try joined.synchronize()
    #expect(try set(3, on: 1))
    try joined.synchronize()
    #expect(try joined[0].users.named("alice", at: now)?.entitlement.quota == 3)
  }

  @Test func `keep what a later version says of a user, and change no more than they mean to`()
    throws
  {
    let joined = try JoinedHosts()
    try joined.change(on: 0) { _ = try $0.users.add("alice", Terms(quota: 1), at: now) }
    try joined.synchronize()
    let uid = try #require(joined.centre.fact(.user, named: "alice")).key
    try joined.centre.amend(.user, uid, ["color": "blue"])
    try joined.synchronize()
    try joined.change(on: 1) {
      var edit = TermsEdit()
      edit.quota = .set(2)
      _ = try $0.users.change("alice", edit, at: now)
    }
    let fact = try #require(joined.centre.fact(.user, named: "alice"))
    #expect(
      fact.content == ["name": "alice", "status": "active", "quota": "2", "color": "blue"])
  }

  @Test func `leave out a fact that makes no sense, and take in the others`() throws {
    let bench = try Bench()
    try bench.ledger.hosts.join(as: "host", id: "1")
    func user(_ key: String, _ version: Int64, _ content: [String: String]) -> SharedFact {
      SharedFact(kind: .user, key: key, content: content, version: version)
    }
    let problems = try bench.ledger.hosts.takeIn(
      [
        user("1", 1, ["name": "alice", "quota": "many"]), user("2", 2, ["quota": "5"]),
        user("3", 3, ["name": "bob", "plan": "gold"]), user("4", 4, ["name": "carol"]),
        SharedFact(kind: .grant, key: "4/x", content: [:], version: 4),
        SharedFact(
          kind: .grant, key: "4/1", content: ["at": "1", "bytes": "5", "period_start": "May"],
          version: 4),
      ], at: now)
    #expect(
      problems == [
        "user 1: quota is many", "user 2: no name", "user 3: there is no plan gold",
        "grant 4/x: no number, time or amount", "grant 4/1: period_start is May",
      ])
    #expect(try bench.ledger.users.names() == ["carol"])
    #expect(try bench.ledger.hosts.membership()?.factsSeen == 4)
  }

  @Test func `have a user's time begin with their first connection on any of them`() throws {
    let joined = try JoinedHosts()
    try joined.change(on: 0) {
      _ = try $0.users.add(
        "alice", Terms(lifetime: .lasting(100, from: .firstConnection)), at: now)
    }
    try joined.synchronize()
    // Both see a first connection; the later one is told first.
    try joined.hosts[1].close(final("alice", 1, 1, session(since: now + 30), owner: "alice"))
    try joined.centre.synchronize(joined[1], at: now + 120)
    try joined.hosts[0].close(final("alice", 1, 1, session(since: now + 20), owner: "alice"))
    try joined.synchronize(at: now + 120)
    for host in joined.hosts {
      #expect(
        try host.ledger.users.named("alice", at: now + 120)?.entitlement.expiresAt == now + 120)
    }
  }

  @Test func `count sessions on others at the door, and disconnect for their own only`() throws {
    let joined = try JoinedHosts()
    try joined.change(on: 0) { _ = try $0.users.add("alice", Terms(maxSessions: 2), at: now) }
    try joined.synchronize()
    for (host, address) in [(0, "10.8.0.2"), (1, "10.8.0.3"), (1, "10.8.0.4")] {
      let since = now - 40 + Int64(host)
      try joined.hosts[host].connect("alice", session(address, since: since))
      try joined.hosts[host].take(at: now)
    }
    try joined.synchronize()
    let directory = try Directory(joined.hosts[0].folder.path)
    try joined[0].accessTable.publish(
      AccessSettings(onError: .allow, identifyBy: .auto), at: moment(now))
    var table = try AccessTable(in: directory)
    #expect(try table.user(named: Array("alice".utf8))?.maxSessions == -1)
    let alice = try #require(try joined[0].users.named("alice", at: now)).entitlement
    #expect(decide(alice, at: now, by: Rules()) == .refused(.sessions))
    let report = report([listed("alice", 1, 1, since: now - 40)], at: now)
    let live = try joined.hosts[0].sweep(report).live
    #expect(live.count == 1)
    #expect(try joined[0].sessions.violations(among: live, of: report).isEmpty)
  }

  @Test func `have a share of what is left of users who are on several of them, for the fence`()
    throws
  {
    let joined = try JoinedHosts(3, rules: Rules(fence: true))
    try joined.change(on: 0) {
      for name in ["alice", "bob"] as [UserName] {
        _ = try $0.users.add(name, Terms(quota: 1000), at: now)
      }
    }
    try joined.synchronize()
    func share(of name: String = "alice") throws -> HostShare? {
      try joined[0].accessTable.publish(
        AccessSettings(onError: .allow, identifyBy: .auto), at: moment(now))
      let table = try AccessTable(in: Directory(joined.hosts[0].folder.path))
      return try table.allShares()[table.header.hash(of: Array(name.utf8).span)]
    }
    func mostBeyond(_ rules: Rules) throws -> Int64? {
      let user = try #require(try joined[0].users.named("alice", at: now))
      return try joined[0].hosts.membership()?.mostBeyond(for: user, by: rules)
    }
    #expect(try share() == nil)
    #expect(try mostBeyond(Rules()) == 2000)
    // A user who is nowhere has all of it on each host that they come to.
    let fenced = Rules(fence: true, staleness: Staleness(.reject))
    #expect(try mostBeyond(fenced) == 2000)
    for host in 0..<2 {
      try joined.hosts[host].connect("alice", session("10.8.0.2", since: now - 40))
      try joined.hosts[host].take(at: now)
    }
    try joined.hosts[0].move(100, by: "alice", at: now)
    try joined.hosts[1].move(200, by: "alice", at: now)
    #expect(try share() == nil)
    try joined.synchronize()
    #expect(try share() == HostShare(told: 300, elsewhere: 200, otherHosts: 1))
    #expect(try share(of: "bob") == nil)
    // On two hosts a half, on the third a third.
    #expect(try mostBeyond(fenced) == 700 / 2 + 700 / 3)
    // Who is let on without news has what was left on each.
    #expect(try mostBeyond(Rules(fence: true)) == 2 * 700)
    // What is used here is in it once it is told.
    try joined.hosts[0].move(50, by: "alice", at: now)
    #expect(try share() == HostShare(told: 300, elsewhere: 200, otherHosts: 1))
    try joined.synchronize()
    #expect(try share() == HostShare(told: 350, elsewhere: 200, otherHosts: 1))
    // Nobody waits for news that does not come.
    for (age, isShared) in [(60, true), (61, false)] as [(Int64, Bool)] {
      let later = try Ledger.open(
        joined.hosts[0].path, for: .writing, rules: Rules(fence: true), zone: .utc,
        at: moment(now + age))
      try later.accessTable.publish(
        AccessSettings(onError: .allow, identifyBy: .auto), at: moment(now + age))
      let table = try AccessTable(in: Directory(joined.hosts[0].folder.path))
      #expect(try table.allShares().isEmpty != isShared)
    }
    // Without a fence, and for a host by itself, the table has none.
    let plain = try Ledger.open(joined.hosts[0].path, for: .writing, rules: Rules(), zone: .utc)
    try plain.accessTable.publish(
      AccessSettings(onError: .allow, identifyBy: .auto), at: moment(now))
    #expect(try AccessTable(in: Directory(joined.hosts[0].folder.path)).allShares().isEmpty)
    try joined[0].hosts.leave()
    #expect(try share() == nil)
  }

  @Test func `know of a session elsewhere that moved nothing since its period began`() throws {
    let joined = try JoinedHosts()
    try joined.change(on: 0) {
      _ = try $0.users.add("alice", Terms(quota: 100, period: .day, maxSessions: 1), at: now)
    }
    try joined.synchronize()
    try joined.hosts[1].connect("alice", session("10.8.0.2", since: now - 40))
    try joined.hosts[1].take(at: now)
    try joined.synchronize()
    for time in [now, now + day] {
      try joined.synchronize(at: time)
      let alice = try #require(try joined[0].users.named("alice", at: time)).entitlement
      #expect(decide(alice, at: time, by: Rules()) == .refused(.sessions))
    }
  }

  @Test func `take their own usage back from the centre after an old backup was restored`() throws {
    let joined = try JoinedHosts()
    try joined.change(on: 0) {
      _ = try $0.users.add("alice", Terms(quota: 100, period: .day), at: now)
    }
    try joined.synchronize()
    let old = try joined.hosts[0].backUp()
    try joined.hosts[0].move(70, by: "alice", at: now)
    try joined.hosts[1].move(20, by: "alice", at: now)
    try joined.synchronize()
    try joined.hosts[0].restore(old)
    let restored = try Ledger.open(
      joined.hosts[0].path, for: .writing, rules: Rules(), zone: .utc)
    try restored.hosts.startOver()
    try restored.hosts.takeOwn(joined.centre.usage(of: "host0"), at: now)
    try joined.centre.synchronize(restored)
    #expect(try restored.users.named("alice", at: now)?.entitlement.usedInAll.total == 90)
    #expect(joined.centre.usage(of: "host0").map(\.traffic.total) == [70])
    #expect(try joined.hosts[0].probe.usage(by: .history)["alice"]?.total == 70)
  }

  @Test func `tell a period that is over, too, after the centre was restored`() throws {
    let joined = try JoinedHosts()
    try joined.change(on: 0) {
      _ = try $0.users.add("alice", Terms(quota: 100, period: .day), at: now)
    }
    try joined.synchronize()
    // Nobody was told of the day before.
    try joined.hosts[0].move(70, by: "alice", at: now)
    try joined.hosts[0].move(1, by: "alice", at: now + day)
    try joined[0].hosts.startOver()
    try joined.synchronize(at: now + day)
    #expect(joined.centre.usage(of: "host0").map(\.traffic.total).sorted() == [1, 70])
  }

  @Test(arguments: [
    (Staleness.Answer.allow, Verdict.allowed(at: nil)), (.reject, .refused(.stale)),
    (.slow, .allowed(at: nil)),
  ])
  func `answer as is asked for where nothing was heard for long`(
    answer: Staleness.Answer, verdict: Verdict
  ) throws {
    let joined = try JoinedHosts()
    try joined.change(on: 0) { _ = try $0.users.add("alice", Terms(quota: 100), at: now) }
    try joined.synchronize(at: now)
    for (time, expected) in [(now + 60, .allowed(at: nil)), (now + 61, verdict)] {
      let ledger = try Ledger.open(
        joined.hosts[0].path, for: .writing,
        rules: Rules(fence: true, staleness: Staleness(after: 60, answer)), zone: .utc,
        at: moment(time))
      let alice = try #require(try ledger.users.named("alice", at: time)).entitlement
      #expect(decide(alice, at: time, by: ledger.rules) == expected)
      try ledger.accessTable.publish(
        AccessSettings(onError: .allow, identifyBy: .auto), at: moment(time))
      var table = try AccessTable(in: Directory(joined.hosts[0].folder.path))
      let user = try #require(try table.user(named: Array("alice".utf8)))
      let told = user.entitlement(at: time, boundaries: [], count: .total)
      #expect(decide(told, at: time, by: Rules(fence: true)) == expected)
      #expect((user.used >= user.limit) == !expected.isAllowed)
    }
  }

  @Test func `refuse nobody for a silence that began before they heard anything`() throws {
    let host = try JoinedHosts().hosts[0]
    _ = try host.ledger.users.add("alice", Terms(quota: 100), at: now)
    let ledger = try Ledger.open(
      host.path, for: .writing, rules: Rules(staleness: Staleness(after: 60, .reject)), zone: .utc,
      at: moment(now + 600))
    let alice = try #require(try ledger.users.named("alice", at: now + 600)).entitlement
    #expect(decide(alice, at: now + 600, by: ledger.rules).isAllowed)
  }

  @Test func `are by themselves again when they leave, with their own usage`() throws {
    let joined = try JoinedHosts()
    try joined.change(on: 0) { _ = try $0.users.add("alice", Terms(quota: 100), at: now) }
    try joined.synchronize()
    for host in joined.hosts { try host.move(60, by: "alice", at: now) }
    try joined.synchronize()
    try joined[0].hosts.leave()
    #expect(try joined[0].hosts.membership() == nil)
    #expect(try joined.hosts[0].verdict(on: "alice", at: now).isAllowed)
    #expect(try joined[0].users.named("alice", at: now)?.entitlement.usedInAll.total == 60)
    try joined[0].hosts.join(as: "host0", id: "3")
    try joined.centre.synchronize(joined[0])
    #expect(try joined.hosts[0].verdict(on: "alice", at: now) == .refused(.quota))
  }
}

@Suite struct `Hosts that hear of each other late` {
  @Test(arguments: [1, 2, 3] as [UInt64])
  func `agree in the end on who is there, what they may use and what they used`(seed: UInt64) throws
  {
    let joined = try JoinedHosts(3, rules: Rules(defaultQuota: 500))
    var random = SeededRandom(seed: seed)
    try joined.change(on: 0) { try $0.plans.add("basic", Terms(quota: 300), at: now) }
    var time = now
    var moved: Int64 = 0
    for _ in 0..<60 {
      time += 1
      let host = Int.random(in: 0..<3, using: &random)
      switch Int.random(in: 0..<3, using: &random) {
      case 0:
        let bytes = Int64.random(in: 1...50, using: &random)
        try joined.hosts[host].move(bytes, by: name(&random), at: time)
        moved += bytes
      case 1: try joined.centre.synchronize(joined[host], at: time)
      default: try administer(joined, on: host, at: time, &random)
      }
    }
    try joined.synchronize(at: time + 1)
    let views = try (0..<3).map { try view(of: joined[$0], at: time + 1) }
    #expect(!views[0].isEmpty)
    #expect(views[1] == views[0])
    #expect(views[2] == views[0])
    // Never double: what a host counted for a user whose name was another's is told to no host.
    let told = (0..<3).flatMap { joined.centre.usage(of: "host\($0)") }
    #expect(told.reduce(0) { $0 + $1.traffic.total } <= moved)
  }

  private func name(_ random: inout SeededRandom) -> UserName {
    UserName(["ann", "ben", "cleo", "dan"].randomElement(using: &random) ?? "ann")
  }

  /// Does something that may be refused.
  private func administer(
    _ joined: JoinedHosts, on host: Int, at time: Int64, _ random: inout SeededRandom
  ) throws {
    let (user, other) = (name(&random), name(&random))
    let (what, quota) = (
      Int.random(in: 0..<8, using: &random), Int64.random(in: 1...400, using: &random)
    )
    do {
      try joined.change(on: host) { ledger in
        var edit = TermsEdit()
        edit.quota = .set(quota)
        switch what {
        case 0: _ = try ledger.users.add(user, Terms(period: .day), plan: "basic", at: time)
        case 1: _ = try ledger.users.change(user, edit, at: time)
        case 2: _ = try ledger.users.rename(user, to: other, at: time)
        case 3: _ = try ledger.users.remove(user, purgingHistory: false, at: time)
        case 4: _ = try ledger.grants.give(quota, to: user, isCarried: false, note: "", at: time)
        case 5: _ = try ledger.users.reset(user, at: time)
        case 6: _ = try ledger.users.setEnabled(quota > 100, user, at: time)
        default: _ = try ledger.plans.change("basic", edit, at: time)
        }
      }
    } catch is LedgerError {}
  }

  private func view(of ledger: Ledger, at time: Int64) throws -> [String] {
    try ledger.users.names().map { name in
      let user = try #require(try ledger.users.named(name, at: time))
      let entitlement = user.entitlement
      return "\(name) \(user.plan?.name ?? "-") \(entitlement.isEnabled) \(entitlement.limit) "
        + "\(entitlement.span.start) \(entitlement.usedInAll.total)"
    }
  }
}
