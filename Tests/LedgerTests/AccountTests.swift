import Quota
import Testing

@testable import Ledger

@Suite struct `Every byte counts once` {
  @Test func `sweeps and the final counters add up to the final counters`() throws {
    let bench = try Bench()
    for counters in [100, 250, 250, 900] as [Int64] {
      _ = try bench.ledger.reconcile(
        report([sighting("alice", counters, 10 * counters)]), admissions: [])
    }
    try bench.ledger.close(final("alice", 1000, 10_000))
    #expect(try bench.used("alice") == 11_000)
    #expect(try bench.probe.loggedSessions.count == 1)
    #expect(try bench.probe.loggedSessions.map(\.usage.received) == [1000])
    #expect(try bench.probe.loggedSessions.map(\.usage.sent) == [10_000])
  }

  @Test func `the same listing and the same hook again change nothing`() throws {
    let bench = try Bench()
    let listing = report([sighting("alice", 100, 200)])
    _ = try bench.ledger.reconcile(listing, admissions: [])
    let again = try bench.ledger.reconcile(listing, admissions: [])
    #expect(again.added.isZero && again.opened == 0 && again.live.count == 1)
    for _ in 1...3 { try bench.ledger.close(final("alice", 110, 200)) }
    #expect(try bench.used("alice") == 310)
    #expect(try bench.probe.loggedSessions.count == 1)
  }

  @Test func `an unchanged session costs no write`() throws {
    let bench = try Bench()
    let listing = report([sighting("alice", 100, 200)])
    _ = try bench.ledger.reconcile(listing, admissions: [])
    let before = try bench.ledger.database.integer("SELECT total_changes()")
    _ = try bench.ledger.reconcile(listing, admissions: [])
    #expect(try bench.ledger.database.integer("SELECT total_changes()") == before)
  }

  @Test func `final counters that fell to zero take nothing back`() throws {
    let bench = try Bench()
    _ = try bench.ledger.reconcile(report([sighting("alice", 500, 700)]), admissions: [])
    try bench.ledger.close(final("alice", 0, 0))
    #expect(try bench.used("alice") == 1200)
    #expect(try bench.probe.loggedSessions.map(\.usage.sent) == [700])
  }

  @Test func `final counters that OpenVPN did not give leave what was swept`() throws {
    let bench = try Bench()
    _ = try bench.ledger.reconcile(report([sighting("alice", 500, 700)]), admissions: [])
    try bench.ledger.close(
      FinalReport(
        identity: session(), commonName: "alice", owner: nil, claimedOwner: "alice",
        wasLetIn: false, clientAddress: nil, counters: nil, endedAt: Bench.noon + 90))
    #expect(try bench.used("alice") == 1200)
    #expect(try bench.probe.loggedSessions.count == 1)
  }

  @Test func `a session that no sweep ever saw is billed in full by its hook`() throws {
    let bench = try Bench()
    try bench.ledger.close(final("alice", 20_000, 30_000, owner: "alice", after: 3))
    #expect(try bench.used("alice") == 50_000)
    #expect(try bench.probe.loggedSessions.count == 1)
  }

  @Test func `a listing made before the hook ran does not open the account again`() throws {
    let bench = try Bench()
    try bench.ledger.close(final("alice", 1000, 1000))
    let late = try bench.ledger.reconcile(report([sighting("alice", 900, 900)]), admissions: [])
    #expect(late.live.isEmpty && late.opened == 0)
    #expect(try bench.used("alice") == 2000)
    #expect(try bench.probe.openSessions.count == 0)
  }

  @Test func `a closed account takes a larger final counter with its row in the log`() throws {
    let bench = try Bench()
    _ = try bench.ledger.reconcile(report([sighting("alice", 10, 10)]), admissions: [])
    let gone = try bench.ledger.reconcile(report([]), admissions: [])
    #expect(gone.closed == 1)
    try bench.ledger.close(final("alice", 300, 400))
    #expect(try bench.used("alice") == 700)
    #expect(try bench.probe.loggedSessions.count == 1)
    #expect(try bench.probe.loggedSessions.map(\.usage.total) == [700])
  }

