import CSQLite

/// One connection to a database file, closed when its owner lets go of it.
///
/// Every connection leaves checkpoints to the program that asks for one: it neither checkpoints after
/// a commit nor when it closes. With nothing resident each process is the first and the last to have
/// it open, and would make others wait.
///
/// No connection trusts its file: it follows no link to it, runs none of its triggers and reads none
/// of its views.
@safe package struct Connection: ~Copyable {
  /// The path it was opened by.
  package let path: String
  let handle: OpaquePointer
  private let kept: KeptStatements?
  /// Which rows were changed.
  package let watch: RowWatch
  let given = GivenValues()

  /// What has to be set before the first connection of a process.
  private static let setUp: Void = { csqlite_keep_no_memory_statistics() }()

  /// How a connection may treat the file.
  package enum Access: Sendable {
    /// The file has to be there.
    case existing
    /// The file is created when it is not there.
    case creating
    /// The file has to be there, and nothing is written to it.
    case reading
  }

  /// Opens a database. The corresponding C function is `sqlite3_open_v2`.
  ///
  /// - Parameters:
  ///   - path: a path without a symbolic link in any part of it.
  ///   - busyTimeout: milliseconds to wait for another process's lock, 0 for not at all.
  ///   - keepsStatements: whether compiled statements are kept for their next use, for who does many
  ///     things of the same kind.
  ///   - watched: the tables whose changes are noted.
  /// - Throws: `SQLiteError` naming the path.
  package init(
    _ path: String, _ access: Access = .existing, busyTimeout: Int32,
    keepsStatements: Bool = false, watching watched: [String] = []
  ) throws(SQLiteError) {
    _ = Connection.setUp
    var opened: OpaquePointer?
    let flags = access.flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW
    var code = unsafe sqlite3_open_v2(path, &opened, flags, nil)
    if code == SQLITE_OK { code = unsafe csqlite_distrust_the_file(opened) }
    if code == SQLITE_OK, let opened = unsafe opened { code = unsafe given.define(on: opened) }
    guard code == SQLITE_OK, let opened = unsafe opened else {
      let error = unsafe SQLiteError("open", path, code, opened)
      unsafe sqlite3_close_v2(opened)
      throw error
    }
    unsafe sqlite3_extended_result_codes(opened, 1)
    unsafe sqlite3_busy_timeout(opened, busyTimeout)
    unsafe sqlite3_wal_autocheckpoint(opened, 0)
    unsafe csqlite_keep_log_on_close(opened)
    watch = RowWatch(watched)
    if !watched.isEmpty { unsafe watch.begin(on: opened) }
    self.path = path
    unsafe self.handle = opened
    kept = keepsStatements ? KeptStatements() : nil
  }

  deinit {
    kept?.finalizeAll()
    unsafe sqlite3_close_v2(handle)
  }

  /// Whether a transaction is open.
  package var isInTransaction: Bool { unsafe sqlite3_get_autocommit(handle) == 0 }

  /// How many rows the last `INSERT`, `UPDATE` or `DELETE` touched.
  package var changes: Int { Int(unsafe sqlite3_changes64(handle)) }

  /// How many rows were touched since the connection was opened.
  package var totalChanges: Int64 { unsafe sqlite3_total_changes64(handle) }

  /// The row id of the last `INSERT`.
  package var lastInsertedRow: Int64 { unsafe sqlite3_last_insert_rowid(handle) }

  /// Milliseconds to wait for another program's lock from here on.
  package func setBusyTimeout(_ milliseconds: Int32) {
    unsafe sqlite3_busy_timeout(handle, milliseconds)
  }

  /// Runs one or several statements that give no rows.
  package func execute(_ sql: String) throws(SQLiteError) {
    let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw error("write to", code) }
  }

  /// Compiles a statement for this connection. The corresponding C function is
  /// `sqlite3_prepare_v2`.
  package func prepare(_ sql: String) throws(SQLiteError) -> Statement {
    let known = unsafe kept?.take(sql)
    let handle = if let known = unsafe known { unsafe known } else { try unsafe compile(sql) }
    return unsafe Statement(owning: handle, sql, database: path, kept: kept)
  }

  private func compile(_ sql: String) throws(SQLiteError) -> OpaquePointer {
    var statement: OpaquePointer?
    var sql = sql
    let code = sql.withUTF8 { text in
      unsafe text.withMemoryRebound(to: CChar.self) { text in
        unsafe sqlite3_prepare_v2(handle, text.baseAddress, Int32(text.count), &statement, nil)
      }
    }
    guard code == SQLITE_OK, let statement = unsafe statement else {
      throw error("prepare a statement for", code)
    }
    return unsafe statement
  }

  /// Runs statements as one transaction that takes the write lock at once: all of it is kept, or,
  /// when the body throws, nothing. Inside another transaction it becomes part of that one.
  package func transaction<Result: ~Copyable>(
    _ body: () throws(SQLiteError) -> Result
  ) throws(SQLiteError) -> Result {
    try transaction(failing: { $0 }, body)
  }

  /// Runs a body as one transaction that has reasons of its own to fail.
  ///
  /// - Parameter failing: makes such a reason of an error of SQLite's.
  package func transaction<Result: ~Copyable, Failure: Error>(
    failing: (SQLiteError) -> Failure, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    if isInTransaction { return try body() }
    do { try execute("BEGIN IMMEDIATE") } catch { throw failing(error) }
    do throws(Failure) {
      let result = try body()
      do { try execute("COMMIT") } catch { throw failing(error) }
      return result
    } catch {
      rollBack()
      throw error
    }
  }

  /// Runs a body whose every change is taken back at the end.
  package func dryRun<Result: ~Copyable>(_ body: () throws -> Result) throws -> Result {
    try execute("PRAGMA cache_spill = OFF; BEGIN IMMEDIATE")
    defer { rollBack() }
    return try body()
  }

  /// Moves the write-ahead log into the database and empties it, if nobody is in the way: for this
  /// it waits for no lock.
  ///
  /// - Returns: whether the log is empty now.
  package func checkpoint() throws(SQLiteError) -> Bool {
    let patience = try integer("PRAGMA busy_timeout")
    setBusyTimeout(0)
    defer { setBusyTimeout(Int32(patience)) }
    // Until a connection has read from the file it does not know of the log, and finds none to move.
    _ = try integer("PRAGMA schema_version")
    let code = unsafe sqlite3_wal_checkpoint_v2(
      handle, nil, SQLITE_CHECKPOINT_TRUNCATE, nil, nil)
    if code & 0xff == SQLITE_BUSY { return false }
    guard code == SQLITE_OK else { throw error("checkpoint", code) }
    return true
  }

  /// The first column of the first row that a statement gives, such as a pragma's value.
  package func integer(_ sql: String) throws(SQLiteError) -> Int64 {
    var statement = try prepare(sql)
    return try statement.step() ? statement.integer(0) : 0
  }

  private func rollBack() {
    // A failed commit may already have ended the transaction, and then there is nothing to undo.
    if isInTransaction { _ = unsafe sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
  }

  func error(_ action: String, _ code: Int32) -> SQLiteError {
    unsafe SQLiteError(action, path, code, handle)
  }
}

extension Connection.Access {
  fileprivate var flags: Int32 {
    switch self {
    case .existing: SQLITE_OPEN_READWRITE
    case .creating: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
    case .reading: SQLITE_OPEN_READONLY
    }
  }
}

extension SQLiteError {
  /// Takes the words for a failure from the connection it happened on.
  fileprivate init(_ action: String, _ path: String, _ code: Int32, _ handle: OpaquePointer?) {
    let code = unsafe handle == nil ? code : unsafe sqlite3_extended_errcode(handle)
    let message = unsafe String(
      cString: handle == nil ? sqlite3_errstr(code) : sqlite3_errmsg(handle))
    self.init(action, database: path, code: code, message: message)
  }
}
