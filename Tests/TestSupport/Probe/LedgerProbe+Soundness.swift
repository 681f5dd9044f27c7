import Quota

// What has to be true of every ledger at every moment, whatever was interrupted.
extension LedgerProbe {
  /// What is wrong with the ledger, each in a line; none where it is sound.
  ///
  /// - Parameters:
  ///   - hasAllHistory: whether sessions and history are there from the beginning. Where some
  ///     were pruned, or an earlier project had others, they are no sum of the periods.
  ///   - count: which traffic the quotas count.
  package func faults(
    hasAllHistory: Bool = true, counting count: Count = .total
  ) throws -> [String] {
    let damage = try open().damage()
    if !damage.isEmpty { return damage }
    var queries = LedgerProbe.strays + LedgerProbe.types + [LedgerProbe.mirror(count)]
    if hasAllHistory { queries += LedgerProbe.sums + LedgerProbe.logs }
    return try queries.flatMap { try rows($0) { $0.text(0) } }
  }

  /// Rows that belong to nobody, and users without a quota.
  private static let strays =
    [allSessions, "periods", "usage", "traffic_logs", "user_quotas"].map {
      "SELECT DISTINCT '\($0.prefix(20)) of no user: ' || user_id FROM \($0) WHERE user_id NOT IN (SELECT id FROM users)"
    } + [
      "SELECT username || ' has no quota row' FROM users WHERE id NOT IN (SELECT user_id FROM user_quotas) AND instr(username, char(1)) = 0"
    ]

  /// Sums that became fractions, beyond the largest integer.
  private static let types = Measure.allCases.map { measure in
    """
    SELECT 'no integers in \(measure) of user ' || user_id FROM \(measure.table)
    WHERE typeof(bytes_received) != 'integer' OR typeof(bytes_sent) != 'integer'
    """
  }

  /// `bytes_used` is what the present period has.
  private static func mirror(_ count: Count) -> String {
    let counted =
      switch count {
      case .total: "min(bytes_received, \(Int64.max) - bytes_sent) + bytes_sent"
      case .sent: "bytes_sent"
      case .received: "bytes_received"
      }
    return """
      SELECT username || ' has used ' || bytes_used || ', by the period ' || used FROM (
        SELECT username, bytes_used, \(counted) AS used
        FROM user_quotas JOIN users ON users.id = user_id)
      WHERE bytes_used != used
      """
  }

  /// All periods, history and sessions of a user add up to the same.
  private static let sums = ["usage", allSessions].flatMap { table in
    ["received", "sent"].map { direction in
      """
      SELECT username || ': \(direction) by periods ' || periods || ', by \(table.prefix(20)) ' || others FROM (
        SELECT username,
          (SELECT total(bytes_\(direction)) FROM \(periods) WHERE user_id = users.id) AS periods,
          (SELECT total(bytes_\(direction)) FROM \(table) WHERE user_id = users.id) AS others
        FROM users)
      WHERE periods != others
      """
    }
  }

  /// Each row in the log of sessions is one ended session's, with its counters.
  private static let logs = [
    """
    SELECT 'session ' || sessions.id || ' and its log differ' FROM sessions
      JOIN counters ON session_id = sessions.id LEFT JOIN traffic_logs AS t ON t.id = log_id
    WHERE log_id IS NOT NULL AND ended_at IS NOT NULL AND (t.user_id IS NOT sessions.user_id
      OR t.bytes_received IS NOT counters.bytes_received
      OR t.bytes_sent IS NOT counters.bytes_sent)
    """,
    """
    SELECT 'log ' || id || ' is of ' || n || ' sessions' FROM (SELECT id,
      (SELECT count(*) FROM sessions WHERE log_id = traffic_logs.id) AS n FROM traffic_logs)
    WHERE n > 1
    """,
  ]
}