  @Test func `an account that a listing closed opens again when it is listed again`() throws {
    let bench = try Bench()
    _ = try bench.ledger.reconcile(report([sighting("alice", 10, 10)]), admissions: [])
    _ = try bench.ledger.reconcile(report([]), admissions: [])
    let back = try bench.ledger.reconcile(report([sighting("alice", 30, 30)]), admissions: [])
    #expect(back.opened == 1 && back.live.count == 1)
    _ = try bench.ledger.reconcile(report([]), admissions: [])
    #expect(try bench.used("alice") == 60)
    #expect(try bench.probe.loggedSessions.count == 1)
  }

  @Test func `counters beyond every total stop at the largest number`() throws {
    let bench = try Bench()
    _ = try bench.ledger.reconcile(
      report([
        sighting("alice", .max, .max), sighting("alice", .max, 5, address: "10.8.0.3"),
      ]), admissions: [])
    #expect(try bench.probe.totalUsage(by: .periods).received == .max)
    #expect(try bench.probe.totalUsage(by: .history).received == .max)
    #expect(try bench.probe.users.map(\.bytesUsed) == [.max])
    #expect(try bench.probe.faults(hasAllHistory: false) == [])
  }
}

@Suite struct `Who a session is` {
  @Test func `two sessions of one name add up and both are live`() throws {
    let bench = try Bench()
    let result = try bench.ledger.reconcile(
      report([
        sighting("alice", 100, 0), sighting("alice", 50, 0, address: "10.8.0.3"),
      ]), admissions: [])
    #expect(result.live.count == 2)
    #expect(try bench.ledger.standing(of: "alice")?.used == Traffic(received: 150))
    #expect(try bench.used("alice") == 150)
  }

  @Test func `sessions on two servers add up`() throws {
    let bench = try Bench()
    _ = try bench.ledger.reconcile(
      report([sighting("alice", 100, 0)], server: "udp", pid: 1), admissions: [])
    let second = try bench.ledger.reconcile(
      report([sighting("alice", 70, 0)], server: "tcp", pid: 2), admissions: [])
    #expect(second.live.count == 1)
    #expect(try bench.ledger.standing(of: "alice")?.used == Traffic(received: 170))
    #expect(second.closed == 0)
  }

  @Test func `the owner is the one who came in, whatever name a row or a hook shows later`() throws
  {
    let bench = try Bench()
    let door = Admission(identity: session(), commonName: "alice", owner: "alice")
    _ = try bench.ledger.reconcile(report([sighting("alice", 10, 0)]), admissions: [door])
    _ = try bench.ledger.reconcile(report([sighting("bob", 20, 0)]), admissions: [])
    _ = try bench.ledger.reconcile(
      report([sighting("UNDEF", 30, 0, owner: .some(nil))]), admissions: [])
    try bench.ledger.close(final("bob", 40, 0))
    #expect(try bench.used("alice") == 40)
    #expect(try bench.probe.users.count == 1)
  }

  @Test func `the admission names the owner though the row shows another name`() throws {
    let bench = try Bench()
    let door = Admission(identity: session(), commonName: "alice", owner: "alice")
    let result = try bench.ledger.reconcile(
      report([sighting("mallory", 10, 0)]), admissions: [door])
    #expect(result.spent == [door])
    #expect(try bench.used("alice") == 10)
    #expect(try bench.probe.users.count == 1)
  }

  @Test func `the record of the door outweighs the word of the disconnect hook`() throws {
    let bench = try Bench()
    try bench.ledger.close(final("victim", 1000, 0, owner: "mallory"))
    #expect(try bench.used("mallory") == 1000)
    #expect(try bench.probe.names == ["mallory"])
  }

  @Test func `a row whose owner cannot be told waits for a better one`() throws {
    let bench = try Bench()
    let nobody = try bench.ledger.reconcile(
      report([sighting("UNDEF", 10, 0, owner: .some(nil))]), admissions: [])
    #expect(nobody.live.isEmpty && nobody.opened == 0)
    #expect(try bench.probe.users.count == 0)
    _ = try bench.ledger.reconcile(report([sighting("alice", 20, 0)]), admissions: [])
    #expect(try bench.used("alice") == 20)
  }

  @Test func `an account follows its session to another address`() throws {
    let bench = try Bench()
    _ = try bench.ledger.reconcile(report([sighting("alice", 10, 0)]), admissions: [])
    let moved = try bench.ledger.reconcile(
      report([sighting("alice", 30, 0, address: "10.8.0.77")]), admissions: [])
    #expect(moved.closed == 0 && moved.opened == 0)
    try bench.ledger.close(final("alice", 50, 0, session("10.8.0.78")))
    #expect(try bench.used("alice") == 50)
    #expect(try bench.probe.sessions.count == 1)
  }

