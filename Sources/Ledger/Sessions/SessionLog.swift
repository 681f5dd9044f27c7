import Quota
import SQLite

extension Ledger {
  /// Writes the row in `traffic_logs` that an ended session has, or raises the one it has already.
  ///
  /// - Returns: the number of the row.
  func log(
    _ session: Int64, _ counters: Traffic, endedAt time: Int64, by ending: Ending, as row: Int64?
  ) throws(SQLiteError) -> Int64 {
    if let row {
      var raise = try database.prepare(
        """
        UPDATE traffic_logs SET bytes_sent = ?2, bytes_received = ?3, ended_by = ?4 WHERE id = ?1
        """)
      raise.bind(1, row)
      raise.bind(2, counters.sent)
      raise.bind(3, counters.received)
      raise.bind(4, ending.rawValue)
      try raise.run()
      return row
    }
    var insert = try database.prepare(
      """
      INSERT INTO traffic_logs (user_id, bytes_sent, bytes_received, log_timestamp,
        connected_since, server_id, virtual, real, ended_by)
      SELECT user_id, ?2, ?3, datetime(?4, 'unixepoch'), connected_since,
        coalesce(listed_as, server_id), coalesce(virtual, ipv4, ipv6), coalesce(real, client), ?5
      FROM sessions JOIN processes ON processes.id = process_id WHERE sessions.id = ?1
      """)
    insert.bind(1, session)
    insert.bind(2, counters.sent)
    insert.bind(3, counters.received)
    insert.bind(4, time)
    insert.bind(5, ending.rawValue)
    try insert.run()
    return database.lastInsertedRow
  }

  /// The number of the row in `traffic_logs` that a session has, nil where it has none.
  func logID(of session: Int64) throws(SQLiteError) -> Int64? {
    var find = try database.prepare("SELECT log_id FROM sessions WHERE id = ?1")
    find.bind(1, session)
    return try find.step() ? find.optionalInteger(0) : nil
  }
}
