import Quota
import Testing

@testable import Ledger

@Suite struct `Every byte counts once` {
  @Test func `an end that may be of several sessions of its second is not counted beside them`()
    throws
  {
    // On a bridge without a pool both clients sent from elsewhere by the time they were listed, and
    // one of them restarted its TLS there.
    let bench = try Bench()
    let (first, second) = (session("", from: "192.0.2.1:1"), session("", from: "192.0.2.2:2"))
    try bench.connect("alice", first)
    try bench.connect("bob", second)
    _ = try bench.take([
      report([
        listed("alice", 5000, 5000, address: "", from: "203.0.113.1:3"),
        listed("bob", 6000, 6000, address: "", from: "203.0.113.2:4"),
      ])
    ])
    var ended = first
    ended.client = "203.0.113.1:3"
    try bench.close(final("alice", 9000, 9000, ended))
    let usage = try bench.probe.totalUsage(by: .periods)
    #expect(usage.received <= 9000 + 6000)
    try bench.close(final("bob", 7000, 7000, second))
    #expect(try bench.probe.totalUsage(by: .periods).received <= 9000 + 7000)
  }

  @Test func `sweeps and the final counters add up to the final counters`() throws {
    let bench = try Bench()
    for counters in [100, 250, 250, 900] as [Int64] {
      _ = try bench.sweep(
        report([listed("alice", counters, 10 * counters)]))
    }
    try bench.close(final("alice", 1000, 10_000))
    #expect(try bench.used("alice") == 11_000)
    #expect(try bench.probe.loggedSessions.count == 1)
    #expect(try bench.probe.loggedSessions.map(\.usage.received) == [1000])
    #expect(try bench.probe.loggedSessions.map(\.usage.sent) == [10_000])
  }

  @Test func `the same listing and the same hook again change nothing`() throws {
    let bench = try Bench()
    let listing = report([listed("alice", 100, 200)])
    _ = try bench.sweep(listing)
    let again = try bench.sweep(listing)
    #expect(again.added.isZero && again.opened == 0 && again.live.count == 1)
    let end = bench.record(
      .end, session(), "alice", at: Bench.noon + 90, mark: 99,
      counters: Traffic(received: 110, sent: 200), duration: 90)
    for _ in 1...3 {
      try bench.append(end)
      try bench.take()
    }
    #expect(try bench.used("alice") == 310)
    #expect(try bench.probe.loggedSessions.count == 1)
  }

  @Test func `an unchanged session costs no write`() throws {
    let bench = try Bench()
    let listing = report([listed("alice", 100, 200)])
    _ = try bench.sweep(listing)
    let before = try bench.ledger.database.integer("SELECT total_changes()")
    _ = try bench.sweep(listing)
    #expect(try bench.ledger.database.integer("SELECT total_changes()") == before)
  }

  @Test func `final counters that fell to zero take nothing back`() throws {
    let bench = try Bench()
    _ = try bench.sweep(report([listed("alice", 500, 700)]))
    try bench.close(final("alice", 0, 0))
    #expect(try bench.used("alice") == 1200)
    #expect(try bench.probe.loggedSessions.map(\.usage.sent) == [700])
  }

  @Test func `final counters that OpenVPN did not give leave what was swept`() throws {
    let bench = try Bench()
    _ = try bench.sweep(report([listed("alice", 500, 700)]))
    var ended = final("alice", 0, 0)
    ended.counters = nil
    try bench.close(ended)
    #expect(try bench.used("alice") == 1200)
    #expect(try bench.probe.loggedSessions.count == 1)
  }

  @Test func `a session that no sweep ever saw is billed in full by its hook`() throws {
    let bench = try Bench()
    try bench.close(final("alice", 20_000, 30_000, owner: "alice", after: 3))
    #expect(try bench.used("alice") == 50_000)
    #expect(try bench.probe.loggedSessions.count == 1)
  }

  @Test func `a listing made before the hook ran does not open the account again`() throws {
    let bench = try Bench()
    try bench.connect("alice")
    let position = try bench.journalEnd()
    try bench.close(final("alice", 1000, 1000))
    let late = try bench.sweep(report([listed("alice", 900, 900)], position: position))
    #expect(late.live.isEmpty && late.opened == 0)
    #expect(try bench.used("alice") == 2000)
    #expect(try bench.probe.openSessions.count == 0)
  }

