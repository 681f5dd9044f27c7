import CSQLite

/// Which rows a connection changed in tables that are watched, by the rows' ids. The corresponding C
/// function is `sqlite3_update_hook`.
///
/// What was rolled back stays noted. SQLite tells of no row that makes room for another (`OR REPLACE`),
/// and of none in a table `WITHOUT ROWID`.
@safe package final class RowWatch {
  private var tables: [Table]
  /// The table of the row that was changed last: many rows of one are changed on end.
  private var last = 0
  /// Whether nothing is noted for now.
  package var isPaused = false

  private struct Table {
    let name: String
    /// The name as C has it.
    let characters: [CChar]
    var rows: [Int64] = []
    /// How often a row was changed since the connection was opened.
    var changes = 0
  }

  init(_ tables: [String]) {
    self.tables = tables.map { Table(name: $0, characters: $0.utf8CString.map(\.self)) }
  }

  /// The changed rows of a table, ascending, each of them once.
  package func rows(of table: String) -> [Int64] {
    let rows = tables.first { $0.name == table }?.rows.sorted() ?? []
    return rows.indices.filter { $0 == 0 || rows[$0] != rows[$0 - 1] }.map { rows[$0] }
  }

  /// How often a row of these tables was changed since the connection was opened.
  package func changes(in names: [String]) -> Int {
    tables.reduce(0) { $0 + (names.contains($1.name) ? $1.changes : 0) }
  }

  /// Whether any row of a table was changed.
  package func hasChanges(in table: String) -> Bool {
    tables.contains { $0.name == table && !$0.rows.isEmpty }
  }

  /// Begins anew.
  package func clear() {
    for index in tables.indices { tables[index].rows.removeAll() }
  }

  /// Begins to watch.
  func begin(on handle: OpaquePointer) {
    unsafe sqlite3_update_hook(
      handle,
      { context, _, _, name, row in
        guard let context = unsafe context, let name = unsafe name else { return }
        unsafe Unmanaged<RowWatch>.fromOpaque(context)._withUnsafeGuaranteedRef {
          unsafe $0.note(row, in: name)
        }
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  private func note(_ row: Int64, in name: UnsafePointer<CChar>) {
    if isPaused { return }
    if unsafe !isNamed(last, name) {
      guard let found = tables.indices.first(where: { unsafe isNamed($0, name) }) else { return }
      last = found
    }
    tables[last].changes += 1
    if tables[last].rows.last != row { tables[last].rows.append(row) }
  }

  private func isNamed(_ table: Int, _ name: UnsafePointer<CChar>) -> Bool {
    unsafe tables[table].characters.withUnsafeBufferPointer {
      unsafe sqlite3_stricmp($0.baseAddress, name) == 0
    }
  }
}
