import Glibc
import System
import Quota
import SQLite

/// The one truthful account of who moved how much: users, sessions, usage and events in a SQLite
/// database that many short-lived programs share.
package final class Ledger {
  let database: Connection
  let rules: Rules
  let zone: Zone

  /// Who opens the ledger, and so how long it may wait and how safe a commit must be.
  package enum Opener: Sendable {
    /// The connect hook inside the VPN's only thread: only asks, and waits 20 ms at most.
    case door
    /// The disconnect hook, likewise: never creates or migrates, waits 20 ms at most, and leaves it
    /// to the next sweep to make its commits durable.
    case hook
    /// A sweep that only shows what it would do: waits like a keeper, creates and migrates nothing.
    case rehearsal
    /// The sweep, an administrator: creates and migrates, waits, and every commit is durable.
    case keeper
  }

  /// Milliseconds that a hook waits for somebody else's lock.
  package static let hookPatience: Int32 = 20
  /// Milliseconds that a keeper waits for somebody else's lock: longer than any transaction lasts.
  package static let keeperPatience: Int32 = 20_000

  /// Opens the database.
  ///
  /// - Parameters:
  ///   - rules: the operator's settings for deciding and counting.
  ///   - zone: the zone whose days usage is kept by.
  /// - Throws: `LedgerError`; for the hooks also when the schema is not its own.
  package static func open(
    _ path: String, for opener: Opener, rules: Rules, zone: Zone
  ) throws(LedgerError) -> Ledger {
    let database = try connection(to: path, for: opener, zone: zone)
    return Ledger(database: database, rules: rules, zone: zone)
  }

  init(database: consuming Connection, rules: Rules, zone: Zone) {
    self.database = database
    self.rules = rules
    self.zone = zone
  }

  /// Makes every commit from here on survive a power loss; the hooks' earlier ones with it.
  package func makeCommitsDurable() throws(SQLiteError) {
    try database.execute("PRAGMA synchronous = FULL")
  }

  /// Moves what is in the write-ahead log into the database. Only who holds the sweep lock may: a
  /// hook is the first opener as a rule and reads all of the log, so it has to stay short.
  ///
  /// - Returns: whether the log is empty now.
  @discardableResult
  package func checkpoint() throws(SQLiteError) -> Bool { try database.checkpoint() }

  /// Bytes of the write-ahead log that a sweep does not go far beyond: a transaction of a thousand out
  /// of a hundred thousand sessions writes several megabytes, as they are in no order.
  static let longestLog: Int64 = 64 << 20

  /// Moves the log into the database between two transactions of a sweep, where it has become long.
  func checkpoint(beyond size: Int64) throws(SQLiteError) {
    let log = System.size(ofFile: database.path + "-wal") ?? 0
    if log > size, !database.isInTransaction { try checkpoint() }
  }

  /// Runs a body whose every change to the ledger is taken back at the end.
  package func rehearsal<Result: ~Copyable>(_ body: () throws -> Result) throws -> Result {
    try database.rehearsal(body)
  }

  /// Does so with a body that has reasons of its own to fail.
  ///
  /// - Parameter failing: makes such a reason of why the ledger cannot be used.
  package func rehearsal<Result, Failure: Error>(
    failing: (LedgerError) -> Failure, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try database.rehearsal(failing: { failing(.database($0)) }, body)
  }

  /// Runs a body as one transaction: all of it is kept, or, when it throws, nothing.
  func inTransaction<Result>(
    _ body: () throws(LedgerError) -> Result
  ) throws(LedgerError) -> Result {
    try database.transaction(failing: { .database($0) }, body)
  }

  /// Asks the database, for somebody who has other reasons to fail besides.
  func asking<Result: ~Copyable>(
    _ body: () throws(SQLiteError) -> Result
  ) throws(LedgerError) -> Result {
    do { return try body() } catch { throw .database(error) }
  }

  private static func connection(
    to path: String, for opener: Opener, zone: Zone
  ) throws(LedgerError) -> Connection {
    let database: Connection
    switch opener {
    case .door, .hook:
      do {
        database =
          opener == .door
          ? try Connection(path, busyTimeout: hookPatience) : try hookConnection(path)
      } catch { throw .database(error) }
    case .rehearsal:
      let path = try asLedgerError { () throws(SystemError) in try trustedPath(of: path) }
      do { database = try Connection(path, busyTimeout: keeperPatience) } catch {
        throw .database(error)
      }
    case .keeper:
      let path = try asLedgerError { () throws(SystemError) in try trustedPath(of: path) }
      do { database = try keeperConnection(path) } catch { throw .database(error) }
    }
    switch opener {
    case .door, .hook, .rehearsal: try Schema.check(database)
    case .keeper:
      try Schema.migrate(database, zone: zone)
      // The hooks need it from their first run on, and never make it.
      do { try Spool(besideDatabase: path).create() } catch { throw .spool(error) }
    }
    return database
  }

  /// Enters the database's directory, which gives up root, and makes sure that the
  /// database is a file of its own.
  ///
  /// - Returns: the database's path, without a link in any part of it.
  static func trustedPath(of database: String) throws(SystemError) -> String {
    let directory = try StateDirectory(of: database)
    let name = fileName(of: database)
    try directory.check(name)
    return "\(directory.path)/\(name)"
  }

  private static func asLedgerError<Result>(
    _ body: () throws(SystemError) -> Result
  ) throws(LedgerError) -> Result {
    do { return try body() } catch { throw .file(error) }
  }

  private static func hookConnection(_ path: String) throws(SQLiteError) -> Connection {
    let database = try Connection(path, busyTimeout: hookPatience)
    try database.execute("PRAGMA synchronous = NORMAL")
    return database
  }

  static func keeperConnection(_ path: String) throws(SQLiteError) -> Connection {
    createFile(path)
    let database = try Connection(
      path, .creating, busyTimeout: keeperPatience, keepsStatements: true)
    try database.execute("PRAGMA synchronous = FULL")
    try useWriteAheadLog(database)
    try makeRoom(forSessions: 0, in: database)
    return database
  }

  /// Lets SQLite keep pages of the sessions that are gone over: 80 bytes a session, most of them, and
  /// half a megabyte at least. What is read again comes from the system's own cache.
  static func makeRoom(
    forSessions count: Int, in database: borrowing Connection
  ) throws(SQLiteError) {
    try database.execute("PRAGMA cache_size = -\(max(500, count * 80 / 1000))")
  }

  /// Turns the write-ahead log on. Where two do so at once, SQLite turns one away without waiting,
  /// whatever the busy timeout, lest they wait for each other.
  private static func useWriteAheadLog(_ database: borrowing Connection) throws(SQLiteError) {
    let end = Clock.monotonic + .milliseconds(Int64(keeperPatience))
    while true {
      do throws(SQLiteError) {
        return try database.execute("PRAGMA journal_mode = WAL")
      } catch {
        guard error.kind == .busy, Clock.monotonic < end else { throw error }
        usleep(10_000)
      }
    }
  }

  /// Makes an empty database file that owner and group may write before SQLite sees it: SQLite
  /// copies the mode to its side files, and hooks, sweep and people are different users of one
  /// group. Where that fails SQLite says why when it opens the file.
  private static func createFile(_ path: String) {
    guard let file = try? Descriptor.open(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o660) else {
      return
    }
    try? file.setMode(0o660, of: path)
  }
}
