/// What the hooks have the database do, for the SQLite shell to do the same.
package enum HookStatements {
  /// What holds for a user: see `StandingRow`.
  private static let standing =
    """
    SELECT users.id, status, coalesce(user_quotas.quota, plans.quota, quota_bytes), granted, carried,
      coalesce(user_quotas.grace_bytes, plans.grace_bytes),
      coalesce(user_quotas.grace_percent, plans.grace_percent), bytes_received, bytes_sent,
      period_start, period_end, coalesce(user_quotas.is_exempt, plans.is_exempt),
      iif(user_quotas.from_first IS NULL,
        coalesce(plans.expires_at, began_at + plans.expires_after),
        coalesce(user_quotas.expires_at, began_at + user_quotas.expires_after)),
      coalesce(user_quotas.max_sessions, plans.max_sessions),
      coalesce(user_quotas.period, plans.period), reset_at, noticed, username, user_quotas.id,
      is_estimated
    FROM users LEFT JOIN user_quotas ON user_quotas.user_id = users.id
      LEFT JOIN plans ON plans.id = plan_id
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
      UPDATE usage SET \(raise) WHERE start = unixepoch() / 3600 * 3600 AND user_id = \(user);
      UPDATE user_quotas SET \(raise), bytes_used = 303000, noticed = 0, is_estimated = 0,
        updated_at = datetime(1795466265, 'unixepoch')
      WHERE id = \(user);
      COMMIT;
      SELECT bytes_received, bytes_sent FROM user_quotas WHERE user_id = \(user);
      """
  }
}