  @Test func `a closed account takes a larger final counter with its row in the log`() throws {
    let bench = try Bench()
    _ = try bench.sweep(report([listed("alice", 10, 10)]))
    let gone = try bench.sweep(report([]))
    #expect(gone.closed == 1)
    try bench.close(final("alice", 300, 400))
    #expect(try bench.used("alice") == 700)
    #expect(try bench.probe.loggedSessions.count == 1)
    #expect(try bench.probe.loggedSessions.map(\.usage.total) == [700])
  }

  @Test func `an account that a listing closed opens again when it is listed again`() throws {
    let bench = try Bench()
    _ = try bench.sweep(report([listed("alice", 10, 10)]))
    _ = try bench.sweep(report([]))
    let back = try bench.sweep(report([listed("alice", 30, 30)]))
    #expect(back.opened == 1 && back.live.count == 1)
    // While it is open it is not in the log, and then with the time at which it ended at last.
    #expect(try bench.probe.loggedSessions.isEmpty)
    _ = try bench.sweep(report([], at: Bench.noon + 3600))
    #expect(try bench.used("alice") == 60)
    #expect(try bench.probe.loggedSessions.map(\.endedAt) == ["2026-11-23 13:00:00"])
  }

  @Test func `counters that cannot be true are not counted, and told of once`() throws {
    let bench = try Bench()
    try bench.connect("alice")
    let nonsense = report([listed("alice", 1 << 53 + 1, 7)])
    #expect(try bench.sweep(nonsense).problems.count == 1)
    #expect(try bench.sweep(nonsense).problems.isEmpty)
    #expect(try bench.used("alice") == 0)
    try bench.sweep(report([listed("alice", 1 << 53, 7)]))
    #expect(try bench.used("alice") == 1 << 53 + 7)
  }

  @Test func `an end that claims more than 100 Gbit a second ends the session and counts nothing`()
    throws
  {
    let bench = try Bench()
    let lie = try bench.close(final("alice", 200_000_000_000, 0, owner: "alice", after: 9))
    #expect(lie.problems.count == 1 && lie.closed == 1)
    #expect(try bench.used("alice") == 0)
    try bench.close(
      final("alice", 100_000_000_000, 0, session("10.8.0.3"), owner: "alice", after: 9))
    #expect(try bench.used("alice") == 100_000_000_000)
  }
}

@Suite struct `Who a session is` {
  @Test func `two sessions of one name add up and both are live`() throws {
    let bench = try Bench()
    let result = try bench.sweep(
      report([
        listed("alice", 100, 0), listed("alice", 50, 0, address: "10.8.0.3"),
      ]))
    #expect(result.live.count == 2)
    #expect(try bench.ledger.periods.entitlement(of: "alice")?.used == Traffic(received: 150))
    #expect(try bench.used("alice") == 150)
  }

  @Test func `sessions on two servers add up`() throws {
    let bench = try Bench()
    _ = try bench.sweep(
      report([listed("alice", 100, 0)], server: "udp", pid: 1))
    let second = try bench.sweep(
      report([listed("alice", 70, 0)], server: "tcp", pid: 2))
    #expect(second.live.count == 1)
    #expect(try bench.ledger.periods.entitlement(of: "alice")?.used == Traffic(received: 170))
    #expect(second.closed == 0)
  }

  @Test func `the owner is the one who came in, whatever name a row or a hook shows later`() throws
  {
    let bench = try Bench()
    try bench.connect("alice")
    for (name, bytes) in [("alice", 10), ("bob", 20), ("UNDEF", 30)] as [(UserName, Int64)] {
      _ = try bench.sweep(report([listed(name, bytes, 0)]))
    }
    try bench.close(final("bob", 40, 0))
    #expect(try bench.used("alice") == 40)
    #expect(try bench.probe.users.count == 1)
  }

  @Test func `the word of the connect hook outweighs that of the disconnect hook`() throws {
    let bench = try Bench()
    try bench.close(final("victim", 1000, 0, owner: "mallory"))
    #expect(try bench.used("mallory") == 1000)
    #expect(try bench.probe.names == ["mallory"])
  }

  @Test func `a row whose owner cannot be told waits for a better one`() throws {
    let bench = try Bench()
    let nobody = try bench.sweep(
      report([listed("UNDEF", 10, 0, owner: .some(nil))]))
    #expect(nobody.live.isEmpty && nobody.opened == 0)
    #expect(try bench.probe.users.count == 0)
    _ = try bench.sweep(report([listed("alice", 20, 0)]))
    #expect(try bench.used("alice") == 20)
  }

