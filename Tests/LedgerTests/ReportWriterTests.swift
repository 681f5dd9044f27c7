import System
import Quota
import SQLite
import TestSupport
import Testing

@testable import Ledger

/// What a report calls for is planned without a lock, and hooks go on closing accounts meanwhile.
@Suite struct `Between a sweep's plan and its writing` {
  /// Plans to raise alice's account from 100 and 200 bytes, lets something happen, and writes.
  private func raise(
    to counters: Traffic, in bench: Bench, after meanwhile: () throws -> Void
  ) throws -> Reconciliation {
    _ = try bench.ledger.reconcile(report([sighting("alice", 100, 200)]), admissions: [])
    let seen = report(
      [sighting("alice", counters.received, counters.sent)], at: Bench.noon + 120)
    var changes: [Change] = []
    try bench.ledger.forEachOpenAccount(of: seen) { account in
      let session = LiveSession(sighting: 0, user: account.user, kills: 0, killedAt: nil)
      changes.append(Change(counting: account, as: session))
    }
    try meanwhile()
    var result = Reconciliation()
    var writer = try ReportWriter(bench.ledger, seen, [])
    try writer.apply(changes[...], into: &result)
    return result
  }

  @Test func `nothing happens as a rule, and the account takes the increase`() throws {
    let bench = try Bench()
    let result = try raise(to: Traffic(received: 150, sent: 260), in: bench) {}
    #expect(result.added == Traffic(received: 50, sent: 60))
    #expect(result.live.count == 1)
    #expect(try bench.used("alice") == 410)
  }

  @Test func `a hook may close the account with more than was listed`() throws {
    let bench = try Bench()
    let result = try raise(to: Traffic(received: 150, sent: 260), in: bench) {
      try bench.ledger.close(final("alice", 170, 280))
    }
    #expect(result.added.isZero)
    #expect(result.live.isEmpty)
    #expect(try bench.used("alice") == 450)
  }

  @Test func `a hook may close the account with less than was listed`() throws {
    let bench = try Bench()
    let result = try raise(to: Traffic(received: 150, sent: 260), in: bench) {
      try bench.ledger.close(final("alice", 120, 0))
    }
    #expect(result.added == Traffic(received: 30, sent: 60))
    #expect(result.live.isEmpty)
    #expect(try bench.used("alice") == 410)
    #expect(try bench.probe.loggedSessions.map(\.usage.sent) == [260])
  }

  @Test func `the account may have got the counters already`() throws {
    let bench = try Bench()
    let result = try raise(to: Traffic(received: 150, sent: 260), in: bench) {
      _ = try bench.ledger.reconcile(report([sighting("alice", 150, 260)]), admissions: [])
    }
    #expect(result.added.isZero)
    #expect(result.live.count == 1)
    #expect(try bench.used("alice") == 410)
  }
}

@Suite struct `The log of a long sweep` {
  @Test func `is moved into the database once it is long, though never inside a transaction`()
    throws
  {
    let bench = try Bench()
    func log() -> Int64 { size(ofFile: bench.path + "-wal") ?? 0 }
    _ = try bench.ledger.reconcile(report([sighting("alice", 100, 200)]), admissions: [])
    let written = log()
    #expect(written > 0)
    try bench.ledger.checkpoint(beyond: written)
    #expect(log() == written)
    try bench.ledger.database.transaction { () throws(SQLiteError) in
      try bench.ledger.checkpoint(beyond: 0)
    }
    #expect(log() == written)
    try bench.ledger.checkpoint(beyond: written - 1)
    #expect(log() == 0)
    #expect(try bench.used("alice") == 300)
  }
}

@Suite struct `Rows of users by their ids` {
  @Test func `come once each and in order, whatever lies between them`() throws {
    let bench = try Bench()
    for number in 1...40 {
      _ = try bench.ledger.addUser(UserName("user\(number)"), Terms(), at: Bench.noon)
    }
    var rows = try StandingRows(bench.ledger)
    for wanted in [[], [3], [1, 2, 3], [1, 3, 6, 6, 7, 20, 39, 40], [40, 41, 42, 50]] as [[Int64]] {
      var found: [Int64] = []
      try rows.forEach(of: wanted) { row, _ in found.append(row.user) }
      #expect(found == Set(wanted).filter { $0 <= 40 }.sorted())
    }
  }
}

@Suite struct `A row of usage` {
  @Test func `is made once, raised from then on, and stops at the largest number`() throws {
    let bench = try Bench()
    var usage = try UsageWriter(bench.ledger.database, zone: .utc)
    for more in [1, 2, .max - 1, 5] as [Int64] {
      try usage.add(Traffic(received: more, sent: 1), to: 7, at: Bench.noon + more % 60)
    }
    #expect(try bench.probe.count(.history, ofUser: 7) == 1)
    #expect(try bench.probe.totalUsage(by: .history) == Usage(received: .max, sent: 4))
  }
}