  @Test func `a hook that runs late finds the account under the address of before`() throws {
    let bench = try Bench()
    _ = try bench.ledger.reconcile(report([sighting("alice", 10, 0)]), admissions: [])
    _ = try bench.ledger.reconcile(report([], at: Bench.noon + 120), admissions: [])
    try bench.ledger.close(final("alice", 50, 0, session("10.8.0.77")))
    #expect(try bench.used("alice") == 50)
    #expect(try bench.probe.sessions.count == 1)
  }

  @Test func `who has a record of the door under his address takes nobody's account over`() throws {
    let bench = try Bench()
    _ = try bench.ledger.reconcile(
      report([sighting("alice", 40, 0, address: "10.8.0.3")]), admissions: [])
    var ended = final("alice", 10, 0, owner: "alice")
    ended.doorAddress = ended.identity.address
    try bench.ledger.close(ended)
    try bench.ledger.close(final("alice", 60, 0, session("10.8.0.3")))
    #expect(try bench.used("alice") == 70)
    #expect(try bench.probe.sessions.count == 2)
  }

  @Test func `an admission follows its session to another address`() throws {
    let bench = try Bench()
    let door = Admission(identity: session("10.8.0.3"), commonName: "alice", owner: "payer")
    let result = try bench.ledger.reconcile(
      report([sighting("alice", 30, 0, address: "10.8.0.77")]), admissions: [door])
    #expect(result.spent == [door])
    #expect(try bench.used("payer") == 30)
  }

  @Test func `two that could have moved are not guessed at`() throws {
    let bench = try Bench()
    let doors = ["10.8.0.3", "10.8.0.4"].map { address in
      Admission(identity: session(address), commonName: "alice", owner: UserName(address))
    }
    let result = try bench.ledger.reconcile(
      report([sighting("alice", 30, 0, address: "10.8.0.77")]), admissions: doors)
    #expect(result.spent.isEmpty)
    #expect(try bench.used("alice") == 30)
  }

  @Test func `an admission goes on telling who a stranger is that nobody meters`() throws {
    let bench = try Bench(rules: Rules(unknownUsers: .ignore))
    _ = try bench.ledger.addUser("bob", Terms(quota: 1000), at: Bench.noon)
    let door = Admission(identity: session(), commonName: "mallory", owner: "mallory")
    try bench.spool.leave(.admitted(door, at: Bench.noon))
    for name in ["mallory", "bob"] as [UserName] {
      let listing = report([sighting(name, 30, 0)])
      let contents = try bench.spool.readAll()
      let result = try bench.ledger.reconcile(
        listing, admissions: contents.admissions.map(\.admission))
      _ = try bench.ledger.release(
        contents, spent: result.spent, reports: [listing], of: bench.spool, at: listing.at)
    }
    #expect(bench.spool.admission(of: session(), named: "bob") == door)
    #expect(try bench.used("bob") == 0)
  }

  @Test func `names that differ in one byte are two users`() throws {
    let bench = try Bench()
    let composed = UserName(bytes: [0x4a, 0xc3, 0xbc])
    let decomposed = UserName(bytes: [0x4a, 0x75, 0xcc, 0x88])
    let invalid = [UserName(bytes: [0xff]), UserName(bytes: [0xfe])]
    let all = [composed, decomposed] + invalid
    _ = try bench.ledger.reconcile(
      report(all.enumerated().map { sighting($1, 10, 0, address: "10.8.0.\($0)") }), admissions: [])
    #expect(try bench.probe.users.count == 4)
    for name in all { #expect(try bench.ledger.standing(of: name)?.used.received == 10) }
  }

  @Test func `a name with SQL in it is a name`() throws {
    let bench = try Bench()
    let name: UserName = "'); DROP TABLE users; --"
    try bench.ledger.close(final(name, 5, 5, owner: name))
    #expect(try bench.ledger.standing(of: name)?.used.total == 10)
  }
}

@Suite struct `When a session closes` {
  @Test func `a listing that was cut closes nothing`() throws {
    let bench = try Bench()
    _ = try bench.ledger.reconcile(
      report([sighting("alice", 10, 0), sighting("bob", 10, 0, address: "10.8.0.3")]),
      admissions: [])
    let cut = try bench.ledger.reconcile(
      report([sighting("alice", 20, 0)], complete: false), admissions: [])
    #expect(cut.closed == 0 && cut.added == Traffic(received: 10))
  }

