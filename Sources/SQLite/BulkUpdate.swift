import CSQLite

/// New values for many rows of a table, by integer keys.
///
/// They are written in passes over rows whose keys lie close together. Each pass is one `UPDATE` that
/// asks for its values, which takes half of what a statement for each row does. Of each page SQLite keeps
/// what it was as long as the pass lasts: in memory up to 64 KiB (SQLITE_CONFIG_STMTJRNL_SPILL), so there
/// should not be many more rows than that.
package struct BulkUpdate: ~Copyable {
  private let given: GivenValues
  private var update: Statement
  private var rows: [GivenValues.Row] = []
  /// Keys at most so far from each other are in one pass.
  private static let gap: Int64 = 8

  /// - Parameter update: the statement. It is for the rows whose keys are `BETWEEN ?1 AND ?2 AND
  ///   (?3 OR given(key))`; in it `given(key, N)` is value N of a row, from 0, and `given(key, N, old)`
  ///   the sum of it and an old value, at most `Int64.max`.
  package init(_ database: borrowing Connection, _ update: String) throws(SQLiteError) {
    self.update = try database.prepare(update)
    given = database.given
  }

  /// How many rows' values were added.
  package var count: Int { rows.count }

  /// Adds a row's values. A key may come only once.
  package mutating func add(_ key: Int64, _ first: Int64, _ second: Int64, _ third: Int64 = 0) {
    rows.append(GivenValues.Row(key: key, values: (first, second, third)))
  }

  /// Writes what was added, and begins anew.
  ///
  /// - Parameters:
  ///   - others: the values of `?4` and those that follow it.
  ///   - body: is given what was added for rows that are not there, ascending.
  package mutating func run(
    _ others: any Bindable...,
    missing body: (Int64, Int64, Int64) throws(SQLiteError) -> Void = { _, _, _ in }
  ) throws(SQLiteError) {
    if rows.isEmpty { return }
    // They come in order as a rule, or in the opposite one.
    rows.sort { $0.key < $1.key }
    given.begin(rows)
    for (index, value) in others.enumerated() { value.bind(to: &update, Int32(index + 4)) }
    var first = 0
    while first < rows.count {
      var last = first
      while last + 1 < rows.count, rows[last + 1].key - rows[last].key <= Self.gap { last += 1 }
      update.bind(1, rows[first].key)
      update.bind(2, rows[last].key)
      let isGapless = rows[last].key - rows[first].key == Int64(last - first)
      update.bind(3, isGapless ? 1 : 0 as Int64)
      try update.run()
      first = last + 1
    }
    let missing = given.end()
    for index in missing { try body(rows[index].key, rows[index].values.0, rows[index].values.1) }
    rows.removeAll(keepingCapacity: true)
  }
}

/// The values that the SQL function `given` gives while an update of many rows runs.
@safe final class GivenValues {
  struct Row {
    let key: Int64
    let values: (Int64, Int64, Int64)
  }

  private var run = Run()

  /// The rows of one update.
  private struct Run {
    /// Ascending by their keys.
    let rows: [Row]
    var isFound: [Bool]
    /// Where the last row was found that was asked for: the next one stands behind it.
    var last = 0

    init(_ rows: [Row] = []) {
      self.rows = rows
      isFound = [Bool](repeating: false, count: rows.count)
    }

    /// Where the row of a key stands; nil where it has none.
    mutating func place(of key: Int64) -> Int? {
      if last >= rows.count || rows[last].key > key { last = 0 }
      while last + 1 < rows.count, rows[last + 1].key <= key { last += 1 }
      guard last < rows.count, rows[last].key == key else { return nil }
      isFound[last] = true
      return last
    }

    /// A value of the row of a key; nil where it has none.
    mutating func value(_ number: Int64, of key: Int64) -> Int64? {
      guard let place = place(of: key) else { return nil }
      let values = rows[place].values
      return number == 0 ? values.0 : number == 1 ? values.1 : values.2
    }
  }

  func begin(_ rows: [Row]) { run = Run(rows) }

  /// - Returns: the places of rows that nothing asked for.
  func end() -> [Int] {
    let isFound = run.isFound
    run = Run()
    return isFound.indices.filter { !isFound[$0] }
  }

  /// Adds the function to a connection.
  func define(on handle: OpaquePointer) -> Int32 {
    unsafe sqlite3_create_function_v2(
      handle, "given", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
      Unmanaged.passUnretained(self).toOpaque(),
      { call, count, arguments in
        guard let context = unsafe sqlite3_user_data(call), let arguments = unsafe arguments else {
          return
        }
        unsafe Unmanaged<GivenValues>.fromOpaque(context)._withUnsafeGuaranteedRef { given in
          let key = unsafe sqlite3_value_int64(arguments[0])
          if count < 2 {
            unsafe sqlite3_result_int(call, given.run.place(of: key) == nil ? 0 : 1)
          } else if let value = given.run.value(unsafe sqlite3_value_int64(arguments[1]), of: key) {
            let old = count < 3 ? 0 : unsafe sqlite3_value_int64(arguments[2])
            let (sum, isTooLarge) = value.addingReportingOverflow(old)
            unsafe sqlite3_result_int64(call, isTooLarge ? .max : sum)
          }
        }
      }, nil, nil, nil)
  }
}