  @Test func `an account follows its session to another address`() throws {
    let bench = try Bench()
    _ = try bench.sweep(report([listed("alice", 10, 0)]))
    let moved = try bench.sweep(
      report([listed("alice", 30, 0, address: "10.8.0.77")]))
    #expect(moved.closed == 0 && moved.opened == 0)
    try bench.close(final("alice", 50, 0, session("10.8.0.78")))
    #expect(try bench.used("alice") == 50)
    #expect(try bench.probe.sessions.count == 1)
  }

  @Test func `a hook that runs late finds the account under the address of before`() throws {
    let bench = try Bench()
    _ = try bench.sweep(report([listed("alice", 10, 0)]))
    _ = try bench.sweep(report([], at: Bench.noon + 120))
    try bench.close(final("alice", 50, 0, session("10.8.0.77")))
    #expect(try bench.used("alice") == 50)
    #expect(try bench.probe.sessions.count == 1)
  }

  @Test func `a session that came and went takes nothing from one that a listing shows`() throws {
    let bench = try Bench()
    _ = try bench.sweep(report([listed("alice", 40, 0, address: "10.8.0.3")]))
    try bench.close(final("alice", 10, 0, session(from: "192.0.2.1:7"), owner: "alice"))
    try bench.close(final("alice", 60, 0, session("10.8.0.3")))
    #expect(try bench.used("alice") == 70)
    #expect(try bench.probe.sessions.count == 2)
  }

  @Test func `a session follows its client to another address`() throws {
    let bench = try Bench()
    try bench.connect("payer", session("10.8.0.3"))
    _ = try bench.sweep(report([listed("alice", 30, 0, address: "10.8.0.77")]))
    _ = try bench.sweep(
      report([listed("alice", 40, 0, address: "10.8.0.77", from: "192.0.2.1:7")]))
    #expect(try bench.used("payer") == 40)
    #expect(try bench.probe.sessions.count == 1)
  }

  @Test func `two that could be it are not guessed at, and the row waits`() throws {
    let bench = try Bench()
    for port in [1, 2] {
      try bench.connect(
        UserName("user\(port)"), session("10.8.0.\(port)", from: "192.0.2.1:\(port)"))
    }
    let elsewhere = listed("alice", 30, 0, address: "10.8.0.77", from: "192.0.2.9:7")
    #expect(try bench.sweep(report([elsewhere])).live.isEmpty)
    #expect(try bench.probe.openSessions.map(\.owner) == ["user1", "user2"])
  }

  @Test func `a stranger whom nobody meters stays one whatever name the row shows`() throws {
    let bench = try Bench(rules: Rules(unknownUsers: .ignore))
    _ = try bench.ledger.users.add("bob", Terms(quota: 1000), at: Bench.noon)
    try bench.connect("mallory")
    for name in ["mallory", "bob"] as [UserName] {
      #expect(try bench.sweep(report([listed(name, 30, 0)])).live.count == 1)
    }
    #expect(try bench.used("bob") == 0)
    _ = try bench.ledger.users.add("mallory", Terms(quota: 1000), at: Bench.noon + 70)
    _ = try bench.sweep(report([listed("bob", 50, 0)], at: Bench.noon + 80))
    #expect(try bench.used("mallory") == 50)
  }

  @Test func `clients without a name are the one stranger UNDEF`() throws {
    let bench = try Bench(rules: Rules(defaultQuota: 100))
    let other = session("10.8.0.3", from: "192.0.2.2:7")
    try bench.connect("")
    try bench.connect("", other)
    let rows = report([
      listed("UNDEF", 30, 0, owner: "UNDEF"),
      listed("UNDEF", 50, 0, address: "10.8.0.3", owner: "UNDEF", from: "192.0.2.2:7"),
    ])
    let seen = try bench.sweep(rows)
    #expect(try bench.ledger.sessions.violations(among: seen.live, of: rows).isEmpty)
    try bench.close(final("", 60, 0, other))
    #expect(try bench.used("UNDEF") == 90)
    let more = report([listed("UNDEF", 40, 0, owner: "UNDEF")], at: Bench.noon + 120)
    let violations = try bench.ledger.sessions.violations(
      among: try bench.sweep(more).live, of: more)
    #expect(violations.map(\.reason) == [.quota] && violations.map(\.owner) == ["UNDEF"])
  }

