import Quota
import SQLite

/// All that holds for a user, read by one query and written by one: their own terms and those of
/// their plan, with the row of their present period.
struct UserRow {
  var row: EntitlementRow
  let name: UserName
  /// What they have of their own.
  var own: Terms
  var plan: Plan?
  /// When a time that does not end on a date began for them.
  var begunAt: Int64?
  /// Seconds since 1970 in UTC; nil where the earlier project left none that can be read.
  let createdAt: Int64?
  /// Sessions that were live at the last sweep.
  let openSessions: Int

  /// What holds for them.
  var effective: Terms {
    var terms = own.following(plan?.terms ?? Terms())
    terms.quota = terms.quota ?? 0
    return terms
  }

  static let createdAt = "CAST(strftime('%s', created_at) AS INTEGER)"
  static let sessionCount =
    "(SELECT count(*) FROM sessions WHERE user_id = users.id AND ended_at IS NULL AND reason IS NULL)"

  /// A condition that holds for a user who has a session that was live at the last sweep.
  static func isConnected(_ user: String) -> String {
    "EXISTS (SELECT 1 FROM sessions WHERE sessions.user_id = \(user) AND ended_at IS NULL AND reason IS NULL)"
  }

  /// Selects the rows of those users that what stands behind it names.
  static let selection =
    """
    SELECT \(EntitlementRow.columns), \(createdAt), \(sessionCount), began_at,
      \(Terms.columns(of: "user_quotas")), \(Plan.columns)
    FROM \(EntitlementRow.tables)
    """

  /// Reads a row of `selection`.
  init(_ columns: borrowing Statement) {
    let first = EntitlementRow.count
    row = EntitlementRow(columns)
    name = EntitlementRow.name(columns)
    createdAt = columns.optionalInteger(first)
    openSessions = Int(columns.integer(first + 1))
    begunAt = columns.optionalInteger(first + 2)
    own = Terms(columns, at: first + 3)
    plan = Plan(columns, at: first + 12)
    // Another program may have given them a quota.
    if own.quota == nil, plan == nil, row.entitlement.quota > 0 {
      own.quota = row.entitlement.quota
    }
  }

  /// Brings the row up to the terms that hold from now on, but for the period.
  mutating func settle(at time: Int64) {
    let terms = effective
    let course = (terms.lifetime ?? .unlimited).course(
      begunAt: begunAt, isConnected: openSessions > 0, at: time)
    begunAt = course.begunAt
    row.entitlement.quota = terms.quota ?? 0
    row.entitlement.grace = terms.grace ?? .none
    row.entitlement.isExempt = terms.isExempt ?? false
    row.entitlement.expiresAt = course.endsAt
    row.entitlement.maxSessions = terms.maxSessions ?? 0
    row.periodRule = terms.period ?? .none
  }
}

extension Ledger {
  /// A known user's row.
  func userRow(of name: UserName) throws(LedgerError) -> UserRow {
    guard let user = try userRowOrNil(of: name) else { throw .noSuchUser(name) }
    return user
  }

  /// A user's row, nil for a stranger.
  func userRowOrNil(of name: UserName) throws(LedgerError) -> UserRow? {
    try asking { () throws(SQLiteError) in
      let user = try database.first("\(UserRow.selection) WHERE username = ?1", name) {
        UserRow($0)
      }
      guard var user, user.row.quotaRow == nil else { return user }
      // Another program may have added the user and no more.
      user.row.quotaRow = try addQuotaRow(of: user.row.user)
      return user
    }
  }

  /// Writes all that holds for a user, with the present period.
  func write(_ user: UserRow, at time: Int64) throws(SQLiteError) {
    let (row, entitlement) = (user.row, user.row.entitlement)
    var update = try database.prepare(
      """
      UPDATE user_quotas SET \(Terms.assignments), plan_id = :plan, began_at = :began,
        quota_bytes = :quota_bytes, \(EntitlementRow.assignments),
        updated_at = datetime(:at, 'unixepoch')
      WHERE id = :id
      """)
    update.bind(
      user.own.stored + [user.plan?.id, user.begunAt, entitlement.quota]
        + row.stored(by: rules.count) + [time, row.quotaRow])
    try update.run()
  }

  /// Lets a user's time begin with a session, where it has waited for the first one.
  func beginLifetime(of user: Int64, at time: Int64) throws(SQLiteError) {
    let begun = try database.run(
      """
      UPDATE user_quotas SET began_at = ?2 WHERE user_id = ?1 AND began_at IS NULL
        AND iif(from_first IS NULL, (SELECT expires_after FROM plans WHERE plans.id = plan_id),
          expires_after) IS NOT NULL
      """, user, time)
    guard begun > 0, let row = try entitlementRow(of: user), let name = try name(of: user) else {
      return
    }
    try noticeExpiry(of: row.entitlement, name, at: time)
  }
}
