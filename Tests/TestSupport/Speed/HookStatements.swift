/// What the hooks have the database do, for the SQLite shell to do the same.
package enum HookStatements {
  /// What holds for a user: see `StandingRow`.
  private static let standing =
    """
    SELECT users.id, status, user_quotas.quota_bytes, user_quotas.granted_bytes,
      user_quotas.carried_bytes, grace_bytes, grace_percent, period_usage.bytes_received,
      period_usage.bytes_sent, user_quotas.period_start, user_quotas.period_end, is_exempt,
      expires_at, max_sessions, period, reset_at, noticed, username
    FROM users LEFT JOIN user_quotas ON user_quotas.user_id = users.id
      LEFT JOIN period_usage ON period_usage.user_id = users.id
        AND period_usage.period_start = coalesce(user_quotas.period_start, 0)
    """

  /// The connect hook's lookup: see `StandingRow`.
  package static func lookup(of name: String) -> String {
    """
    PRAGMA user_version;
    \(standing) WHERE username = '\(name)';
    """
  }

  /// What the disconnect hook has the database do for a session that a sweep has seen: see `Ledger`.
  package static func closing(on server: SimulatedServer) -> String {
    let session = """
      pid = \(server.processID) AND connected_since = \(SpeedBench.since)
        AND address = '10.99.0.7' AND boot = (SELECT max(boot) FROM sessions)
      """
    let user = "(SELECT id FROM users WHERE username = 'alice')"
    let raise = """
      bytes_received = min(bytes_received, 9223372036854775807 - 99164) + 99164,
        bytes_sent = min(bytes_sent, 9223372036854775807 - 200177) + 200177
      """
    return """
      PRAGMA synchronous = NORMAL;
      PRAGMA user_version;
      BEGIN IMMEDIATE;
      SELECT boot, pid, connected_since, address, user_id, common_name, server, real_address,
        bytes_received, bytes_sent, closed_at, closed_by, log_id, kills, killed_at
      FROM sessions WHERE \(session);
      INSERT INTO traffic_logs (user_id, bytes_sent, bytes_received, log_timestamp)
      VALUES (\(user), 202000, 101000, datetime(1795466265, 'unixepoch'));
      UPDATE sessions SET bytes_received = 101000, bytes_sent = 202000, closed_at = 1795466265,
        closed_by = 'hook', log_id = last_insert_rowid()
      WHERE \(session);
      \(standing) WHERE users.id = \(user);
      UPDATE period_usage SET \(raise) WHERE user_id = \(user) AND period_start = 0;
      UPDATE daily_usage SET \(raise) WHERE user_id = \(user) AND day = date('now');
      UPDATE hourly_usage SET \(raise) WHERE user_id = \(user) AND hour = unixepoch() / 3600 * 3600;
      UPDATE user_quotas SET bytes_used = 303000, updated_at = datetime(1795466265, 'unixepoch')
      WHERE user_id = \(user);
      COMMIT;
      SELECT bytes_received, bytes_sent FROM period_usage WHERE user_id = \(user);
      """
  }
}
