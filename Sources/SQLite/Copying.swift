import CSQLite

extension Connection {
  /// Takes over the whole content of another database, all of it or nothing. The corresponding C
  /// functions are `sqlite3_backup_init`, `sqlite3_backup_step` and `sqlite3_backup_finish`.
  ///
  /// The copy is of one moment, whatever others write to the source meanwhile, and they are not
  /// held up; others go on reading what was here before until it is done.
  ///
  /// - Parameter progress: is told how many pages are done of how many.
  package func copyAll(
    from source: borrowing Connection, progress: (_ done: Int, _ total: Int) -> Void
  ) throws(SQLiteError) {
    // What is read inside one transaction is of one moment.
    try source.execute("BEGIN")
    defer { try? source.execute("COMMIT") }
    _ = try source.integer("PRAGMA schema_version")
    guard let copying = unsafe sqlite3_backup_init(handle, "main", source.handle, "main") else {
      throw error("write to", unsafe sqlite3_errcode(handle))
    }
    var code = SQLITE_OK
    repeat {
      code = unsafe sqlite3_backup_step(copying, 256)
      let total = Int(unsafe sqlite3_backup_pagecount(copying))
      progress(total - Int(unsafe sqlite3_backup_remaining(copying)), total)
    } while code == SQLITE_OK
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
}
