import Quota
import SQLite

/// Removes history that has been kept long enough, a few rows at a time.
///
/// A hook that wants to write waits 20 ms at most and then leaves a record in the spool, so no step
/// may last that long. Each one walks on by a number of rows along a table's key: it looks without a
/// lock whether any of them is past, and only then takes the write lock for one short transaction. A
/// run that is cut short has lost nothing, and the next one finds less to do.
package struct Pruning {
  private let ledger: Ledger
  private let oldest: (moment: Int64, day: String)
  private let histories: [History]
  private var tables: ArraySlice<History>
  /// The key of the last row that was walked past in the first of `tables`; empty at its beginning.
  private var walkedTo: [Value] = []
  /// How many rows were removed, by table.
  package private(set) var removed: [(table: String, rows: Int)] = []

  /// Rows to walk past in one step: removing as many takes a millisecond or two.
  static let stride = 500

  /// - Parameters:
  ///   - days: how long history is kept, the setting `RETENTION_DAYS`.
  ///   - now: seconds since 1970.
  package init(_ ledger: Ledger, keeping days: Int, at now: Int64) {
    self.ledger = ledger
    histories = History.all(at: now)
    tables = histories[...]
    let moment = now - Int64(days) * 86_400
    oldest = (moment, Day(of: moment, in: ledger.zone).description)
  }

  /// How many rows are past, by table; removes nothing.
  package func count() throws(SQLiteError) -> [(table: String, rows: Int)] {
    try histories.map { history throws(SQLiteError) in
      var statement = try ledger.database.prepare(
        "SELECT count(*) FROM \(history.table) WHERE \(history.isPast)")
      bindOldest(to: &statement)
      _ = try statement.step()
      return (history.table, Int(statement.integer(0)))
    }
  }

  /// Walks one step.
  ///
  /// - Returns: how many rows it removed; nil at the end.
  package mutating func step() throws(SQLiteError) -> Int? {
    guard let history = tables.first else { return nil }
    let end = try key(of: history, behind: walkedTo)
    let range = Range(history, from: walkedTo, to: end)
    let rows = try holdsPast(range) ? remove(range) : 0
    note(rows, in: history.table)
    walkedTo = end
    if end.isEmpty { tables.removeFirst() }
    return rows
  }

  private mutating func note(_ rows: Int, in table: String) {
    if removed.last?.table != table { removed.append((table, 0)) }
    removed[removed.count - 1].rows += rows
  }

  /// The rows of one step: those behind a key, up to and with another one, or to the table's end.
  private struct Range {
    let history: History
    let condition: String
    let bounds: [Value]

    init(_ history: History, from start: [Value], to end: [Value]) {
      self.history = history
      bounds = start + end
      var conditions = [history.isPast]
      if !start.isEmpty { conditions.append(history.isBehind(firstParameter: 3)) }
      if !end.isEmpty { conditions.append(history.isUpTo(firstParameter: 3 + start.count)) }
      condition = conditions.joined(separator: " AND ")
    }
  }

  /// The key of the row a stride behind another one; empty where the table ends before that.
  private func key(of history: History, behind start: [Value]) throws(SQLiteError) -> [Value] {
    let columns = history.key.joined(separator: ", ")
    var statement = try ledger.database.prepare(
      """
      SELECT \(columns) FROM \(history.table)
      \(start.isEmpty ? "" : "WHERE \(history.isBehind(firstParameter: 3))")
      ORDER BY \(columns) LIMIT 1 OFFSET \(Pruning.stride - 1)
      """)
    bind(start, to: &statement)
    guard try statement.step() else { return [] }
    return history.key.indices.map { statement.value(Int32($0)) }
  }

  private func holdsPast(_ range: Range) throws(SQLiteError) -> Bool {
    var statement = try ledger.database.prepare(
      "SELECT 1 FROM \(range.history.table) WHERE \(range.condition) LIMIT 1")
    bindOldest(to: &statement)
    bind(range.bounds, to: &statement)
    return try statement.step()
  }

  private func remove(_ range: Range) throws(SQLiteError) -> Int {
    var statement = try ledger.database.prepare(
      "DELETE FROM \(range.history.table) WHERE \(range.condition)")
    bindOldest(to: &statement)
    bind(range.bounds, to: &statement)
    try statement.run()
    return ledger.database.changes
  }

  private func bindOldest(to statement: inout Statement) {
    statement.bind(1, oldest.moment)
    statement.bind(2, oldest.day)
  }

  private func bind(_ key: [Value], to statement: inout Statement) {
    for (index, value) in key.enumerated() { statement.bind(Int32(index) + 3, value) }
  }
}

extension History {
  fileprivate func isBehind(firstParameter first: Int) -> String { compare(">", first) }

  fileprivate func isUpTo(firstParameter first: Int) -> String { compare("<=", first) }

  /// A comparison of the whole key, in the order it is stored in.
  private func compare(_ comparison: String, _ first: Int) -> String {
    let parameters = key.indices.map { "?\(first + $0)" }
    return "(\(key.joined(separator: ", "))) \(comparison) (\(parameters.joined(separator: ", ")))"
  }
}

extension Ledger {
  /// Lets commits come back after a power loss as if they had not been made, which for the removal
  /// of history does no harm: then no lock is held while a disk writes.
  package func makeCommitsQuick() throws(SQLiteError) {
    try database.execute("PRAGMA synchronous = NORMAL")
  }
}
