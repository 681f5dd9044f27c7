/// A table whose rows are kept for a time and no longer.
struct History {
  /// The table.
  let table: String
  /// The columns of its primary key, in the order in which the table is stored: a walk along them
  /// needs no index.
  let key: [String]
  /// What is true of a row that has been kept long enough; `?1` is the oldest moment to keep, in
  /// seconds since 1970, and `?2` the oldest day.
  let isPast: String

  /// Every table that grows with time. What holds for a user now is in none of them: usage of the
  /// current period, quotas and open sessions stay, however old they are.
  ///
  /// - Parameter now: seconds since 1970, for what is kept for a time of its own.
  static func all(at now: Int64) -> [History] {
    [
      History(
        table: "traffic_logs", key: ["id"], isPast: "log_timestamp < datetime(?1, 'unixepoch')"),
      History(
        table: "events", key: ["at", "username", "kind", "detail"], isPast: "last_at < ?1"),
      // What a user brought along from the earlier project is on a day before every ledger.
      History(
        table: "daily_usage", key: ["user_id", "day"], isPast: "day < ?2 AND day > '0001-01-01'"),
      History(
        table: "hourly_usage", key: ["user_id", "hour"],
        isPast: "hour < max(?1, \(now - HourlyUsage.days * 86_400))"),
      // What a period took from carried grants is gone from them for ever, so that has to stay.
      History(
        table: "period_usage", key: ["user_id", "period_start"],
        isPast: "period_end < ?1 AND carried_bytes = 0 AND \(isOver("period_usage"))"),
      // A notice of the present period stands for not giving it again.
      History(
        table: "notices", key: ["user_id", "period_start", "kind", "detail"],
        isPast: "settled_at < ?1 AND \(isOver("notices"))"),
    ]
  }

  /// What is true of a row of a period that is no longer its user's present one.
  private static func isOver(_ table: String) -> String {
    """
    period_start IS NOT (SELECT user_quotas.period_start FROM user_quotas
      WHERE user_quotas.user_id = \(table).user_id)
    """
  }
}