  @Test func `a listing asked for before the session began says nothing of it`() throws {
    let bench = try Bench()
    _ = try bench.ledger.reconcile(report([sighting("alice", 10, 0)]), admissions: [])
    let early = try bench.ledger.reconcile(report([], at: Bench.noon), admissions: [])
    #expect(early.closed == 0)
  }

  @Test func `another process at the same management address closes the dead one's sessions`()
    throws
  {
    let bench = try Bench()
    _ = try bench.ledger.reconcile(
      report([sighting("alice", 10, 0), sighting("bob", 5, 0, address: "10.8.0.3")]),
      admissions: [])
    let restarted = try bench.ledger.reconcile(
      report([sighting("alice", 3, 0, since: Bench.noon + 50)], pid: 200, complete: false),
      admissions: [])
    #expect(restarted.closed == 2 && restarted.opened == 1)
    #expect(try bench.used("alice") == 13)
    #expect(
      try bench.probe.sessions.count { $0.endedBy == "restart" } == 2)
  }

  @Test func `the same pid after another boot is another server`() throws {
    let bench = try Bench()
    _ = try bench.ledger.reconcile(report([sighting("alice", 10, 0)]), admissions: [])
    let booted = try bench.ledger.reconcile(
      report([sighting("alice", 4, 0)], boot: 8), admissions: [])
    #expect(booted.closed == 1 && booted.opened == 1)
    #expect(try bench.used("alice") == 14)
  }

  @Test func `another server's listing closes nothing here`() throws {
    let bench = try Bench()
    _ = try bench.ledger.reconcile(report([sighting("alice", 10, 0)]), admissions: [])
    let other = try bench.ledger.reconcile(report([], server: "other", pid: 5), admissions: [])
    #expect(other.closed == 0)
  }
}

@Suite struct `Strangers` {
  @Test func `are created with the default quota`() throws {
    let bench = try Bench(rules: Rules(defaultQuota: 5000))
    _ = try bench.ledger.reconcile(report([sighting("new", 10, 0)]), admissions: [])
    #expect(
      try bench.ledger.standing(of: "new") == Standing(quota: 5000, used: Traffic(received: 10)))
    #expect(try bench.probe.events("created").count == 1)
  }

  @Test func `are live but unmetered where strangers are ignored or rejected`() throws {
    for policy in [UnknownUsers.ignore, .reject] {
      let bench = try Bench(rules: Rules(unknownUsers: policy))
      let listing = report([sighting("new", 10, 0)])
      let result = try bench.ledger.reconcile(listing, admissions: [])
      let violations = try bench.ledger.violations(among: result.live, of: listing)
      #expect(violations.map(\.reason) == (policy == .reject ? [.unknown] : []))
      #expect(result.live.count == 1)
      #expect(try bench.ledger.close(final("new", 10, 0)) == nil)
      #expect(try bench.probe.users.count == 0)
      #expect(try bench.probe.sessions.count == 0)
    }
  }

  @Test func `a refusal by another handler adds its bytes and no row in the log`() throws {
    let bench = try Bench()
    try bench.ledger.close(final("alice", 1700, 1800, after: 1))
    try bench.ledger.close(
      final("alice", 1700, 1800, session("10.8.0.3"), owner: "alice", after: 2, letIn: false))
    #expect(try bench.used("alice") == 7000)
    #expect(try bench.probe.loggedSessions.count == 0)
  }

  @Test(arguments: [(1700, 1800, 3), (8192, 100, 1), (100, 8192, 1)] as [(Int64, Int64, Int64)])
  func `what a refused client cannot move has a row in the log`(
    received: Int64, sent: Int64, seconds: Int64
  ) throws {
    let bench = try Bench()
    try bench.ledger.close(final("alice", received, sent, after: seconds))
    #expect(try bench.probe.loggedSessions.count == 1)
  }

  @Test func `a short session that was surely let in has a row in the log`() throws {
    let bench = try Bench()
    try bench.ledger.close(final("alice", 10, 10, owner: "alice", after: 1))
    #expect(try bench.probe.loggedSessions.count == 1)
  }
}

