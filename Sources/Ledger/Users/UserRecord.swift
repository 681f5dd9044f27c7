import Gate
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

  package var entitlement: Entitlement {
    get { row.entitlement }
    set { row.entitlement = newValue }
  }

  /// The number that sessions and usage are kept by.
  package var number: Int64 { row.user }

  package var period: Period { row.periodRule }

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

  init(_ name: UserName, row: EntitlementRow, own: Terms, plan: Plan?, at time: Int64) {
    self.name = name
    at = time
    self.row = row
    self.own = own
    self.plan = plan
    createdAt = time
    settle(at: time)
  }

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

  static let columns =
    Terms.columns + Columns(["plan_id", "began_at", "quota_bytes"]) + EntitlementRow.written

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

/// What one row says of a user: their entitlement in the period that it was last brought up to, and what
/// it takes to know another one.
struct EntitlementRow {
  let user: Int64
  var entitlement: Entitlement
  /// The highest percentage that gave notice in this period, 0 for none.
  var noticed: Int64
  /// When an administrator last let usage start over.
  var resetAt: Int64?
  /// Whether usage of this period was divided between it and another one in proportion to time.
  var isEstimated: Bool
  /// What the user has on other hosts; nil where no host has told of any.
  var elsewhere: ElsewhereUsage?
  /// The row in `user_quotas`; nil where there is none.
  var quotaRow: Int64?
  /// The period's text, read only when another period falls in.
  private var period: String?

  /// How many columns it takes; others can follow.
  static let count: Int32 = 27

  /// What `init(_:)` reads: a user's own terms, else those of the plan. Another program may have made
  /// the row, and so a quota that is nobody's is the user's.
  static let columns =
    """
    users.id, status IS 'active', coalesce(user_quotas.quota, plans.quota, quota_bytes), granted, carried,
      coalesce(user_quotas.grace_bytes, plans.grace_bytes),
      coalesce(user_quotas.grace_percent, plans.grace_percent), bytes_received, bytes_sent,
      period_start, period_end, coalesce(user_quotas.is_exempt, plans.is_exempt), \(expiry),
      coalesce(user_quotas.max_sessions, plans.max_sessions),
      coalesce(user_quotas.period, plans.period), reset_at, noticed, username, user_quotas.id,
      is_estimated, coalesce(user_quotas.rate, plans.rate),
      coalesce(user_quotas.then_rate, plans.then_rate), elsewhere_start, elsewhere_received,
      elsewhere_sent, elsewhere_sessions, elsewhere_hosts
    """
  static let tables =
    """
    users LEFT JOIN user_quotas ON user_quotas.user_id = users.id
      LEFT JOIN plans ON plans.id = plan_id
      LEFT JOIN elsewhere ON elsewhere_user = users.id
    """
  /// The second in which a user's time is over.
  static let expiry =
    """
    iif(user_quotas.from_first IS NULL,
      coalesce(plans.expires_at, began_at + plans.expires_after),
      coalesce(user_quotas.expires_at, began_at + user_quotas.expires_after))
    """

  static let selection = "SELECT \(columns) FROM \(tables) WHERE"

  /// The row of a user who is added.
  init(user: Int64) {
    self.user = user
    entitlement = Entitlement()
    noticed = 0
    isEstimated = false
  }

  /// Reads a row of `columns`.
  ///
  /// Any status but the earlier project's `active` shuts a user out; a quota it left empty or
  /// negative is none.
  init(_ row: borrowing Statement) {
    user = row.integer(0)
    entitlement = Entitlement(
      isEnabled: row.integer(1) != 0, quota: max(0, row.integer(2)), granted: row.integer(3),
      carried: row.integer(4), grace: Grace(bytes: row.integer(5), percent: row.integer(6)),
      used: Traffic(received: row.integer(7), sent: row.integer(8)),
      span: TimeSpan(start: row.integer(9), end: row.optionalInteger(10) ?? .max),
      isExempt: row.integer(11) != 0, expiresAt: row.optionalInteger(12),
      maxSessions: row.integer(13), rate: row.rateTerm(20)?.rate, thenRate: row.rateTerm(21)?.rate)
    period = row.optionalText(14)
    resetAt = row.optionalInteger(15)
    noticed = row.integer(16)
    isEstimated = row.integer(19) != 0
    quotaRow = row.optionalInteger(18)
    if row.isNull(22) { return }
    elsewhere = ElsewhereUsage(
      periodStart: row.integer(22), traffic: row.traffic(23), sessions: row.integer(25),
      hosts: row.integer(26))
    entitlement.elsewhere = used(elsewhereSince: entitlement.span.start)
    entitlement.sessionsElsewhere = row.integer(25)
  }