  @Test(arguments: [UnknownUsers.reject, .ignore])
  func `nobody is billed for a client without a name where strangers are not metered`(
    setting: UnknownUsers
  ) throws {
    let bench = try Bench(rules: Rules(unknownUsers: setting))
    let row = report([listed("UNDEF", 30, 0, owner: "UNDEF")])
    let seen = try bench.sweep(row)
    #expect(
      try bench.ledger.sessions.violations(among: seen.live, of: row).map(\.reason)
        == (setting == .reject ? [.unknown] : []))
    try bench.close(final("", 40, 0))
    #expect(try bench.probe.users.isEmpty)
  }

  @Test func `one that a listing showed first is the one of its record which comes late`() throws {
    let bench = try Bench()
    _ = try bench.sweep(report([listed("alice", 30, 0)]))
    try bench.connect("alice")
    _ = try bench.sweep(report([listed("alice", 40, 0)]))
    try bench.close(final("alice", 50, 0))
    #expect(try bench.used("alice") == 50)
    #expect(try bench.probe.sessions.count == 1)
  }

  @Test func `names that differ in one byte are two users`() throws {
    let bench = try Bench()
    let composed = UserName(bytes: [0x4a, 0xc3, 0xbc])
    let decomposed = UserName(bytes: [0x4a, 0x75, 0xcc, 0x88])
    let invalid = [UserName(bytes: [0xff]), UserName(bytes: [0xfe])]
    let all = [composed, decomposed] + invalid
    _ = try bench.sweep(
      report(all.enumerated().map { listed($1, 10, 0, address: "10.8.0.\($0)") }))
    #expect(try bench.probe.users.count == 4)
    for name in all { #expect(try bench.ledger.periods.entitlement(of: name)?.used.received == 10) }
  }

  @Test func `a name with SQL in it is a name`() throws {
    let bench = try Bench()
    let name: UserName = "'); DROP TABLE users; --"
    try bench.close(final(name, 5, 5, owner: name))
    #expect(try bench.ledger.periods.entitlement(of: name)?.used.total == 10)
  }
}

@Suite struct `When a session closes` {
  @Test func `a listing that was cut closes nothing`() throws {
    let bench = try Bench()
    _ = try bench.sweep(
      report([listed("alice", 10, 0), listed("bob", 10, 0, address: "10.8.0.3")]))
    let cut = try bench.sweep(
      report([listed("alice", 20, 0)], complete: false))
    #expect(cut.closed == 0 && cut.added == Traffic(received: 10))
  }

  @Test func `a listing asked for before the session began says nothing of it`() throws {
    let bench = try Bench()
    let position = try bench.journalEnd()
    try bench.connect("alice")
    _ = try bench.sweep(report([], position: position))
    #expect(try bench.probe.openSessions.count == 1)
    _ = try bench.sweep(report([], position: bench.journalEnd()))
    #expect(try bench.probe.openSessions.isEmpty)
  }

  @Test func `another process at the same management address closes the dead one's sessions`()
    throws
  {
    let bench = try Bench()
    _ = try bench.sweep(
      report([listed("alice", 10, 0), listed("bob", 5, 0, address: "10.8.0.3")]))
    let restarted = try bench.sweep(
      report([listed("alice", 3, 0, since: Bench.noon + 50)], pid: 200, complete: false))
    #expect(restarted.closed == 2 && restarted.opened == 1)
    #expect(try bench.used("alice") == 13)
    #expect(
      try bench.probe.sessions.count { $0.endedBy == "restart" } == 2)
  }

  @Test func `the same pid after another boot is another server`() throws {
    let bench = try Bench()
    _ = try bench.sweep(report([listed("alice", 10, 0)]))
    let booted = try bench.sweep(
      report([listed("alice", 4, 0)], boot: 8))
    #expect(booted.closed == 1 && booted.opened == 1)
    #expect(try bench.used("alice") == 14)
  }

  @Test func `another server's listing closes nothing here`() throws {
    let bench = try Bench()
    _ = try bench.sweep(report([listed("alice", 10, 0)]))
    let other = try bench.sweep(report([], server: "other", pid: 5))
    #expect(other.closed == 0)
  }
}

