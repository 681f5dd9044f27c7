import Glibc
import Quota
import SQLite
import System

extension Ledger {
  /// What the ledger is opened for.
  package enum Opener: Sendable {
    /// To show what a sweep would do: creates and migrates nothing.
    case dryRun
    /// For anything else: creates and migrates, takes the journal in, and every commit is durable.
    case writing
  }

  /// Milliseconds to wait for another program's lock: longer than any transaction lasts.
  package static let busyTimeout: Int32 = 20_000

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

  static func connection(
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
      path, .creating, busyTimeout: busyTimeout, keepsStatements: true,
      watching: AccessPublisher.watchedTables)
    try database.execute("PRAGMA synchronous = FULL")
    try useWriteAheadLog(database)
    try makeRoom(forSessions: 0, in: database)
    return database
  }

  /// Lets SQLite keep the pages that a sweep of so many sessions changes, so that each is written
  /// once: 75 bytes a session, and half a megabyte at least.
  static func makeRoom(
    forSessions count: Int, in database: borrowing Connection
  ) throws(SQLiteError) {
    try database.execute("PRAGMA cache_size = -\(max(500, count * 75 / 1000))")
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

// MARK: A ledger that cannot be written

extension Ledger {
  /// Opens a ledger that cannot be written (the disk is full or failing, the file system read-only,
  /// the database locked), to go on deciding by what it says. Every change is kept in memory and
  /// lost at the end.
  ///
  /// Each table is copied into one of the same name that is temporary, and so comes first wherever a
  /// statement names it. History stays behind: nothing is decided by it.
  ///
  /// - Throws: `LedgerError` if it cannot be read either, or is of another schema.
  package static func openUnwritable(
    _ path: String, rules: Rules, zone: Zone
  ) throws(LedgerError) -> Ledger {
    let path = try asLedgerError { () throws(SystemError) in try trustedPath(of: path) }
    let database: Connection
    do { database = try readingConnection(path) } catch { throw .database(error) }
    try Schema.check(database)
    do { try copyTables(of: database) } catch { throw .database(error) }
    return Ledger(database: database, rules: rules, zone: zone)
  }

  private static func readingConnection(_ path: String) throws(SQLiteError) -> Connection {
    let database = try Connection(path, .reading, busyTimeout: 1000, keepsStatements: true)
    try database.execute("PRAGMA temp_store = MEMORY")
    return database
  }

  /// Tables that only grow, and that nothing is decided by.
  private static let history: Set<String> = ["traffic_logs", "usage", "events"]

  private static func copyTables(of database: borrowing Connection) throws(SQLiteError) {
    // SQLite keeps the text of what was created, in this form whatever it was written in.
    var rows = try database.prepare(
      """
      SELECT type, name, sql FROM main.sqlite_schema
      WHERE type IN ('table', 'index') AND sql IS NOT NULL AND name NOT LIKE 'sqlite%'
      ORDER BY type DESC
      """)
    var statements: [String] = []
    while try rows.step() {
      let (name, sql) = (rows.text(1), rows.text(2))
      if rows.text(0) == "index" {
        statements.append(sql.replacing("INDEX ", with: "INDEX temp.", maxReplacements: 1))
      } else if sql.hasPrefix("CREATE TABLE ") {
        statements.append("CREATE TEMP TABLE " + sql.dropFirst("CREATE TABLE ".count))
        if !history.contains(name) {
          let quoted = "\"\(name.replacing("\"", with: "\"\""))\""
          statements.append("INSERT INTO temp.\(quoted) SELECT * FROM main.\(quoted)")
        }
      }
    }
    for statement in statements { try database.execute(statement) }
  }
}
