import Gate
import Quota
import SQLite
import System

/// The one truthful account of who moved how much: a SQLite database that many short-lived programs
/// share. What it can be asked, and how it can be changed, are methods of its parts.
package final class Ledger {
  let database: Connection
  package private(set) var rules: Rules
  let zone: Zone
  /// What the next access table has to say anew.
  var access = AccessChanges()
  /// Whom the rule would let in once more.
  let allowed = AllowedUsers()
  /// When sweeps and servers were heard of; nil as long as nobody has asked.
  var heard: LastHeard?
  /// Whether this host is one of several; nil as long as nobody has asked.
  var isJoined: Bool?
  /// Whom their quota has slowed down since the ledger was last brought up to date, as far as that was
  /// told for the first time.
  var slowed: [(user: UserName, rate: Rate)] = []
  /// What taking in the journal came to when the ledger was opened.
  package private(set) var imported = Reconciliation()

  package var users: Users { Users(ledger: self) }
  package var plans: Plans { Plans(ledger: self) }
  package var grants: Grants { Grants(ledger: self) }
  package var periods: Periods { Periods(ledger: self) }
  package var sessions: Sessions { Sessions(ledger: self) }
  package var usage: UsageHistory { UsageHistory(ledger: self) }
  package var events: Events { Events(ledger: self) }
  package var notices: Notices { Notices(ledger: self) }
  package var hosts: Hosts { Hosts(ledger: self) }
  package var accessTable: AccessPublisher { AccessPublisher(ledger: self) }
  package var maintenance: Maintenance { Maintenance(ledger: self) }

  init(database: consuming Connection, rules: Rules, zone: Zone) {
    self.database = database
    self.rules = rules
    self.zone = zone
  }

  /// Opens the database, and takes in what hooks have written since it was last opened, so that all
  /// that is read afterwards is right.
  ///
  /// - Parameters:
  ///   - rules: the operator's settings for deciding and counting.
  ///   - zone: the zone whose days usage is kept by.
  ///   - moment: what the journal's records are dated by.
  /// - Throws: `LedgerError`.
  package static func open(
    _ path: String, for opener: Opener, rules: Rules, zone: Zone,
    at moment: JournalMoment = .now
  ) throws(LedgerError) -> Ledger {
    let path = try asLedgerError { () throws(SystemError) in try trustedPath(of: path) }
    let ledger = Ledger(
      database: try connection(to: path, for: opener, zone: zone), rules: rules, zone: zone)
    if opener == .writing {
      try ledger.asking { () throws(SQLiteError) in try ledger.users.completeNameKeys() }
      try ledger.importJournal(at: moment)
    }
    try ledger.noteStaleness(for: opener, at: moment.realtime / 1_000_000_000)
    return ledger
  }

  /// Finds out whether other hosts were not heard of for long. That changes what users may do.
  func noteStaleness(for opener: Opener, at time: Int64) throws(LedgerError) {
    try asking { () throws(SQLiteError) in
      guard try hosts.isJoined(), let membership = try hosts.membership() else { return }
      // Nothing is stale before the first news: a host that has just joined goes on as it was.
      let age = membership.heardAt.map { time - $0 } ?? 0
      rules.isUnheard = age > rules.staleness.seconds
      let answer = rules.isUnheard ? "\(rules.staleness.answer)" : ""
      guard opener == .writing, try meta("sync.stale") ?? "" != answer else { return }
      try database.transaction { () throws(SQLiteError) in
        try setMeta("sync.stale", answer)
        // What the table has of users is other for all of them, though none of their rows is.
        try setMeta("access", "\(UInt64.random(in: 1 ... .max))")
      }
    }
  }

  /// Takes in what hooks have written, and makes the journal where there is none.
  private func importJournal(at moment: JournalMoment) throws(LedgerError) {
    let end = try asking { () throws(SQLiteError) in try journalProgress().end }
    let directory = try stateDirectory()
    let isPrepared = try Ledger.asLedgerError { () throws(SystemError) in
      try Journal.isPrepared(in: directory)
    }
    if !isPrepared {
      let lock = try accessTable.lock()
      try Ledger.asLedgerError { () throws(SystemError) in
        try Journal.prepare(in: directory, generation: .random(in: 1 ... .max), after: end)
      }
      _ = consume lock
    }
    imported = try asking { () throws(SQLiteError) in
      try reconcile(journal: directory, at: moment)
    }
  }

  /// The directory that the ledger is in, with the journal and the access table.
  package func stateDirectory() throws(LedgerError) -> Directory {
    try Ledger.asLedgerError { () throws(SystemError) in
      try Directory(directory(of: database.path))
    }
  }

  /// Runs a body as one transaction: all of it is kept, or, when it throws, nothing. Any change may
  /// change what a user may do. Within another transaction it is part of that one.
  package func transaction<Result>(_ body: () throws -> Result) throws -> Result {
    if database.isInTransaction { return try body() }
    return try database.transaction(failing: { $0 as any Error }) {
      let before = database.totalChanges
      let result = try body()
      if database.totalChanges != before { try accessTable.noteChange() }
      return result
    }
  }

  /// Runs a body that sees the ledger as of one moment, whatever others write meanwhile.
  package func snapshot<Result>(_ body: () throws -> Result) throws -> Result {
    try database.snapshot(failing: { $0 as any Error }, body)
  }

  /// Runs a body whose every change to the ledger is taken back at the end.
  package func dryRun<Result: ~Copyable>(_ body: () throws -> Result) throws -> Result {
    try database.dryRun(body)
  }

  /// Rethrows `SQLiteError` as `LedgerError.database`.
  func asking<Result: ~Copyable>(
    _ body: () throws(SQLiteError) -> Result
  ) throws(LedgerError) -> Result {
    do { return try body() } catch { throw .database(error) }
  }

  /// Rethrows `SystemError` as `LedgerError.file`.
  static func asLedgerError<Result: ~Copyable>(
    _ body: () throws(SystemError) -> Result
  ) throws(LedgerError) -> Result {
    do { return try body() } catch { throw .file(error) }
  }
}

extension Connection {
  /// Runs a body that sees the database as of one moment.
  ///
  /// - Parameter failing: makes the body's kind of error of one of SQLite's.
  func snapshot<Result: ~Copyable, Failure: Error>(
    failing: (SQLiteError) -> Failure, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    do { try execute("BEGIN") } catch { throw failing(error) }
    // Nothing was written, so there is nothing to keep or to take back.
    defer { try? execute("COMMIT") }
    return try body()
  }
}