@Test func `a day is the configured zone's day of the moment it was counted`() throws {
  let zone = Zone { _ in 13 * 3600 }
  let bench = try Bench(zone: zone)
  _ = try bench.ledger.reconcile(report([sighting("alice", 10, 0)]), admissions: [])
  let swept = SweepNote(at: Bench.noon + 24 * 3600 - 40, listed: [:])
  try bench.ledger.close(final("alice", 30, 0, after: 24 * 3600), lastSwept: swept)
  #expect(try bench.probe.count(.history) == 2)
  let days = try bench.probe.days(of: "alice", in: zone)
  #expect(days["2026-11-24"]?.received == 10 && days["2026-11-25"]?.received == 20)
}

@Test func `2 500 sessions are written in three transactions, a user's together`() throws {
  let bench = try Bench()
  let sightings = (0..<2500).map { index in
    sighting(
      UserName("user\(index / 3)"), 10, 1, address: "10.8.\(index / 250).\(index % 250)")
  }
  let result = try bench.ledger.reconcile(report(sightings), admissions: [])
  #expect(result.opened == 2500 && result.live.count == 2500)
  #expect(result.added == Traffic(received: 25_000, sent: 2500))
  #expect(try bench.used("user7") == 33)
  let next = report(
    sightings.map { seen in
      Sighting(
        connectedSince: seen.connectedSince, address: seen.address, commonName: seen.commonName,
        owner: seen.owner, realAddress: seen.realAddress,
        counters: seen.counters + Traffic(received: 1))
    }, at: Bench.noon + 120)
  #expect(try bench.ledger.reconcile(next, admissions: []).added == Traffic(received: 2500))
  #expect(try bench.used("user7") == 36)
}

@Suite struct `Who may not stay` {
  @Test func `is everybody of a user who is over, on every server, and nobody else`() throws {
    let bench = try Bench(rules: Rules(defaultQuota: 100))
    let udp = report(
      [
        sighting("alice", 60, 0), sighting("bob", 99, 0, address: "10.8.0.3"),
        sighting("alice", 1, 0, address: "10.8.0.4"),
      ], server: "udp", pid: 1)
    let tcp = report([sighting("alice", 39, 0)], server: "tcp", pid: 2)
    let first = try bench.ledger.reconcile(udp, admissions: [])
    #expect(try bench.ledger.violations(among: first.live, of: udp).isEmpty)
    let second = try bench.ledger.reconcile(tcp, admissions: [])
    let onUDP = try bench.ledger.violations(among: first.live, of: udp)
    let onTCP = try bench.ledger.violations(among: second.live, of: tcp)
    #expect(onUDP.map(\.owner) == ["alice", "alice"])
    #expect(onUDP.map(\.reason) == [.quota, .quota])
    #expect(onTCP.map(\.owner) == ["alice"])
  }

  @Test func `knows when and how often a session was told to go`() throws {
    let bench = try Bench(rules: Rules(defaultQuota: 100))
    let listing = report([sighting("alice", 600, 0)])
    _ = try bench.ledger.reconcile(listing, admissions: [])
    for time in [5, 6] as [Int64] {
      try bench.ledger.recordKills([(session(), "alice", .quota)], at: Bench.noon + time)
    }
    let live = try bench.ledger.reconcile(listing, admissions: []).live
    let violation = try #require(
      try bench.ledger.violations(among: live, of: listing).first)
    #expect(violation.session.kills == 2 && violation.session.killedAt == Bench.noon + 6)
    #expect(try bench.probe.events("killed").count == 2)
  }
}

@Suite struct `A client that is back within the second under the same address` {
  let first = final("alice", 500, 500, owner: "alice", after: 0)

  @Test func `is billed for both sessions by their hooks, however often they are told`() throws {
    let bench = try Bench()
    let second = final("alice", 30, 40, owner: "alice", after: 60)
    for _ in 1...2 {
      try bench.ledger.close(first)
      try bench.ledger.close(second)
    }
    try bench.ledger.close(first)
    #expect(try bench.used("alice") == 1070)
    #expect(try bench.probe.loggedSessions.count == 2)
    #expect(try bench.probe.sessions.count == 2)
  }

