import Gate
import Glibc
import Quota
import SQLite
import System

/// The one truthful account of who moved how much: users, sessions, usage and events in a SQLite
/// database that many short-lived programs share.
package final class Ledger {
  let database: Connection
  let rules: Rules
  let zone: Zone
  /// What the next access table has to say anew.
  var access = AccessChanges()
  /// Whom the rule would let in once more.
  let allowed = AllowedUsers()
  /// When sweeps and servers were heard of; nil as long as nobody has asked.
  var heard: LastHeard?
  /// What taking in the journal came to when the ledger was opened.
  package private(set) var imported = Reconciliation()

  /// What the ledger is opened for.
  package enum Opener: Sendable {
    /// To show what a sweep would do: creates and migrates nothing.
    case dryRun
    /// For anything else: creates and migrates, takes the journal in, and every commit is durable.
    case writing
  }

  /// Milliseconds to wait for another program's lock: longer than any transaction lasts.
  package static let busyTimeout: Int32 = 20_000
  /// How many users one transaction changes where each takes many statements.
  static let usersInTransaction = 1000

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
    if opener == .writing { try ledger.importJournal(at: moment) }
    return ledger
  }

  init(database: consuming Connection, rules: Rules, zone: Zone) {
    self.database = database
    self.rules = rules
    self.zone = zone
  }

  /// Takes in what hooks have written, and makes the journal where there is none.
  private func importJournal(at moment: JournalMoment) throws(LedgerError) {
    let end = try asking { () throws(SQLiteError) in try journalProgress().end }
    let directory = try stateDirectory()
    let isPrepared = try Ledger.asLedgerError { () throws(SystemError) in
      try Journal.isPrepared(in: directory)
    }
    if !isPrepared {
      let lock = try publicationLock()
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

  /// Moves what is in the write-ahead log into the database.
  ///
  /// - Returns: whether the log is empty now.
  @discardableResult
  package func checkpoint() throws(SQLiteError) -> Bool { try database.checkpoint() }

  /// Runs a body whose every change to the ledger is taken back at the end.
  package func dryRun<Result: ~Copyable>(_ body: () throws -> Result) throws -> Result {
    try database.rehearsal(body)
  }

  /// Like `dryRun(_:)`, for a body with its own error type.
  ///
  /// - Parameter failing: makes such an error of why the ledger cannot be used.
  package func dryRun<Result, Failure: Error>(
    failing: (LedgerError) -> Failure, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try database.rehearsal(failing: { failing(.database($0)) }, body)
  }

  /// Runs a body as one transaction: all of it is kept, or, when it throws, nothing. Any change
  /// may change what a user may do.
  func inTransaction<Result>(
    _ body: () throws(LedgerError) -> Result
  ) throws(LedgerError) -> Result {
    try database.transaction(failing: { .database($0) }) { () throws(LedgerError) in
      let before = database.totalChanges
      let result = try body()
      if database.totalChanges != before {
        try asking { () throws(SQLiteError) in try noteAccessChange() }
      }
      return result
    }
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

  /// Enters the database's directory, which gives up root, and makes sure that nothing of the
  /// database's was put there by another user.
  ///
  /// - Returns: the database's path, without a link in any part of it.
  static func trustedPath(of database: String) throws(SystemError) -> String {
    let directory = try StateDirectory(of: database)
    let name = fileName(of: database)
    for file in Draft.files(of: name) { try directory.check(file) }
    return "\(directory.path)/\(name)"
  }

  private static func connection(
    to path: String, for opener: Opener, zone: Zone
  ) throws(LedgerError) -> Connection {
    let database: Connection
    do throws(SQLiteError) {
      switch opener {
      case .dryRun: database = try Connection(path, busyTimeout: busyTimeout)
      case .writing: database = try writingConnection(path)
      }
    } catch {
      throw .database(error)
    }
    switch opener {
    case .dryRun: try Schema.check(database)
    case .writing: try Schema.migrate(database, zone: zone)
    }
    return database
  }

  static func writingConnection(_ path: String) throws(SQLiteError) -> Connection {
    createFile(path)
    let database = try Connection(
      path, .creating, busyTimeout: busyTimeout, keepsStatements: true, watching: watchedTables)
    try database.execute("PRAGMA synchronous = FULL")
    try useWriteAheadLog(database)
    try makeRoom(forSessions: 0, in: database)
    return database
  }

  /// Lets SQLite keep the pages that a sweep of so many sessions changes, so that each is written
  /// once: 150 bytes a session, and half a megabyte at least.
  static func makeRoom(
    forSessions count: Int, in database: borrowing Connection
  ) throws(SQLiteError) {
    try database.execute("PRAGMA cache_size = -\(max(500, count * 150 / 1000))")
  }

  /// Turns the write-ahead log on. Where two do so at once, SQLite turns one away without waiting,
  /// whatever the busy timeout, or they would wait for each other.
  private static func useWriteAheadLog(_ database: borrowing Connection) throws(SQLiteError) {
    let end = Clock.monotonic + .milliseconds(Int64(busyTimeout))
    while true {
      do throws(SQLiteError) {
        return try database.execute("PRAGMA journal_mode = WAL")
      } catch {
        guard error.kind == .busy, Clock.monotonic < end else { throw error }
        usleep(10_000)
      }
    }
  }

  /// Makes an empty database file that its owner alone may use, before SQLite sees it: SQLite copies
  /// the mode to its side files. Where that fails SQLite says why when it opens the file.
  private static func createFile(_ path: String) {
    guard let file = try? Descriptor.open(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o600) else {
      return
    }
    try? file.setMode(0o600, of: path)
  }
}
