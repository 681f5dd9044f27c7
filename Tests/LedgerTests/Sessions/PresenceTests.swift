import Gate
import Quota
import System
import Testing

@testable import Ledger

@Suite struct `Sessions at once` {
  private let now = Bench.noon + 60

  /// A user who may have two sessions.
  private func bench() throws -> Bench {
    let bench = try Bench()
    try bench.add("alice", Terms(quota: 0, maxSessions: 2))
    return bench
  }

  /// Two sessions that a sweep has seen.
  private func sweep(_ bench: Bench, at time: Int64) throws {
    let seen = [
      listed("alice", 1, 1, address: "10.8.0.2"),
      listed("alice", 1, 1, address: "10.8.0.3"),
    ]
    _ = try bench.sweep(report(seen, at: time))
  }

  @Test func `beyond those allowed go by the sweep, the newest first`() throws {
    let bench = try bench()
    let seen = (0..<4).map { index in
      listed(
        "alice", 1, 1, address: "10.8.0.\(index)", since: Bench.noon + [30, 10, 40, 20][index])
    }
    let report = report(seen)
    let result = try bench.sweep(report)
    let violations = try bench.ledger.sessions.violations(among: result.live, of: report)
    #expect(violations.map(\.reason) == [.sessions, .sessions])
    #expect(Set(violations.map { seen[$0.session.row].address }) == ["10.8.0.0", "10.8.0.2"])
  }

  @Test func `add up over servers, but for one that has not been heard of`() throws {
    for (age, count) in [(0, 1), (1000, 0)] as [(Int64, Int)] {
      let bench = try bench()
      try sweep(bench, at: now - age)
      let there = report(
        [listed("alice", 1, 1, address: "10.9.0.1", since: Bench.noon + 50)], server: "there",
        pid: 500)
      let result = try bench.sweep(there)
      #expect(try bench.ledger.sessions.violations(among: result.live, of: there).count == count)
    }
  }

  @Test func `of the machine's earlier boot are over before their server is listed again`() throws {
    let bench = try bench()
    try sweep(bench, at: now)
    var rebooted = moment(now + 600, boot: 8)
    rebooted.boottime = 60_000_000_000
    func take() throws -> Reconciliation {
      try bench.ledger.reconcile(journal: Directory(bench.folder.path), at: rebooted)
    }
    #expect(try take().closed == 2)
    #expect(try take().closed == 0)
    #expect(try bench.probe.openSessions.isEmpty)
    #expect(
      try bench.probe.loggedSessions.map(\.endedAt) == [
        "2026-11-23 12:10:00", "2026-11-23 12:10:00",
      ])
    try bench.ledger.accessTable.publish(
      AccessSettings(onError: .allow, identifyBy: .commonName), at: rebooted)
    #expect(try AccessTable(in: Directory(bench.folder.path)).sessionCount == 0)
    // What its hook had written by then still counts.
    try bench.append(
      .end, session("10.8.0.2"), "alice", at: now + 90, counters: Traffic(received: 700, sent: 1),
      duration: 150)
    _ = try take()
    #expect(try bench.used("alice") == 703)
  }

  @Test func `that began in this boot go on, whatever number of it their hook has`() throws {
    let bench = try bench()
    try sweep(bench, at: now)
    let other = moment(now + 600, boot: 8)
    #expect(
      try bench.ledger.reconcile(journal: Directory(bench.folder.path), at: other).closed == 0)
  }

  @Test func `are not limited for somebody exempt`() throws {
    let bench = try Bench()
    try bench.add("alice", Terms(quota: 1, maxSessions: 1, isExempt: true))
    let seen = (0..<3).map { listed("alice", 9, 9, address: "10.8.0.\($0)") }
    let result = try bench.sweep(report(seen))
    #expect(try bench.ledger.sessions.violations(among: result.live, of: report(seen)).isEmpty)
  }
}

@Suite struct `A server's last listing` {
  private func lastListing(_ bench: Bench) throws -> Int64? {
    try Ledger.open(bench.path, for: .dryRun, rules: Rules(), zone: .utc).lastListings()["server"]
  }

