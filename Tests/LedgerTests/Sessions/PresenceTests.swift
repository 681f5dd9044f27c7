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
    let violations = try bench.ledger.violations(among: result.live, of: report)
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
      #expect(try bench.ledger.violations(among: result.live, of: there).count == count)
    }
  }

  @Test func `are not limited for somebody exempt`() throws {
    let bench = try Bench()
    try bench.add("alice", Terms(quota: 1, maxSessions: 1, isExempt: true))
    let seen = (0..<3).map { listed("alice", 9, 9, address: "10.8.0.\($0)") }
    let result = try bench.sweep(report(seen))
    #expect(try bench.ledger.violations(among: result.live, of: report(seen)).isEmpty)
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