@Suite struct `Strangers` {
  @Test func `are created with the default quota`() throws {
    let bench = try Bench(rules: Rules(defaultQuota: 5000))
    _ = try bench.sweep(report([listed("new", 10, 0)]))
    #expect(
      try bench.ledger.periods.entitlement(of: "new")
        == Entitlement(quota: 5000, used: Traffic(received: 10)))
    #expect(try bench.probe.events("created").count == 1)
  }

  @Test func `are live but unmetered where strangers are ignored or rejected`() throws {
    for policy in [UnknownUsers.ignore, .reject] {
      let bench = try Bench(rules: Rules(unknownUsers: policy))
      let listing = report([listed("new", 10, 0)])
      let result = try bench.sweep(listing)
      let violations = try bench.ledger.sessions.violations(among: result.live, of: listing)
      #expect(violations.map(\.reason) == (policy == .reject ? [.unknown] : []))
      #expect(result.live.count == 1)
      #expect(try bench.close(final("new", 10, 0)).closed == 0)
      #expect(try bench.probe.users.count == 0)
      #expect(try bench.probe.sessions.count == 0)
    }
  }

  @Test func `the row of a client that was kept out is no session, whatever address it is given`()
    throws
  {
    let bench = try Bench()
    _ = try bench.ledger.users.add("alice", Terms(), at: Bench.noon)
    try bench.append(.out, session(), "alice", at: Bench.noon, reason: .disabled)
    try bench.append(
      .end, session(), "alice", at: Bench.noon, counters: Traffic(received: 2800, sent: 2800),
      duration: 0)
    let row = listed("alice", 2800, 2800, address: "10.8.0.77")
    #expect(try bench.sweep(report([row])).live.isEmpty)
    #expect(try bench.ledger.periods.entitlement(of: "alice")?.used.total == 0)
    #expect(try bench.probe.loggedSessions.isEmpty)
  }

  @Test func `what another handler refused is no session`() throws {
    let bench = try Bench()
    try bench.close(final("alice", 1700, 1800, after: 1))
    #expect(try bench.probe.users.isEmpty && bench.probe.loggedSessions.isEmpty)
  }

  @Test func `what another handler refused is not the end of another user's session`() throws {
    let bench = try Bench()
    try bench.connect("alice")
    try bench.close(
      final("mallory", 1700, 1800, session("10.8.0.9", from: "192.0.2.9:9"), after: 0))
    #expect(try bench.probe.openSessions.count == 1)
  }

  @Test(arguments: [(1700, 1800, 3), (8192, 100, 1), (100, 8192, 1)] as [(Int64, Int64, Int64)])
  func `what a refused client cannot move has a row in the log`(
    received: Int64, sent: Int64, seconds: Int64
  ) throws {
    let bench = try Bench()
    try bench.close(final("alice", received, sent, after: seconds))
    #expect(try bench.probe.loggedSessions.count == 1)
  }

  @Test func `a short session that was let in has a row in the log`() throws {
    let bench = try Bench()
    try bench.close(final("alice", 10, 10, owner: "alice", after: 1))
    #expect(try bench.probe.loggedSessions.count == 1)
  }
}

@Test func `a day is the configured zone's day of the moment it was counted`() throws {
  let zone = Zone { _ in 13 * 3600 }
  let bench = try Bench(zone: zone)
  _ = try bench.sweep(report([listed("alice", 10, 0)]))
  _ = try bench.sweep(report([listed("alice", 10, 0)], at: Bench.noon + 24 * 3600 - 40))
  try bench.close(final("alice", 30, 0, after: 24 * 3600))
  #expect(try bench.probe.count(.history) == 2)
  let days = try bench.probe.days(of: "alice", in: zone)
  #expect(days["2026-11-24"]?.received == 10 && days["2026-11-25"]?.received == 20)
}

@Test func `2 500 sessions are raised and counted for their users`() throws {
  let bench = try Bench()
  let rows = (0..<2500).map { index in
    listed(
      UserName("user\(index / 3)"), 10, 1, address: "10.8.\(index / 250).\(index % 250)")
  }
  let result = try bench.sweep(report(rows))
  #expect(result.opened == 2500 && result.live.count == 2500)
  #expect(result.added == Traffic(received: 25_000, sent: 2500))
  #expect(try bench.used("user7") == 33)
  let next = report(
    rows.map { seen in
      var seen = seen
      seen.client.counters += Traffic(received: 1)
      return seen
    }, at: Bench.noon + 120)
  #expect(try bench.sweep(next).added == Traffic(received: 2500))
  #expect(try bench.used("user7") == 36)
}

