import Quota
import SQLite

/// All that the ledger has on a user, read by one query and written by one: their own terms and those
/// of their plan, with the row of their present period.
package struct UserRecord: Sendable {
  package let name: UserName
  /// The moment that `entitlement` is as of, in seconds since 1970 in UTC.
  package internal(set) var at: Int64 = 0
  /// Their present period, which is the one at that moment.
  var row: EntitlementRow
  /// What they have of their own.
  package internal(set) var own: Terms
  package internal(set) var plan: Plan?
  /// When a time that does not end on a date began for them.
  var begunAt: Int64?
  /// Seconds since 1970 in UTC; nil where the earlier project left none that can be read.
  package let createdAt: Int64?
  /// Sessions that were live at the last sweep.
  package var openSessions = 0
  /// What the name of their page begins with, see `Users.pageToken`; nil as long as they have none.
  package private(set) var pageToken: String?

  /// Status, quota and usage of the present period: what `decide` asks about.
  package var entitlement: Entitlement {
    get { row.entitlement }
    set { row.entitlement = newValue }
  }

  /// The number that sessions and usage are kept by.
  package var number: Int64 { row.user }

  /// When their usage starts over.
  package var period: Period { row.periodRule }

  /// What holds for them.
  package var effective: Terms {
    var terms = own.following(plan?.terms ?? Terms())
    terms.quota = terms.quota ?? 0
    return terms
  }

  /// Seconds that their time lasts from their first connection on, which they have not made yet.
  package var waitingLifetime: Int64? { begunAt == nil ? effective.lifetime?.seconds : nil }

  /// What an import needs to have them again. A time that has begun to run is bound to its end.
  package var exportedTerms: Terms {
    var terms = own
    // A user without a quota of their own or of a plan has none at all.
    if terms.quota == nil, plan?.terms.quota == nil { terms.quota = 0 }
    if begunAt != nil { terms.lifetime = entitlement.expiresAt.map { .until($0) } }
    return terms
  }

  /// A user who is added.
  init(_ name: UserName, row: EntitlementRow, own: Terms, plan: Plan?, at time: Int64) {
    self.name = name
    at = time
    self.row = row
    self.own = own
    self.plan = plan
    createdAt = time
    settle(at: time)
  }

  /// Reads a row of `selection`.
  init(_ columns: borrowing Statement) {
    let first = EntitlementRow.count
    name = EntitlementRow.name(columns)
    row = EntitlementRow(columns)
    createdAt = columns.optionalInteger(first)
    openSessions = Int(columns.integer(first + 1))
    begunAt = columns.optionalInteger(first + 2)
    pageToken = columns.optionalText(first + 3)
    own = Terms(columns, at: first + 4)
    plan = Plan(columns, at: first + 4 + Int32(Terms.columns.names.count))
    // Another program may have given them a quota.
    if own.quota == nil, plan == nil, entitlement.quota > 0 { own.quota = entitlement.quota }
  }

  /// Selects the rows of those users that what stands behind it names. The count of sessions is a look
  /// into the index of open ones: one for each user is cheaper than a join for all.
  static let selection =
    """
    SELECT \(EntitlementRow.columns), CAST(strftime('%s', created_at) AS INTEGER),
      (SELECT count(*) \(openSessions("users.id"))), began_at, page_token,
      \(Terms.columns.list(of: "user_quotas")), \(Plan.columns)
    FROM \(EntitlementRow.tables)
    """

  /// A condition that holds for a user who has a session that was live at the last sweep.
  static func isConnected(_ user: String) -> String { "EXISTS (SELECT 1 \(openSessions(user)))" }

  static func openSessions(_ user: String) -> String {
    "FROM sessions WHERE sessions.user_id = \(user) AND ended_at IS NULL AND reason IS NULL"
  }

  /// What is written of a user.
  static let columns =
    Terms.columns + Columns(["plan_id", "began_at", "quota_bytes"]) + EntitlementRow.written

  /// The values of `columns`.
  func stored(by count: Count) -> [any Bindable] {
    own.stored + [plan?.id, begunAt, entitlement.quota] + row.stored(by: count)
  }

  /// Brings the row up to the terms that hold from now on, but for the period.
  mutating func settle(at time: Int64) {
    let terms = effective
    let course = course(at: time)
    begunAt = course.begunAt
    row.entitlement.quota = terms.quota ?? 0
    row.entitlement.grace = terms.grace ?? .none
    row.entitlement.isExempt = terms.isExempt ?? false
    row.entitlement.expiresAt = course.endsAt
    row.entitlement.maxSessions = terms.maxSessions ?? 0
    row.entitlement.rate = terms.rate?.rate
    row.entitlement.thenRate = terms.thenRate?.rate
    row.periodRule = terms.period ?? .none
  }

  /// When their time began and when it is over, as far as either is known yet.
  func course(at time: Int64) -> (begunAt: Int64?, endsAt: Int64?) {
    (effective.lifetime ?? .unlimited).course(
      begunAt: begunAt, isConnected: openSessions > 0, at: time)
  }
}
