import Quota
import SQLite

extension Ledger {
  /// What the ledger knows of a user that bears on whether he may be in, nil for a stranger.
  ///
  /// The sessions he has are left out; see `sessionsBefore`.
  ///
  /// - Parameter time: seconds since 1970 in UTC; a period that is over by then is over, whether or
  ///   not anything has run since.
  package func standing(of name: UserName, at time: Int64) throws(SQLiteError) -> Standing? {
    try standingRow(ofUser: name).map { row throws(SQLiteError) in try standing(row, at: time) }
  }

  /// The standing in a user's row, with what it takes to know another one; nil for a stranger.
  func standingRow(ofUser name: UserName) throws(SQLiteError) -> StandingRow? {
    var statement = try database.prepare("\(StandingRow.selection) username = ?1")
    statement.bind(1, bytes: name.bytes)
    return try statement.step() ? StandingRow(statement) : nil
  }

  /// The standing in a user's row, with what it takes to know another one.
  func standingRow(of user: Int64) throws(SQLiteError) -> StandingRow? {
    var statement = try database.prepare("\(StandingRow.selection) users.id = ?1")
    statement.bind(1, user)
    return try statement.step() ? StandingRow(statement) : nil
  }

  /// A user's standing at a moment, which may be in another period than the one in his row.
  func standing(_ row: StandingRow, at time: Int64) throws(SQLiteError) -> Standing {
    row.standing.span.contains(time) ? row.standing : try renewed(row, at: time)
  }

  /// A user's standing at a moment, reckoned anew from the rows that it follows from.
  func renewed(_ row: StandingRow, at time: Int64) throws(SQLiteError) -> Standing {
    var standing = row.standing
    let turn = Turn(row.periodRule, resetAt: row.resetAt, at: time, in: zone)
    standing.span = turn.span
    standing.used = try used(by: row.user, inPeriodFrom: turn.span.start)
    standing.granted = try granted(to: row.user, during: turn.calendar)
    standing.carried = try carried(for: row.user, into: turn.span.start)
    return standing
  }
}

/// What one row says of a user: his standing in the period that it was last brought up to, and what
/// it takes to know another one.
struct StandingRow {
  let user: Int64
  let standing: Standing
  /// The period's text, read only when another period falls in.
  private let period: String?
  /// The percentage that was noticed last in this period, 0 for none.
  let noticed: Int64
  /// When an administrator last let usage start over.
  let resetAt: Int64?

  /// How many columns it takes; others can follow.
  static let count: Int32 = 18

  /// What `init(_:)` reads.
  static let columns =
    """
    users.id, status, user_quotas.quota_bytes, user_quotas.granted_bytes,
      user_quotas.carried_bytes, grace_bytes, grace_percent, period_usage.bytes_received,
      period_usage.bytes_sent, user_quotas.period_start, user_quotas.period_end, is_exempt,
      expires_at, max_sessions, period, reset_at, noticed, username
    """
  static let tables =
    """
    users LEFT JOIN user_quotas ON user_quotas.user_id = users.id
      LEFT JOIN period_usage ON period_usage.user_id = users.id
        AND period_usage.period_start = coalesce(user_quotas.period_start, 0)
    """

  /// Selects the rows of those users that a condition behind it names.
  static let selection = "SELECT \(columns) FROM \(tables) WHERE"

  /// Reads a row of `columns`.
  ///
  /// Any status but the earlier project's `active` shuts a user out; a quota it left empty or
  /// negative is none.
  init(_ row: borrowing Statement) {
    user = row.integer(0)
    standing = Standing(
      isEnabled: row.text(1) == "active", quota: max(0, row.integer(2)), granted: row.integer(3),
      carried: row.integer(4), grace: Grace(bytes: row.integer(5), percent: row.integer(6)),
      used: Traffic(received: row.integer(7), sent: row.integer(8)),
      span: TimeSpan(start: row.integer(9), end: row.optionalInteger(10) ?? .max),
      isExempt: row.integer(11) != 0, expiresAt: row.optionalInteger(12),
      maxSessions: row.integer(13))
    period = row.isNull(14) ? nil : row.text(14)
    resetAt = row.optionalInteger(15)
    noticed = row.integer(16)
  }

  /// When usage starts over.
  var periodRule: Period { Period(text: period) ?? .none }

  /// The name that a row of `columns` has.
  static func name(_ row: borrowing Statement) -> UserName { UserName(bytes: row.bytes(17)) }
}
