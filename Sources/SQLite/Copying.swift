import CSQLite

extension Connection {
  /// Takes over the whole content of another database, all of it or nothing. The corresponding C
  /// functions are `sqlite3_backup_init`, `sqlite3_backup_step` and `sqlite3_backup_finish`.
  ///
  /// The copy is of one moment, whatever others write to the source meanwhile, and they are not
  /// held up; others go on reading what was here before until it is done.
  ///
  /// - Parameters:
  ///   - isLocked: runs as soon as nobody else can write here, and before anything is written;
  ///     nothing is changed if it throws.
  ///   - progress: is told how many pages are done of how many.
  package func copyAll(
    from source: borrowing Connection, once isLocked: () throws -> Void = {},
    progress: (_ done: Int, _ total: Int) -> Void
  ) throws {
    // What is read inside one transaction is of one moment.
    try source.beginReading()
    defer { try? source.execute("COMMIT") }
    guard let copying = unsafe sqlite3_backup_init(handle, "main", source.handle, "main") else {
      throw error("write to", unsafe sqlite3_errcode(handle))
    }
    // Copies nothing yet, and takes the lock.
    var code = unsafe sqlite3_backup_step(copying, 0)
    if code == SQLITE_OK {
      do { try isLocked() } catch {
        unsafe sqlite3_backup_finish(copying)
        throw error
      }
    }
    while code == SQLITE_OK {
      code = unsafe sqlite3_backup_step(copying, 256)
      let total = Int(unsafe sqlite3_backup_pagecount(copying))
      progress(total - Int(unsafe sqlite3_backup_remaining(copying)), total)
    }
    let end = unsafe sqlite3_backup_finish(copying)
    guard code == SQLITE_DONE, end == SQLITE_OK else {
      throw error("write to", code == SQLITE_DONE ? end : code)
    }
  }

  /// What SQLite finds wrong with the file, each in a line; none where it is sound.
  package func damage() throws(SQLiteError) -> [String] {
    var check = try prepare("PRAGMA integrity_check(10)")
    var found: [String] = []
    while try check.step() { found.append(check.text(0)) }
    return found == ["ok"] ? [] : found
  }

  private func beginReading() throws(SQLiteError) {
    try execute("BEGIN")
    _ = try integer("PRAGMA schema_version")
  }
}
