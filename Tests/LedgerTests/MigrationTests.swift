import Foundation
import Quota
import SQLite
import System
import TestSupport
import Testing

@testable import Ledger

private func earlierDatabase(at path: String) throws {
  try Connection(path, .creating, busyTimeout: 0).execute(earlierProject)
}

@Suite struct `A database of the earlier project` {
  @Test func `opens in place with its users, quotas and usage`() throws {
    let bench = try Bench(prepare: earlierDatabase)
    #expect(
      try bench.ledger.periods.entitlement(of: "alice")
        == Entitlement(quota: 1000, used: Traffic(received: 300, sent: 600)))
    #expect(
      try bench.ledger.periods.entitlement(of: "bob")
        == Entitlement(isEnabled: false, used: Traffic(sent: 77)))
    #expect(try bench.ledger.periods.entitlement(of: "carol") == Entitlement())
    #expect(try bench.probe.loggedSessions.count == 2)
    #expect(try bench.probe.user("alice")?.passwordHash == "hash")
    #expect(try bench.probe.users.count { $0.quota != nil } == 3)
  }

  @Test func `goes on counting where it stopped`() throws {
    let bench = try Bench(prepare: earlierDatabase)
    _ = try bench.sweep(report([listed("alice", 60, 40)]))
    #expect(try bench.probe.bytesUsed["alice"] == 1000)
    #expect(try bench.probe.usage(by: .history)["alice"]?.total == 1000)
  }

  @Test func `takes new users, though its trigger adds their quota row no more`() throws {
    let bench = try Bench(rules: Rules(defaultQuota: 5), prepare: earlierDatabase)
    try bench.close(final("dave", 9, 9, owner: "dave"))
    #expect(try bench.ledger.periods.entitlement(of: "dave")?.quota == 5)
    #expect(try bench.probe.users.count { $0.quota != nil } == 4)
  }
}

