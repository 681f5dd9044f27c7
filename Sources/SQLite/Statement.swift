import CSQLite

/// A compiled statement, finalized or kept for the next use when its owner lets go of it.
///
/// Parameters count from 1 as `?1` does, columns from 0, both as SQLite has them.
@safe package struct Statement: ~Copyable {
  private let handle: OpaquePointer
  private let sql: String
  private let database: String
  private let kept: KeptStatements?

  /// - Parameter kept: where it goes in the end; nil for one that is finalized.
  init(owning handle: OpaquePointer, _ sql: String, database: String, kept: KeptStatements?) {
    unsafe self.handle = handle
    self.sql = sql
    self.database = database
    self.kept = kept
  }

  deinit {
    if let kept { unsafe kept.put(handle, sql) } else { unsafe sqlite3_finalize(handle) }
  }

  /// Binds an integer.
  package mutating func bind(_ parameter: Int32, _ value: Int64) {
    unsafe sqlite3_bind_int64(handle, parameter, value)
  }

  /// Binds an integer, or NULL where there is none.
  package mutating func bind(_ parameter: Int32, _ value: Int64?) {
    guard let value else { return bindNull(parameter) }
    bind(parameter, value)
  }

  /// Binds text.
  package mutating func bind(_ parameter: Int32, _ text: String) {
    var text = text
    text.withUTF8 { bytes in
      unsafe bytes.withMemoryRebound(to: CChar.self) { bytes in
        _ = unsafe csqlite_bind_text(handle, parameter, bytes.baseAddress, Int32(bytes.count))
      }
    }
  }

  /// Binds text, or NULL where there is none.
  package mutating func bind(_ parameter: Int32, _ text: String?) {
    guard let text else { return bindNull(parameter) }
    bind(parameter, text)
  }

  /// Binds bytes as text just as they are, valid UTF-8 or not, so that two names that differ in
  /// one byte stay two names.
  package mutating func bind(_ parameter: Int32, bytes: [UInt8]) {
    unsafe bytes.withUnsafeBytes { bytes in
      let text = unsafe bytes.assumingMemoryBound(to: CChar.self)
      // An empty array has no address, and SQLite takes that for NULL.
      let code = unsafe text.baseAddress.map { base in
        unsafe csqlite_bind_text(handle, parameter, base, Int32(text.count))
      }
      if code == nil { unsafe csqlite_bind_text(handle, parameter, "", 0) }
    }
  }

  /// Binds bytes as a BLOB, or NULL where there are none.
  package mutating func bind(_ parameter: Int32, blob: [UInt8]) {
    if blob.isEmpty { return bindNull(parameter) }
    unsafe blob.withUnsafeBytes { bytes in
      _ = unsafe csqlite_bind_blob(handle, parameter, bytes.baseAddress, Int32(bytes.count))
    }
  }

  /// Runs on to the next row. The corresponding C function is `sqlite3_step`.
  ///
  /// - Returns: whether there is a row; after the last one the statement is ready to run again.
  package mutating func step() throws(SQLiteError) -> Bool {
    let code = unsafe sqlite3_step(handle)
    if code == SQLITE_ROW { return true }
    guard code == SQLITE_DONE else {
      let message = unsafe String(cString: sqlite3_errmsg(sqlite3_db_handle(handle)))
      unsafe sqlite3_reset(handle)
      let action = unsafe sqlite3_stmt_readonly(handle) != 0 ? "read from" : "write to"
      throw SQLiteError(action, database: database, code: code, message: message)
    }
    unsafe sqlite3_reset(handle)
    return false
  }

  /// Runs to the end of a statement that gives no rows, or whose rows nobody wants.
  package mutating func run() throws(SQLiteError) {
    while try step() {}
  }

  /// How many rows the connection's last `INSERT`, `UPDATE` or `DELETE` touched.
  package var changedRows: Int { Int(unsafe sqlite3_changes64(sqlite3_db_handle(handle))) }

  /// Makes a statement that was left at a row ready to run again, and lets go of its lock.
  package mutating func reset() {
    unsafe sqlite3_reset(handle)
  }

  /// An integer column; NULL reads as 0, and a fraction is cut off.
  package borrowing func integer(_ column: Int32) -> Int64 {
    unsafe sqlite3_column_int64(handle, column)
  }

  /// An integer column, nil where it is NULL.
  package borrowing func optionalInteger(_ column: Int32) -> Int64? {
    isNull(column) ? nil : integer(column)
  }

  /// A column as a floating-point number; NULL reads as 0.
  package borrowing func real(_ column: Int32) -> Double {
    unsafe sqlite3_column_double(handle, column)
  }

  /// A text column with invalid UTF-8 repaired, for what we wrote ourselves; NULL reads as "".
  package borrowing func text(_ column: Int32) -> String {
    guard let text = unsafe sqlite3_column_text(handle, column) else { return "" }
    return unsafe String(cString: text)
  }

  /// A text column, nil where it is NULL.
  package borrowing func optionalText(_ column: Int32) -> String? {
    isNull(column) ? nil : text(column)
  }

  /// A text column's bytes just as they are; NULL reads as none.
  package borrowing func bytes(_ column: Int32) -> [UInt8] {
    guard let start = unsafe sqlite3_column_text(handle, column) else { return [] }
    let count = Int(unsafe sqlite3_column_bytes(handle, column))
    return unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
  }

  /// Hands the bytes of a text column to a body, without a copy; none for NULL.
  package borrowing func withText<Result>(
    _ column: Int32, _ body: (Span<UInt8>) -> Result
  ) -> Result {
    let start = unsafe sqlite3_column_text(handle, column)
    let count = unsafe start == nil ? 0 : Int(sqlite3_column_bytes(handle, column))
    return unsafe body(UnsafeBufferPointer(start: start, count: count).span)
  }

  /// Hands the bytes of a BLOB to a body, without a copy; none for NULL.
  package borrowing func withBlob<Result>(
    _ column: Int32, _ body: (Span<UInt8>) -> Result
  ) -> Result {
    let start = unsafe sqlite3_column_blob(handle, column)
    let count = unsafe start == nil ? 0 : Int(sqlite3_column_bytes(handle, column))
    let bytes = unsafe UnsafeBufferPointer(
      start: start?.assumingMemoryBound(to: UInt8.self), count: count)
    return unsafe body(bytes.span)
  }

  /// Whether a column is NULL.
  package borrowing func isNull(_ column: Int32) -> Bool {
    unsafe sqlite3_column_type(handle, column) == SQLITE_NULL
  }

  func bindNull(_ parameter: Int32) {
    unsafe sqlite3_bind_null(handle, parameter)
  }
}