@Suite struct `Who may not stay` {
  @Test func `is everybody of a user who is over, on every server, and nobody else`() throws {
    let bench = try Bench(rules: Rules(defaultQuota: 100))
    let udp = report(
      [
        listed("alice", 60, 0), listed("bob", 99, 0, address: "10.8.0.3"),
        listed("alice", 1, 0, address: "10.8.0.4"),
      ], server: "udp", pid: 1)
    let tcp = report([listed("alice", 39, 0)], server: "tcp", pid: 2)
    let first = try bench.sweep(udp)
    #expect(try bench.ledger.sessions.violations(among: first.live, of: udp).isEmpty)
    let second = try bench.sweep(tcp)
    let onUDP = try bench.ledger.sessions.violations(among: first.live, of: udp)
    let onTCP = try bench.ledger.sessions.violations(among: second.live, of: tcp)
    #expect(onUDP.map(\.owner) == ["alice", "alice"])
    #expect(onUDP.map(\.reason) == [.quota, .quota])
    #expect(onTCP.map(\.owner) == ["alice"])
  }

  @Test func `knows when and how often a session was told to go`() throws {
    let bench = try Bench(rules: Rules(defaultQuota: 100))
    let listing = report([listed("alice", 600, 0)])
    let id = try #require(try bench.sweep(listing).live.first?.session)
    for time in [5, 6] as [Int64] {
      try bench.ledger.sessions.recordKills([(id, "alice", .quota)], at: Bench.noon + time)
    }
    let live = try bench.sweep(listing).live
    let violation = try #require(
      try bench.ledger.sessions.violations(among: live, of: listing).first)
    #expect(violation.session.kills == 2 && violation.session.killedAt == Bench.noon + 6)
    #expect(try bench.probe.events("killed").count == 2)
  }
}

@Suite struct `A client that is back within the second` {
  @Test func `is billed for each life, however often from one port`() throws {
    let bench = try Bench()
    for bytes in 1...200 as ClosedRange<Int64> {
      try bench.leave(final("alice", bytes, 0, owner: "alice", after: 0))
    }
    try bench.connect("alice")
    let listing = report(
      [listed("alice", 30, 40)], at: Bench.noon + 1, position: try bench.journalEnd())
    for _ in 1...2 { #expect(try bench.sweep(listing).live.count == 1) }
    #expect(try bench.used("alice") == 20_100 + 70)
    try bench.close(final("alice", 50, 60, after: 9))
    #expect(try bench.used("alice") == 20_100 + 110)
    #expect(try bench.probe.loggedSessions.count == 201)
  }

  @Test func `has a live session again, and has to go when over`() throws {
    let bench = try Bench(rules: Rules(defaultQuota: 1050))
    try bench.close(final("alice", 500, 500, owner: "alice", after: 0))
    try bench.connect("alice")
    let listing = report([listed("alice", 30, 40)], at: Bench.noon + 1)
    for _ in 1...2 {
      let live = try bench.sweep(listing).live
      #expect(
        try bench.ledger.sessions.violations(among: live, of: listing).map(\.owner) == ["alice"])
    }
  }

  @Test func `is not taken for back by a listing that was asked for before the end`() throws {
    let bench = try Bench()
    try bench.connect("alice")
    let position = try bench.journalEnd()
    try bench.leave(final("alice", 500, 500, after: 0))
    try bench.connect("alice")
    let early = report([listed("alice", 400, 400)], position: position)
    #expect(try bench.sweep(early).live.isEmpty)
    #expect(try bench.used("alice") == 1000)
    #expect(try bench.probe.openSessions.count == 1, "the second is not closed either")
  }

  @Test func `is not the one whose connection was turned away in between`() throws {
    let bench = try Bench()
    try bench.connect("alice")
    try bench.append(.out, session(from: "192.0.2.1:9"), "mallory", at: Bench.noon, reason: .quota)
    try bench.close(final("mallory", 1700, 1800, session(from: "192.0.2.1:9"), after: 0))
    #expect(try bench.probe.openSessions.count == 1)
    #expect(try bench.used("alice") == 0)
  }
}