  @Test func `has a live session again, and has to go when over`() throws {
    let bench = try Bench(rules: Rules(defaultQuota: 1050))
    try bench.ledger.close(first)
    let listing = report([sighting("alice", 30, 40)], at: Bench.noon + 1)
    for _ in 1...2 {
      let live = try bench.ledger.reconcile(listing, admissions: []).live
      #expect(try bench.ledger.violations(among: live, of: listing).map(\.owner) == ["alice"])
    }
    try bench.ledger.close(first)
    #expect(try bench.probe.openSessions.count == 1)
    try bench.ledger.close(final("alice", 50, 60, owner: "alice", after: 9))
    #expect(try bench.used("alice") == 1110)
  }

  @Test func `is not taken for back by a listing that was asked for before the first one ended`()
    throws
  {
    let bench = try Bench()
    try bench.ledger.close(first)
    let early = report([sighting("alice", 400, 400)], at: Bench.noon)
    #expect(try bench.ledger.reconcile(early, admissions: []).live.isEmpty)
    #expect(try bench.used("alice") == 1000)
  }

  @Test func `is not taken for back by a clock that was set back before the end`() throws {
    let bench = try Bench()
    let listing = report([sighting("alice", 400, 400)])
    try bench.ledger.close(final("alice", 500, 500, owner: "alice", after: -3600))
    #expect(try bench.ledger.reconcile(listing, admissions: []).live.isEmpty)
    #expect(try bench.used("alice") == 1000)
  }

  @Test func `may be back more than once, also in that very second`() throws {
    let bench = try Bench()
    for (port, bytes) in [(1, 100), (2, 7), (3, 90)] as [(Int, Int64)] {
      let ended = final("alice", bytes, 0, owner: "alice", after: 0, from: "192.0.2.1:\(port)")
      for _ in 1...2 { try bench.ledger.close(ended) }
    }
    #expect(try bench.probe.sessions.count == 3)
    #expect(try bench.probe.loggedSessions.count == 3)
    #expect(try bench.used("alice") == 197)
  }

  @Test func `is live again at once by the port it comes from`() throws {
    let bench = try Bench()
    try bench.ledger.close(
      final("alice", 500, 500, owner: "alice", after: 0, from: "192.0.2.1:1000"))
    let listing = report([sighting("alice", 30, 40)], at: Bench.noon)
    #expect(try bench.ledger.reconcile(listing, admissions: []).live.count == 1)
    #expect(try bench.used("alice") == 1070)
  }

  @Test func `leaves both final reports in the spool`() throws {
    let bench = try Bench()
    let second = final("alice", 30, 40, owner: "alice", after: 60)
    for report in [first, second, second] { try bench.spool.leave(.closed(report)) }
    #expect(try bench.spool.readAll().reports.count == 2)
    let intake = try bench.ledger.takeIn(
      bench.spool.readAll(), of: bench.spool, at: Bench.noon + 100)
    #expect(intake.closed == 2 && intake.problems.isEmpty)
    #expect(try bench.used("alice") == 1070)
    #expect(try bench.spool.readAll().reports.isEmpty)
  }

  @Test func `is billed for the first session also where word of its end comes last`() throws {
    let bench = try Bench()
    let first = final("alice", 500, 500, owner: "alice", after: 0, from: "192.0.2.1:1000")
    let second = final("alice", 30, 40, owner: "alice", after: 60, from: "192.0.2.1:2000")
    for _ in 1...2 {
      try bench.ledger.close(second)
      try bench.ledger.close(first)
    }
    #expect(try bench.used("alice") == 1070)
    #expect(try bench.probe.loggedSessions.count == 2)
    #expect(try bench.probe.sessions.count == 2)
  }

  @Test func `keeps its record of the door while the first one's account is closed`() throws {
    let bench = try Bench()
    let door = Admission(identity: session(), commonName: "alice", owner: "payer")
    try bench.ledger.close(first)
    try bench.spool.leave(.admitted(door, at: Bench.noon))
    _ = try bench.ledger.release(
      bench.spool.readAll(), spent: [], reports: [], of: bench.spool, at: Bench.noon + 1)
    #expect(bench.spool.admission(of: session(), named: "alice") == door)
    let listing = report([sighting("mallory", 30, 40)], at: Bench.noon + 1)
    #expect(try bench.ledger.reconcile(listing, admissions: [door]).spent == [door])
    #expect(try bench.used("payer") == 70)
  }
}
