import Quota
import SQLite

extension Ledger {
  /// Writes the row in `traffic_logs` that an ended session has, or raises the one it has already.
  ///
  /// - Returns: the id of the row.
  func log(
    _ counters: Traffic, of user: Int64, endedAt time: Int64, as row: Int64?
  ) throws(SQLiteError) -> Int64 {
    if let row {
      var raise = try database.prepare(
        "UPDATE traffic_logs SET bytes_sent = ?2, bytes_received = ?3 WHERE id = ?1")
      raise.bind(1, row)
      raise.bind(2, counters.sent)
      raise.bind(3, counters.received)
      try raise.run()
      return row
    }
    var insert = try database.prepare(
      """
      INSERT INTO traffic_logs (user_id, bytes_sent, bytes_received, log_timestamp)
      VALUES (?1, ?2, ?3, datetime(?4, 'unixepoch'))
      """)
    insert.bind(1, user)
    insert.bind(2, counters.sent)
    insert.bind(3, counters.received)
    insert.bind(4, time)
    try insert.run()
    return database.lastInsertedRow
  }
}