@Suite struct `The schema` {
  @Test func `of a later version is refused and left alone`() throws {
    let bench = try Bench()
    try bench.probe.setSchemaVersion(99)
    for opener in [Ledger.Opener.dryRun, .writing] {
      let error = #expect(throws: LedgerError.self) {
        try Ledger.open(bench.path, for: opener, rules: Rules(), zone: .utc)
      }
      #expect(error?.description.contains("schema 99") == true)
      #expect(error?.hint != nil)
    }
    #expect(try bench.probe.schemaVersion == 99)
  }

  @Test(arguments: [1, 2]) func `of a development version is refused in one line`(
    version: Int64
  ) throws {
    let bench = try Bench()
    try bench.probe.setSchemaVersion(version)
    let error = #expect(throws: LedgerError.self) {
      try Ledger.open(bench.path, for: .writing, rules: Rules(), zone: .utc)
    }
    #expect(error?.description.contains("is of a development version") == true)
    #expect(error?.hint != nil)
    #expect(try bench.probe.schemaVersion == version)
  }

  @Test func `of an earlier version is restored from a backup, and brought up to date`() throws {
    let bench = try Bench()
    _ = try bench.ledger.users.add("Alice", Terms(quota: 1000), at: Bench.noon)
    try bench.makeSchema(3)
    try bench.restore(try bench.backUp())
    let restored = try Ledger.open(
      bench.path, for: .writing, rules: Rules(names: .fold), zone: .utc)
    #expect(try restored.users.named("ALICE", at: Bench.noon)?.name == "Alice")
  }

  @Test func `of an earlier version has no rates, and takes them once it is brought up to date`()
    throws
  {
    let bench = try Bench()
    try bench.ledger.plans.add("basic", Terms(quota: 500), at: Bench.noon)
    _ = try bench.ledger.users.add("alice", Terms(), plan: "basic", at: Bench.noon)
    try bench.makeSchema(4)
    let ledger = try Ledger.open(
      bench.path, for: .writing, rules: Rules(fence: true), zone: .utc)
    #expect(try bench.probe.schemaVersion == 7)
    #expect(try ledger.users.named("alice", at: Bench.noon)?.effective == Terms(quota: 500))
    var edit = TermsEdit()
    edit.thenRate = .set(try RateTerm(Rate(parsing: "1Mbit")))
    _ = try ledger.plans.change("basic", edit, at: Bench.noon)
    #expect(
      try ledger.users.named("alice", at: Bench.noon)?.entitlement.thenRate
        == Rate(shared: 1_000_000))
  }

  @Test func `of an earlier version knows of no other hosts, and can join them`() throws {
    let bench = try Bench()
    _ = try bench.ledger.users.add("alice", Terms(quota: 500), at: Bench.noon)
    try bench.makeSchema(5)
    let ledger = try Ledger.open(bench.path, for: .writing, rules: Rules(), zone: .utc)
    #expect(try bench.probe.schemaVersion == 7)
    #expect(try ledger.hosts.membership() == nil)
    try ledger.hosts.join(as: "berlin", id: "1")
    #expect(try ledger.hosts.newFacts().map(\.content["quota"]) == ["500"])
  }

  @Test func `of a negative version is refused`() throws {
    let bench = try Bench()
    try bench.probe.setSchemaVersion(-1)
    #expect(throws: LedgerError.self) {
      try Ledger.open(bench.path, for: .dryRun, rules: Rules(), zone: .utc)
    }
  }

  @Test func `is created once by two at the same time`() async throws {
    let folder = try TemporaryDirectory()
    let path = folder.path + "/quota.db"
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<4 {
        group.addTask {
          let ledger = try Ledger.open(path, for: .writing, rules: Rules(), zone: .utc)
          let report = report(
            [listed("x", 1, 1)], server: "s\(index)", pid: Int64(index + 1))
          _ = try ledger.reconcile(
            journal: Directory(folder.path), [report], at: moment(report.at))
        }
      }
      try await group.waitForAll()
    }
    let ledger = try Ledger.open(path, for: .dryRun, rules: Rules(), zone: .utc)
    #expect(try ledger.periods.entitlement(of: "x")?.used.total == 8)
  }

  @Test func `comes about in a file that its owner alone may use, whatever the umask`() throws {
    let bench = try Bench()
    for file in ["quota.db", "quota.db-wal", "quota.db-shm"] {
      let attributes = try FileManager.default.attributesOfItem(
        atPath: bench.folder.path + "/" + file)
      #expect(attributes[.posixPermissions] as? Int == 0o600)
    }
  }

  @Test func `never comes about by a dry run`() throws {
    let folder = try TemporaryDirectory()
    let path = folder.path + "/quota.db"
    let error = #expect(throws: LedgerError.self) {
      try Ledger.open(path, for: .dryRun, rules: Rules(), zone: .utc)
    }
    #expect(error?.description.hasPrefix("cannot open \(path): ") == true)
    #expect(!FileManager.default.fileExists(atPath: path))
  }
}

extension Bench {
  /// Takes from the database what schema 6, 5, 4 or 3 did not have.
  func makeSchema(_ version: Int) throws {
    let database = try Connection(path, busyTimeout: 0)
    try database.execute("DROP TABLE late_days; PRAGMA user_version = \(version)")
    if version == 6 { return }
    try database.execute(
      """
      DROP TABLE shared; DROP TABLE pushed; DROP TABLE elsewhere;
      ALTER TABLE users DROP COLUMN uid;
      """)
    if version == 5 { return }
    for (table, column) in [
      ("plans", "rate"), ("plans", "then_rate"), ("user_quotas", "rate"),
      ("user_quotas", "then_rate"), ("users", "page_token"),
    ] { try database.execute("ALTER TABLE \(table) DROP COLUMN \(column)") }
    if version < 4 {
      try database.execute("DROP INDEX name_keys; ALTER TABLE users DROP COLUMN name_key")
    }
  }
}