  @Test func `is known where nothing was counted, and where its time was not written`() throws {
    let bench = try Bench()
    try bench.sweep(report([listed("alice", 50, 0)], at: Bench.noon + 100))
    try bench.sweep(report([listed("alice", 50, 0)], at: Bench.noon + 900))
    #expect(try lastListing(bench) == Bench.noon + 100)
    try bench.ledger.noteSweep(at: Bench.noon + 901)
    #expect(try lastListing(bench) == Bench.noon + 900)
    // The sweep that counted this could not write the file.
    try bench.sweep(report([listed("alice", 70, 0)], at: Bench.noon + 1800))
    #expect(try lastListing(bench) == Bench.noon + 1800)
  }

  @Test func `is forgotten by the file once the server is not configured any more`() throws {
    let bench = try Bench()
    for server in ["server", "former"] {
      try bench.sweep(report([], server: server, pid: 7, at: Bench.noon + 100))
    }
    func names(_ configured: Set<String>?) throws -> Set<String> {
      try bench.ledger.noteSweep(at: Bench.noon + 101, configured: configured)
      return Set(try LastHeard(in: Directory(bench.folder.path)).servers.keys)
    }
    #expect(try names(nil) == ["server", "former"])
    #expect(try names(["server", "new"]) == ["server"])
  }

  @Test func `keeps networks behind clients until the next whole one, with a fence`() throws {
    let bench = try Bench(rules: Rules(fence: true))
    try bench.sweep(report([], at: Bench.noon + 100))
    let client = InternetAddress(bytes: [10, 8, 0, 2])
    let behind = ["192.168.5.0/24", "fd00:5::/64"].compactMap { InternetNetwork($0) }
    let networks = ["server": [client: behind]]
    func noted(_ ledger: Ledger, _ networks: [String: LastHeard.Networks] = [:]) throws
      -> [String: LastHeard.Networks]
    {
      try ledger.noteSweep(at: Bench.noon + 101, networks: networks)
      return try LastHeard(in: Directory(bench.folder.path)).networks
    }
    #expect(try noted(bench.ledger, networks) == networks)
    #expect(try noted(bench.ledger) == networks)
    #expect(try LastHeard(in: Directory(bench.folder.path)).servers == ["server": Bench.noon + 100])
    let other = try Ledger.open(bench.path, for: .writing, rules: Rules(fence: true), zone: .utc)
    #expect(try noted(other) == networks)
    #expect(try noted(other, ["server": [:]]).isEmpty)
    let unfenced = try Ledger.open(bench.path, for: .writing, rules: Rules(), zone: .utc)
    #expect(try noted(unfenced, networks).isEmpty)
  }

  @Test func `is beside since when there is a fence, if there is one`() throws {
    let bench = try Bench(rules: Rules(fence: true))
    func since(_ ledger: Ledger, at time: Int64) throws -> Int64? {
      try ledger.noteSweep(at: time)
      let heard = LastHeard(in: try Directory(bench.folder.path))
      #expect(heard.sweep == time)
      return heard.fencedSince
    }
    #expect(try since(bench.ledger, at: Bench.noon) == Bench.noon)
    let unfenced = try Ledger.open(bench.path, for: .writing, rules: Rules(), zone: .utc)
    #expect(try since(unfenced, at: Bench.noon + 60) == nil)
    for time in [Bench.noon + 120, Bench.noon + 180] {
      let again = try Ledger.open(bench.path, for: .writing, rules: Rules(fence: true), zone: .utc)
      #expect(try since(again, at: time) == Bench.noon + 120)
    }
  }

  @Test func `is that of the backup in a restored ledger`() throws {
    let bench = try Bench()
    try bench.sweep(report([listed("alice", 50, 0)], at: Bench.noon + 100))
    let copy = try bench.backUp()
    try bench.sweep(report([listed("alice", 70, 0)], at: Bench.noon + 900))
    try bench.ledger.noteSweep(at: Bench.noon + 901)
    try bench.restore(copy)
    #expect(try lastListing(bench) == Bench.noon + 100)
  }
}
