// All that a ledger knows, for two to be compared.
extension LedgerProbe {
  /// What two runs have to agree in that did the same: all but times and process ids, in lines.
  package var text: [String] {
    get throws {
      var lines = try LedgerProbe.queries.flatMap { try rows($0) { $0.text(0) } }
      for measure in [Measure.periods, .history] {
        lines += try usage(by: measure).map { "\(measure) \($0) \($1)" }
      }
      return lines.sorted()
    }
  }

  private static let queries =
    [
      "SELECT 'user ' || username || ' ' || status FROM users",
      """
      SELECT 'quota ' || username || ' ' || quota_bytes || ' ' || bytes_used || ' '
        || coalesce(period, '-') || ' ' || noticed || ' ' || coalesce(quota, '-')
      FROM user_quotas JOIN users ON users.id = user_id
      """,
      """
      SELECT 'session ' || username || ' ' || coalesce(hex(coalesce(virtual, ipv4, ipv6)), '-')
        || ' ' || bytes_received || ' ' || bytes_sent || ' ' || coalesce(ended_by, 'open') || ' '
        || kills
      FROM sessions JOIN counters ON session_id = sessions.id JOIN users ON users.id = user_id
      """,
      """
      SELECT 'log ' || username || ' ' || bytes_received || ' ' || bytes_sent
      FROM traffic_logs JOIN users ON users.id = user_id
      """,
      """
      SELECT 'event ' || username || ' ' || kind || ' ' || detail || ' ' || sum(count)
      FROM events WHERE tries IS NULL GROUP BY username, kind, detail
      """,
      "SELECT 'notice ' || username || ' ' || kind || ' ' || detail FROM events WHERE tries IS NOT NULL",
      "PRAGMA user_version",
    ]
}
