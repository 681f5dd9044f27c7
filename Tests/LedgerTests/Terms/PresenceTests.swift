import System
import Quota
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

  /// A session that is about to begin on the server that runs as a process.
  private func arriving(pid: Int64 = 100, boot: Int64 = 7) -> SessionIdentity {
    session("10.8.0.99", pid: pid, boot: boot, since: now)
  }

  private func before(
    _ bench: Bench, _ arriving: SessionIdentity? = nil, on server: String? = "server",
    at time: Int64? = nil
  ) throws -> Int64 {
    try bench.ledger.sessionsBefore(
      arriving ?? self.arriving(), on: server, of: "alice", most: 2, spool: bench.spool,
      at: time ?? now)
  }

  private func admit(
    _ bench: Bench, _ address: String, pid: Int64 = 100, at time: Int64? = nil,
    owner: UserName = "alice", server: String? = "server"
  ) throws {
    let admission = Admission(
      identity: session(address, pid: pid), commonName: owner, owner: owner, server: server)
    try bench.spool.leave(.admitted(admission, at: time ?? now))
  }

  /// Two sessions that a sweep has seen, and its note.
  private func sweep(_ bench: Bench, pid: Int64 = 100, at time: Int64? = nil) throws {
    let seen = [
      sighting("alice", 1, 1, address: "10.8.0.2"),
      sighting("alice", 1, 1, address: "10.8.0.3"),
    ]
    _ = try bench.ledger.reconcile(report(seen, pid: pid, at: time ?? now), admissions: [])
    try bench.spool.leave(SweepNote(at: time ?? now, listed: ["server": time ?? now]))
  }

  @Test func `are those the ledger knows and those the spool knows`() throws {
    let bench = try bench()
    #expect(try before(bench) == 0)
    try admit(bench, "10.8.0.2")
    try admit(bench, "10.8.0.7", owner: "bob")
    #expect(try before(bench) == 1)
    try admit(bench, "10.8.0.3")
    #expect(try before(bench) == 2)
    try sweep(bench)
    #expect(try before(bench) == 2, "the two that were let in are the two that are listed")
    try admit(bench, "10.8.0.4")
    #expect(try before(bench) == 3)
  }

  @Test func `leave out the one that is asked about`() throws {
    let bench = try bench()
    try sweep(bench)
    #expect(try before(bench, session("10.8.0.2")) == 1)
  }

  @Test func `leave out what a hook closed in the spool`() throws {
    let bench = try bench()
    try sweep(bench)
    try bench.spool.leave(.closed(final("alice", 5, 5, session("10.8.0.2"))))
    #expect(try before(bench) == 1)
  }

  @Test func `leave out those of an earlier process of the same server`() throws {
    let bench = try bench()
    try sweep(bench)
    #expect(try before(bench, arriving(pid: 200)) == 0)
    #expect(try before(bench, arriving(pid: 200), on: "elsewhere") == 2)
    try admit(bench, "10.8.0.8", pid: 200)
    try admit(bench, "10.8.0.9", pid: 200)
    #expect(try before(bench, arriving(pid: 300)) == 0)
  }

  @Test func `leave out those of an earlier boot`() throws {
    let bench = try bench()
    try sweep(bench)
    #expect(try before(bench, arriving(boot: 8)) == 0)
  }

  @Test func `leave out what nobody has seen for three sweeps`() throws {
    let bench = try bench()
    try sweep(bench)
    let patience = Rules().patience
    #expect(try before(bench, at: now + patience) == 2)
    #expect(try before(bench, at: now + patience + 1) == 0)
    try bench.spool.leave(SweepNote(at: now + patience, listed: ["server": now + patience]))
    #expect(try before(bench, at: now + patience + 1) == 2)
    try admit(bench, "10.8.0.8")
    #expect(try before(bench, at: now + patience + 1) == 2, "let in too long ago")
  }

  @Test func `beyond those allowed go by the sweep, the newest first`() throws {
    let bench = try bench()
    let seen = (0..<4).map { index in
      sighting(
        "alice", 1, 1, address: "10.8.0.\(index)", since: Bench.noon + [30, 10, 40, 20][index])
    }
    let report = report(seen)
    let result = try bench.ledger.reconcile(report, admissions: [])
    let violations = try bench.ledger.violations(among: result.live, of: report)
    #expect(violations.map(\.reason) == [.sessions, .sessions])
    #expect(Set(violations.map { seen[$0.session.sighting].address }) == ["10.8.0.0", "10.8.0.2"])
  }

  @Test func `add up over servers, but for one that has not been heard of`() throws {
    let bench = try bench()
    try sweep(bench, at: now)
    let there = report(
      [sighting("alice", 1, 1, address: "10.9.0.1", since: Bench.noon + 50)], server: "there",
      pid: 500)
    let result = try bench.ledger.reconcile(there, admissions: [])
    func violations(listed: [String: Int64]) throws -> Int {
      try bench.ledger.violations(
        among: result.live, of: there, listed: listed, at: now
      ).count
    }
    #expect(try violations(listed: ["server": now, "there": now]) == 1)
    #expect(try violations(listed: ["server": now - 1000, "there": now]) == 0)
    #expect(try violations(listed: ["there": now]) == 0)
  }

  @Test func `are not limited for somebody exempt`() throws {
    let bench = try Bench()
    try bench.add("alice", Terms(quota: 1, maxSessions: 1, isExempt: true))
    let seen = (0..<3).map { sighting("alice", 9, 9, address: "10.8.0.\($0)") }
    let result = try bench.ledger.reconcile(report(seen), admissions: [])
    #expect(try bench.ledger.violations(among: result.live, of: report(seen)).isEmpty)
  }
}

@Suite struct `The note of the last sweep` {
  @Test func `reads back as it was left, whatever a server is called`() throws {
    let bench = try Bench()
    let note = SweepNote(at: 5, listed: ["a b": 3, "": 4, "büro=%\n": 5])
    try bench.spool.leave(note)
    #expect(bench.spool.sweepNote == note)
  }

  @Test func `of an earlier version is a note too`() throws {
    let bench = try Bench()
    try bench.spool.write(Array("at=7\nend\n".utf8), to: "last-sweep")
    #expect(bench.spool.sweepNote == SweepNote(at: 7, listed: [:]))
  }
}