  /// What was used on other hosts, as far as it belongs to the period that begins at a moment.
  func used(elsewhereSince start: Int64) -> Traffic {
    guard let elsewhere, elsewhere.periodStart == start else { return Traffic() }
    return elsewhere.traffic
  }

  var periodRule: Period {
    get { period.flatMap(Period.init(stored:)) ?? .none }
    set { period = newValue.text }
  }

  /// What is written of the present period; no term among it.
  static let written = Columns([
    "period_start", "period_end", "reset_at", "granted", "carried", "bytes_received", "bytes_sent",
    "bytes_used", "noticed", "is_estimated",
  ])

  /// The values of `written`. `bytes_used` mirrors what counts.
  func stored(by count: Count) -> [any Bindable] {
    let (span, used) = (entitlement.span, entitlement.used)
    let usedInAll = count.bytes(of: entitlement.usedInAll)
    return [
      span.start, span.end == .max ? nil : span.end, resetAt, entitlement.granted,
      entitlement.carried,
      used.received, used.sent, usedInAll, noticed, isEstimated,
    ]
  }

  /// The hash that the name of a row of `columns` has in an access table.
  static func nameHash(_ row: borrowing Statement, by header: AccessHeader) -> UInt64 {
    row.withText(17) { header.hash(of: $0) }
  }

  static func name(_ row: borrowing Statement) -> UserName { UserName(bytes: row.bytes(17)) }
}

/// The statements that read the entitlements of users by their ids.
///
/// Those whose ids are close to each other are read in one pass, which takes half of what a look at
/// each does; in a sweep nearly everybody is asked for.
struct EntitlementRows: ~Copyable {
  /// Users with a row in `user_quotas`, in the order of its index: each finds its user beside the last one.
  private var pass: Statement
  /// One user, with such a row or without.
  private var find: Statement

  /// - Parameter condition: what has to hold for a user besides.
  init(_ ledger: Ledger, where condition: String = "true") throws(SQLiteError) {
    let pass = try ledger.database.prepare(
      "\(EntitlementRow.selection) user_id BETWEEN ?1 AND ?2 AND \(condition) ORDER BY user_id")
    let find = try ledger.database.prepare(
      "\(EntitlementRow.selection) users.id = ?1 AND \(condition)")
    self.pass = pass
    self.find = find
  }

  /// Hands the rows of users to a body, each with the statement that it was read from.
  ///
  /// - Parameter users: their ids in ascending order; an id may be there more than once.
  mutating func forEach(
    of users: [Int64],
    _ body: (inout EntitlementRow, borrowing Statement) throws(SQLiteError) -> Void
  ) throws(SQLiteError) {
    var next = 0
    while next < users.count {
      var last = next
      while last + 1 < users.count, users[last + 1] - users[last] <= 2 { last += 1 }
      pass.bind(1, users[next])
      pass.bind(2, users[last])
      while try pass.step() {
        let user = pass.integer(0)
        try findEach(of: users, &next, before: user, body)
        guard users[next] == user else { continue }
        var row = EntitlementRow(pass)
        try body(&row, pass)
        next += 1
      }
      try findEach(of: users, &next, before: users[last] + 1, body)
    }
  }

  /// Hands the rows of users whom a pass did not meet to a body, and those of users whom it met once more.
  private mutating func findEach(
    of users: [Int64], _ next: inout Int, before end: Int64,
    _ body: (inout EntitlementRow, borrowing Statement) throws(SQLiteError) -> Void
  ) throws(SQLiteError) {
    while next < users.count, users[next] < end {
      if next == 0 || users[next] != users[next - 1] {
        find.bind(1, users[next])
        if try find.step() {
          var row = EntitlementRow(find)
          try body(&row, find)
          find.reset()
        }
      }
      next += 1
    }
  }
}
