import Quota
import SQLite

/// Rows of `traffic_logs` are numbered by when the session ended, so that those since a moment lie
/// together and take no index.
enum SessionLog {
  /// The bits of an id below the second: room for more sessions than end in one.
  static let bits: Int64 = 24
  /// Below it are the earlier project's rows, in any order.
  static let firstID: Int64 = 1 << 40

  /// The least id of a session that ended at a moment, in seconds since 1970, or later.
  static func firstID(at time: Int64) -> Int64 {
    min(max(time, firstID >> bits), 1 << 38) << bits
  }

  /// What is true of the rows whose id is a parameter's value or more, and of those in any order.
  static func isSince(_ parameter: Int) -> String {
    "(traffic_logs.id >= ?\(parameter) OR traffic_logs.id < \(firstID))"
  }
}

extension Sessions {
  /// Writes the row in `traffic_logs` that an ended session has, or raises the one it has already.
  ///
  /// - Returns: the number of the row.
  func log(
    _ session: Int64, _ counters: Traffic, endedAt time: Int64, by ending: Ending, as row: Int64?
  ) throws(SQLiteError) -> Int64 {
    if let row {
      var raise = try ledger.database.prepare(
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
    var insert = try ledger.database.prepare(
      """
      INSERT INTO traffic_logs (id, user_id, bytes_sent, bytes_received, log_timestamp,
        connected_since, server_id, virtual, real, ended_by)
      SELECT (SELECT coalesce(max(id) + 1, ?6) FROM traffic_logs WHERE id >= ?6 AND id < ?7),
        user_id, ?2, ?3, datetime(?4, 'unixepoch'), connected_since,
        coalesce(listed_as, server_id), coalesce(virtual, ipv4, ipv6), coalesce(real, client), ?5
      FROM sessions JOIN processes ON processes.id = process_id WHERE sessions.id = ?1
      """)
    insert.bind(1, session)
    insert.bind(2, counters.sent)
    insert.bind(3, counters.received)
    insert.bind(4, time)
    insert.bind(5, ending.rawValue)
    insert.bind(6, SessionLog.firstID(at: time))
    insert.bind(7, SessionLog.firstID(at: time) + (1 << SessionLog.bits))
    try insert.run()
    return ledger.database.lastInsertedRow
  }
}
