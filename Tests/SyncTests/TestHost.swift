import Gate
import Quota
import SQLite
import Support
import System
import TestSupport
import Testing

@testable import Ledger
@testable import Sync

/// A host of a test's own: a ledger whose journal the test writes, and a machine with a name.
final class TestHost {
  let name: String
  var folder: TemporaryDirectory
  var settings = Settings()
  var machine: String
  /// What was warned of.
  private(set) var warnings: [String] = []
  private var marks: UInt64 = 0

  init(_ name: String, _ sync: String) throws {
    self.name = name
    machine = "machine of \(name)"
    folder = try TemporaryDirectory()
    settings.database = "\(folder.path)/quota.db"
    settings.timeZone = "Etc/UTC"
    settings.sync = sync
    settings.syncInterval = 1
  }

  /// Opens the ledger, which takes the journal in.
  func ledger() throws -> Ledger {
    let ledger = try Ledger.open(
      settings.database, for: .writing, rules: settings.rules, zone: settings.zone)
    try ledger.database.execute("PRAGMA synchronous = OFF")
    return ledger
  }

  func sync(within patience: Duration = .seconds(600)) throws -> HostSync {
    HostSync(try ledger(), settings, machine: machine, patience: patience) { message, _ in
      self.warnings.append(message)
    }
  }

  func join() throws { _ = try sync().join(as: name) }

  @discardableResult
  func run() throws -> HostSync.Outcome { try sync().run() }

  /// Does as quota-admin does: tries a change, and hands what it makes of the facts to the centre.
  func change(_ body: (Ledger) throws -> Void) throws {
    let ledger = try ledger()
    let facts = try ledger.dryRun {
      try body(ledger)
      return try ledger.hosts.changedFacts()
    }
    // As it comes over a pipe.
    try sync().change(facts.map { try #require(SharedFact(line: Array($0.line.dropLast()))) })
  }

  /// Lets a user use something: a session that began and ended a minute ago.
  func use(_ user: UserName, _ received: Int64, _ sent: Int64 = 0) throws {
    try append(.in, user)
    try append(.end, user, Traffic(received: received, sent: sent))
  }

  /// Begins a session that stays.
  func connect(_ user: UserName) throws { try append(.in, user) }

  private func append(
    _ kind: JournalRecord.Kind, _ user: UserName, _ counters: Traffic? = nil
  ) throws {
    // The hook of a session's end has the same client as that of its beginning.
    if kind == .in { marks += 1 }
    let since = Clock.now - 60
    _ = try ledger()
    try Journal.append(
      JournalRecord(
        kind: kind, mark: .random(in: 0 ... .max), boot: Boot.current(), serverStart: 5,
        server: Array("server".utf8), pid: 100, connectedSince: since, realtime: Clock.realtime,
        boottime: Clock.boottime, ipv4: Array("10.8.\(marks / 250).\(marks % 250 + 2)".utf8),
        clientHost: Array("192.0.2.1".utf8), clientPort: Array("\(1000 + marks)".utf8),
        commonName: user.bytes, owner: user.bytes, received: counters?.received,
        sent: counters?.sent, duration: counters.map { _ in 60 }),
      in: Directory(folder.path))
    if kind == .end { _ = try ledger() }
  }

  /// What the rule goes by for a user.
  func entitlement(of user: UserName) throws -> Entitlement? {
    try ledger().users.named(user, at: Clock.now)?.entitlement
  }

  /// The user's live sessions on other hosts.
  func sessionsElsewhere(of user: UserName) throws -> Int64? {
    try ledger().users.named(user, at: Clock.now)?.row.elsewhere?.sessions
  }

  /// What a user used here and elsewhere, as this host knows it.
  func used(_ user: UserName) throws -> Int64 {
    guard let entitlement = try entitlement(of: user) else { return -1 }
    return (entitlement.used + entitlement.elsewhere).total
  }

  func verdict(of user: UserName) throws -> Verdict {
    decide(try entitlement(of: user), at: Clock.now, by: settings.rules)
  }

  /// Takes a copy of all files, to be put back later.
  func copyFiles() throws -> TemporaryDirectory {
    let copy = try TemporaryDirectory()
    try Program.run("cp", ["-a", "\(folder.path)/.", copy.path]).requireSuccess()
    return copy
  }

  /// Has the ledger be another one from now on.
  func move(to folder: TemporaryDirectory) {
    self.folder = folder
    settings.database = "\(folder.path)/quota.db"
  }
}

/// Some hosts with a centre.
final class TestHosts {
  let database: TestDatabase
  let hosts: [TestHost]

  /// - Parameter names: the hosts, all of which join.
  init(_ names: String..., on cluster: PostgresCluster? = nil, joining: Bool = true) throws {
    let database = try TestDatabase(on: cluster)
    self.database = database
    hosts = try names.map { try TestHost($0, database.settings) }
    let centre = try centre()
    _ = try centre.create(CommonRules(zone: "Etc/UTC", names: "exact"), for: [])
    if joining { for host in hosts { try host.join() } }
  }

  func centre() throws -> Centre { try Centre(database.settings, patience: .seconds(600)) }

  subscript(_ index: Int) -> TestHost { hosts[index] }

  /// Has each host tell all and hear all.
  func settle() throws {
    for _ in 0..<2 { for host in hosts { try host.run() } }
  }
}
