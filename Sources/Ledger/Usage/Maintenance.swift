import Quota
import SQLite

/// Removes history that has been kept long enough, a few hundred rows in a transaction. A run that is
/// cut short has lost nothing, and the next one finds less to do.
package struct Pruning {
  private let ledger: Ledger
  private let oldest: (moment: Int64, day: Int64)
  private var histories = History.all[...]
  package private(set) var removed: [(table: String, rows: Int)] = []

  /// Rows that one step removes at most.
  static let stride = 500

  /// - Parameter days: how long history is kept, the setting `RETENTION_DAYS`.
  package init(_ ledger: Ledger, keeping days: Int, at now: Int64) {
    self.ledger = ledger
    let moment = now - Int64(days) * 86_400
    oldest = (moment, ledger.zone.start(of: Day(of: moment, in: ledger.zone)))
  }

  package func count() throws(SQLiteError) -> [(table: String, rows: Int)] {
    try History.all.map { history throws(SQLiteError) in
      let rows = try ledger.database.first(
        "SELECT count(*) FROM \(history.table) WHERE \(history.isPast)", oldest.moment, oldest.day
      ) { Int($0.integer(0)) }
      return (history.table, rows ?? 0)
    }
  }

  /// Removes some of the rows that are past.
  ///
  /// - Returns: how many; nil at the end.
  package mutating func step() throws(SQLiteError) -> Int? {
    guard let history = histories.first else { return nil }
    let (table, past) = (history.table, history.isPast)
    var rows = 0
    // Looking takes no lock, and as a rule there is nothing.
    if try ledger.database.exists(
      "SELECT 1 FROM \(table) WHERE \(past) LIMIT 1", oldest.moment, oldest.day)
    {
      rows = try ledger.database.run(
        """
        DELETE FROM \(table) WHERE (\(history.key)) IN
          (SELECT \(history.key) FROM \(table) WHERE \(past) LIMIT \(Pruning.stride))
        """, oldest.moment, oldest.day)
    }
    if removed.last?.table != table { removed.append((table, 0)) }
    removed[removed.count - 1].rows += rows
    if rows < Pruning.stride { histories.removeFirst() }
    return rows
  }
}

private struct History: Sendable {
  let table: String
  /// The columns of its primary key.
  let key: String
  /// What is true of a row that has been kept long enough; `?1` is the oldest moment to keep, in
  /// seconds since 1970, and `?2` the beginning of its day.
  let isPast: String

  /// Every table that grows with time. What holds for a user now is in none of them: usage of the
  /// current period, quotas and open sessions stay, however old they are.
  static let all = [
    History(
      table: "traffic_logs", key: "id", isPast: "log_timestamp < datetime(?1, 'unixepoch')"),
    // A notice of the present period stands for not giving it again.
    History(
      table: "events", key: "id",
      isPast: """
        iif(period_start IS NULL, last_at < ?1, settled_at < ?1
          AND period_start IS NOT (SELECT user_quotas.period_start
            FROM users JOIN user_quotas ON user_id = users.id
            WHERE users.username = events.username))
        """),
    // What a user brought along from the earlier project is on a day before every ledger.
    History(
      table: "usage", key: "start, user_id",
      isPast: "start < ?2 AND start <> \(UsageCalendar.beforeEveryLedger)"),
    // What a period took from carried grants is gone from them for ever, so that has to stay.
    History(
      table: "periods", key: "user_id, period_start", isPast: "period_end < ?1 AND carried = 0"),
  ]
}

/// What keeps the database small, quick and sound.
package struct Maintenance {
  let ledger: Ledger

  /// What is wrong with the file, in SQLite's words; nil if nothing is.
  package func damage() throws(SQLiteError) -> String? {
    try ledger.database.first("PRAGMA quick_check(1)") { $0.text(0) }.flatMap {
      $0 == "ok" ? nil : $0
    }
  }

  /// Moves what is in the write-ahead log into the database.
  ///
  /// - Returns: whether the log is empty now.
  @discardableResult
  package func checkpoint() throws(SQLiteError) -> Bool { try ledger.database.checkpoint() }

  /// Lets commits come back after a power loss as if they had not been made, which for the removal
  /// of history does no harm: then no lock is held while a disk writes.
  package func makeCommitsQuick() throws(SQLiteError) {
    try ledger.database.execute("PRAGMA synchronous = NORMAL")
  }

  /// Adds up the hours of the oldest day that is over for so long that nobody asks for its hours, in one
  /// transaction: `usage` keeps one row a day and user of it.
  ///
  /// - Parameter days: how long hours are kept, the setting `HOURLY_DAYS`.
  /// - Returns: how many rows went into others; nil where no such day is left.
  package func foldDay(keeping days: Int, at now: Int64) throws(SQLiteError) -> Int? {
    let end = ledger.zone.start(of: Day(of: now, in: ledger.zone) + -Int64(days))
    return try ledger.database.transaction { () throws(SQLiteError) in
      let calendar = try UsageCalendar(ledger.database, zone: ledger.zone)
      let oldest = try ledger.database.first(
        "SELECT min(start) FROM usage WHERE start >= ?1 AND start > ?2", calendar.foldedBefore,
        UsageCalendar.beforeEveryLedger
      ) { $0.optionalInteger(0) }
      guard let oldest = oldest ?? nil, oldest < end else {
        if calendar.foldedBefore < end { try setFolded(before: end) }
        return nil
      }
      let day = Day(of: oldest, in: ledger.zone)
      let (start, next) = (ledger.zone.start(of: day), max(ledger.zone.end(of: day), oldest + 1))
      let removed =
        try ledger.database.exists(
          "SELECT 1 FROM usage WHERE start > ?1 AND start < ?2", start, next)
        ? try addUpHours(from: start, to: next) : 0
      try setFolded(before: next)
      return removed
    }
  }

  /// - Returns: how many rows there are less.
  private func addUpHours(from start: Int64, to end: Int64) throws(SQLiteError) -> Int {
    // A day has 30 hours and resets at most: no sum of so many is too large.
    try ledger.database.run(
      """
      INSERT OR REPLACE INTO usage
        SELECT ?1, user_id, sum(min(bytes_received, \(Int64.max / 32))),
          sum(min(bytes_sent, \(Int64.max / 32)))
        FROM usage WHERE start >= ?1 AND start < ?2 GROUP BY user_id
      """, start, end)
    return try ledger.database.run(
      "DELETE FROM usage WHERE start > ?1 AND start < ?2", start, end)
  }

  private func setFolded(before moment: Int64) throws(SQLiteError) {
    try ledger.database.run("INSERT OR REPLACE INTO meta VALUES ('folded_before', ?1)", moment)
  }
}
