import Quota
import SQLite

/// A table whose rows are kept for a time and no longer.
private struct History: Sendable {
  /// The table.
  let table: String
  /// The columns of its primary key, in the order in which the table is stored: a walk along them
  /// needs no index.
  let key: [String]
  /// What is true of a row that has been kept long enough; `?1` is the oldest moment to keep, in
  /// seconds since 1970, and `?2` the beginning of its day.
  let isPast: String

  /// Every table that grows with time. What holds for a user now is in none of them: usage of the
  /// current period, quotas and open sessions stay, however old they are.
  ///
  static let all = [
    History(
      table: "traffic_logs", key: ["id"], isPast: "log_timestamp < datetime(?1, 'unixepoch')"),
    // A notice of the present period stands for not giving it again.
    History(
      table: "events", key: ["id"],
      isPast: """
        iif(period_start IS NULL, last_at < ?1, settled_at < ?1
          AND period_start IS NOT (SELECT user_quotas.period_start
            FROM users JOIN user_quotas ON user_id = users.id WHERE users.username = events.username))
        """),
    // What a user brought along from the earlier project is on a day before every ledger.
    History(
      table: "usage", key: ["start", "user_id"],
      isPast: "start < ?2 AND start <> \(UsageCalendar.beforeEveryLedger)"),
    // What a period took from carried grants is gone from them for ever, so that has to stay.
    History(
      table: "periods", key: ["user_id", "period_start"], isPast: "period_end < ?1 AND carried = 0"),
  ]
}

/// Removes history that has been kept long enough, a few rows at a time.
///
/// A hook that wants to write waits 20 ms at most and then leaves a record in the spool, so no step
/// may last that long. Each one walks on by a number of rows along a table's key: it looks without a
/// lock whether any of them is past, and only then takes the write lock for one short transaction. A
/// run that is cut short has lost nothing, and the next one finds less to do.
package struct Pruning {
  private let ledger: Ledger
  private let oldest: (moment: Int64, day: Int64)
  private var tables = History.all[...]
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
    let moment = now - Int64(days) * 86_400
    oldest = (moment, ledger.zone.start(of: Day(of: moment, in: ledger.zone)))
  }

  /// How many rows are past, by table; removes nothing.
  package func count() throws(SQLiteError) -> [(table: String, rows: Int)] {
    try History.all.map { history throws(SQLiteError) in
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
  /// Adds up the hours of days that are over for so long that nobody asks for their hours, one day in
  /// each transaction: `usage` keeps one row a day and user of them.
  ///
  /// - Parameters:
  ///   - days: how long hours are kept, the setting `HOURLY_DAYS`.
  ///   - now: seconds since 1970.
  /// - Returns: how many rows went into others.
  package func foldHours(keeping days: Int, at now: Int64) throws(SQLiteError) -> Int {
    let end = zone.start(of: Day(of: now, in: zone) + -Int64(days))
    var folded = 0
    while let rows = try foldDay(before: end) { folded += rows }
    return folded
  }

  /// Folds the oldest day that is not.
  ///
  /// - Returns: nil where none is left before a moment.
  private func foldDay(before end: Int64) throws(SQLiteError) -> Int? {
    try database.transaction { () throws(SQLiteError) in
      let calendar = try UsageCalendar(database, zone: zone)
      let oldest = try database.first(
        "SELECT min(start) FROM usage WHERE start >= ?1 AND start > ?2", calendar.foldedBefore,
        UsageCalendar.beforeEveryLedger
      ) { $0.optionalInteger(0) }
      guard let oldest = oldest ?? nil, oldest < end else {
        if calendar.foldedBefore < end { try setFolded(before: end) }
        return nil
      }
      let day = Day(of: oldest, in: zone)
      let (start, next) = (zone.start(of: day), max(zone.end(of: day), oldest + 1))
      // A day has 30 hours and resets at most: no sum of so many is too large.
      try database.run(
        """
        INSERT OR REPLACE INTO usage
          SELECT ?1, user_id, sum(min(bytes_received, \(Int64.max / 32))),
            sum(min(bytes_sent, \(Int64.max / 32)))
          FROM usage WHERE start >= ?1 AND start < ?2 GROUP BY user_id
        """, start, next)
      let removed = try database.run(
        "DELETE FROM usage WHERE start > ?1 AND start < ?2", start, next)
      try setFolded(before: next)
      return removed
    }
  }

  private func setFolded(before moment: Int64) throws(SQLiteError) {
    try database.run("INSERT OR REPLACE INTO meta VALUES ('folded_before', ?1)", moment)
  }

  /// Lets commits come back after a power loss as if they had not been made, which for the removal
  /// of history does no harm: then no lock is held while a disk writes.
  package func makeCommitsQuick() throws(SQLiteError) {
    try database.execute("PRAGMA synchronous = NORMAL")
  }
}
