import Gate
import Quota
import SQLite

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

  /// Selects the rows of those users that a condition behind it names.
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

  /// When usage starts over.
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

  /// The name that a row of `columns` has.
  static func name(_ row: borrowing Statement) -> UserName { UserName(bytes: row.bytes(17)) }
}

/// The statement that reads the entitlements of users by their ids.
///
/// Those whose ids are close to each other are read in one pass, which takes half of what a look at
/// each does; in a sweep nearly everybody is asked for.
struct EntitlementRows: ~Copyable {
  private var find: Statement

  /// - Parameter condition: what has to hold for a user besides.
  init(_ ledger: Ledger, where condition: String = "true") throws(SQLiteError) {
    find = try ledger.database.prepare(
      """
      \(EntitlementRow.selection) users.id BETWEEN ?1 AND ?2 AND \(condition) ORDER BY users.id
      """)
  }

  /// Hands the rows of users to a body, each with the statement that it was read from.
  ///
  /// - Parameter users: their ids in ascending order; an id may be there more than once.
  mutating func forEach(
    of users: [Int64],
    _ body: (EntitlementRow, borrowing Statement) throws(SQLiteError) -> Void
  ) throws(SQLiteError) {
    var next = 0
    while next < users.count {
      var last = next
      while last + 1 < users.count, users[last + 1] - users[last] <= 2 { last += 1 }
      find.bind(1, users[next])
      find.bind(2, users[last])
      while try find.step() {
        let user = find.integer(0)
        while users[next] < user { next += 1 }
        if users[next] == user { try body(EntitlementRow(find), find) }
      }
      next = last + 1
    }
  }
}
