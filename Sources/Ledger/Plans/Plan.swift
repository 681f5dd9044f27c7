import Quota
import SQLite

/// Terms with a name, which users follow.
package struct Plan: Equatable, Sendable {
  /// 0 as long as it is not in the ledger.
  let id: Int64
  package let name: String
  package var terms: Terms

  package init(name: String, terms: Terms) {
    id = 0
    self.name = name
    self.terms = terms
  }

  static let columns = "plans.id, plans.name, \(Terms.columns.list(of: "plans"))"

  /// Reads a plan from the columns of a row that begin at a place; nil where there is none.
  init?(_ row: borrowing Statement, at first: Int32 = 0) {
    if row.isNull(first) { return nil }
    id = row.integer(first)
    name = row.text(first + 1)
    terms = Terms(row, at: first + 2)
  }
}

extension Terms {
  /// What terms are kept in, of a plan as of a user. NULL says nothing.
  static let columns = Columns([
    "quota", "period", "max_sessions", "grace_bytes", "grace_percent", "is_exempt", "expires_at",
    "expires_after", "from_first", "rate", "then_rate",
  ])
  /// What a period that never starts over is kept as.
  fileprivate static let noPeriod = "none"
  /// What the absence of a rate is kept as.
  fileprivate static let noRate = "none"

  /// Reads terms from the columns of a row that begin at a place.
  init(_ row: borrowing Statement, at first: Int32) {
    self.init(
      quota: row.optionalInteger(first).map { max(0, $0) },
      maxSessions: row.optionalInteger(first + 2),
      isExempt: row.optionalInteger(first + 5).map { $0 != 0 }, rate: row.rateTerm(first + 9),
      thenRate: row.rateTerm(first + 10))
    period = row.optionalText(first + 1).flatMap(Period.init(stored:))
    if !row.isNull(first + 3) {
      grace = Grace(bytes: row.integer(first + 3), percent: row.integer(first + 4))
    }
    if !row.isNull(first + 8) {
      let isFromFirst = row.integer(first + 8) != 0
      if let seconds = row.optionalInteger(first + 7) {
        lifetime = .lasting(seconds, from: isFromFirst ? .firstConnection : .atOnce)
      } else {
        lifetime = row.optionalInteger(first + 6).map { .until($0) } ?? .unlimited
      }
    }
  }

  /// Whether a text is a value of one of these columns.
  static func isValid(_ text: String, for column: String) -> Bool {
    switch column {
    case "period": Period(stored: text) != nil
    case "rate", "then_rate": text == noRate || (try? Rate(parsing: text)) != nil
    default: Int64(text).map { $0 >= 0 } ?? false
    }
  }

  var stored: [any Bindable] {
    var (end, isFromFirst): (Int64?, Bool?) = (nil, lifetime.map { _ in false })
    switch lifetime {
    case .until(let time): end = time
    case .lasting(_, from: .firstConnection): isFromFirst = true
    case .lasting, .unlimited, nil: break
    }
    return [
      quota, period.map { $0.text ?? Terms.noPeriod }, maxSessions, grace?.bytes, grace?.percent,
      isExempt, end, lifetime?.seconds, isFromFirst, rate?.words(for: Terms.noRate),
      thenRate?.words(for: Terms.noRate),
    ]
  }
}

extension Period {
  /// The period that is kept as this text; nil for anything that is none.
  init?(stored text: String) { self.init(text: text == Terms.noPeriod ? nil : text) }
}

extension Statement {
  /// What a column says of a rate; nil where it says nothing.
  func rateTerm(_ column: Int32) -> RateTerm? {
    optionalText(column).map { RateTerm(try? Rate(parsing: $0)) }
  }
}

extension Ledger {
  /// Makes sure that terms make sense together, and that those which are set take effect.
  ///
  /// - Parameters:
  ///   - terms: what is to hold.
  ///   - own: the part of it that is the user's, or the plan's, own.
  ///   - former: what that was before.
  /// - Throws: `LedgerError.contradiction` or `.unfenced`.
  func check(_ terms: Terms, own: Terms, since former: Terms = Terms()) throws(LedgerError) {
    if let contradiction = terms.contradiction { throw .contradiction(contradiction) }
    let setsRate =
      own.rate != former.rate && own.rate?.rate != nil
      || own.thenRate != former.thenRate && own.thenRate?.rate != nil
    if setsRate, !rules.fence { throw .unfenced }
  }
}

/// The plans, and every change of one.
package struct Plans {
  let ledger: Ledger

  package func all() throws(SQLiteError) -> [Plan] {
    try ledger.database.query("SELECT \(Plan.columns) FROM plans ORDER BY name") { Plan($0) }
      .compactMap(\.self)
  }

  package func named(_ name: String) throws(SQLiteError) -> Plan? {
    try ledger.database.first("SELECT \(Plan.columns) FROM plans WHERE name = ?1", name) {
      Plan($0)
    } ?? nil
  }

  /// - Throws: `LedgerError.noSuchPlan`.
  func existing(_ name: String) throws -> Plan {
    guard let plan = try named(name) else { throw LedgerError.noSuchPlan(name) }
    return plan
  }

  /// The names of those who follow a plan, in the order of their bytes.
  package func followers(of plan: Plan) throws(SQLiteError) -> [UserName] {
    try ledger.database.query(
      """
      SELECT username FROM users JOIN user_quotas ON user_id = users.id WHERE plan_id = ?1
      ORDER BY username
      """, plan.id
    ) { UserName(bytes: $0.bytes(0)) }
  }

  /// Adds a plan.
  ///
  /// - Throws: `LedgerError.planExists`, or what `check` throws.
  package func add(_ name: String, _ terms: Terms, at time: Int64) throws {
    try ledger.check(terms, own: terms)
    try ledger.transaction {
      if try named(name) != nil { throw LedgerError.planExists(name) }
      try insert(name, terms, at: time)
    }
  }

  func insert(_ name: String, _ terms: Terms, at time: Int64) throws(SQLiteError) {
    var insert = try ledger.database.prepare(
      "INSERT INTO plans (name, \(Terms.columns.list)) VALUES (:name, \(Terms.columns.parameters))")
    insert.bind([name] + terms.stored)
    try insert.run()
    try record(name, "added", at: time)
  }

  /// Changes a plan, and with it, in the same transaction, every user who follows it.
  ///
  /// - Returns: how many that are; nil where the plan is as it was.
  /// - Throws: `LedgerError.noSuchPlan`, or what `check` throws.
  package func change(_ name: String, _ edit: TermsEdit, at time: Int64) throws -> Int? {
    try ledger.transaction {
      let old = try existing(name)
      var plan = old
      plan.terms = edit.applied(to: old.terms)
      try ledger.check(plan.terms, own: plan.terms, since: old.terms)
      if plan.terms == old.terms { return nil }
      try settle(plan, since: old.terms, at: time)
      return Int(
        try ledger.database.integer(
          "SELECT count(*) FROM user_quotas WHERE plan_id = \(plan.id)"))
    }
  }

  /// Brings a plan, and all who follow it, up to the terms that hold from now on.
  func settle(_ plan: Plan, since old: Terms, at time: Int64) throws(SQLiteError) {
    // Periods that are over end under the terms they had.
    try ledger.periods.rollOver(at: time)
    var update = try ledger.database.prepare(
      "UPDATE plans SET \(Terms.columns.assignments) WHERE id = :id")
    update.bind(plan.terms.stored + [plan.id])
    try update.run()
    try record(
      plan.name, plan.terms.differences(from: old).joined(separator: "; "), at: time)
    try follow(plan, since: old, at: time)
  }

  /// Removes a plan that nobody follows.
  ///
  /// - Throws: `LedgerError.noSuchPlan`, or `.planInUse` naming those who follow it.
  package func remove(_ name: String, at time: Int64) throws {
    try ledger.transaction {
      let plan = try existing(name)
      let followers = try followers(of: plan)
      if !followers.isEmpty { throw LedgerError.planInUse(name, followers) }
      try remove(plan, at: time)
    }
  }

  /// Removes a plan; who follows it still follows none from then on.
  func remove(_ plan: Plan, at time: Int64) throws(SQLiteError) {
    try ledger.database.run("UPDATE user_quotas SET plan_id = NULL WHERE plan_id = ?1", plan.id)
    try ledger.database.run("DELETE FROM plans WHERE id = ?1", plan.id)
    try record(plan.name, "removed", at: time)
  }

  private func record(_ name: String, _ detail: String, at time: Int64) throws(SQLiteError) {
    try ledger.events.record(
      Event(at: time, user: UserName(name), kind: .plan, detail: detail))
  }

  /// Brings the rows of all who follow a plan up to its new terms. Nearly all of a user's terms are
  /// read from the plan, so this is about what follows from them.
  private func follow(_ plan: Plan, since before: Terms, at time: Int64) throws(SQLiteError) {
    let terms = plan.terms
    if terms.quota != before.quota {
      try ledger.database.run(
        """
        UPDATE user_quotas SET quota_bytes = ?2, updated_at = datetime(?3, 'unixepoch')
        WHERE plan_id = ?1 AND quota IS NULL
        """, plan.id, terms.quota ?? 0, time)
    }
    if terms.lifetime != before.lifetime { try beginLifetimes(of: plan, at: time) }
    if terms.period != before.period {
      let rows = try ledger.database.query(
        "\(EntitlementRow.selection) plan_id = ?1 AND user_quotas.period IS NULL", plan.id
      ) { EntitlementRow($0) }
      try ledger.periods.startPeriods(of: rows, at: time)
    }
    if terms.quota != before.quota || terms.period != before.period
      || terms.thenRate != before.thenRate
    {
      try ledger.notices.noteUsage(ofFollowersOf: plan, at: time)
    }
    if terms.lifetime != before.lifetime || terms.isExempt != before.isExempt {
      try ledger.notices.noteExpiries(at: time)
    }
  }

  /// Lets the time of a plan's followers begin that has not begun yet, as far as it begins now, and
  /// forgets when it began where it is not counted from that.
  private func beginLifetimes(of plan: Plan, at time: Int64) throws(SQLiteError) {
    let beginning =
      switch plan.terms.lifetime {
      case .lasting(_, from: .atOnce): "coalesce(began_at, ?2)"
      case .lasting(_, from: .firstConnection):
        "coalesce(began_at, iif(\(UserRecord.isConnected("user_quotas.user_id")), ?2, NULL))"
      case .until, .unlimited, nil: "NULL"
      }
    try ledger.database.run(
      """
      UPDATE user_quotas SET began_at = \(beginning), updated_at = datetime(?2, 'unixepoch')
      WHERE plan_id = ?1 AND from_first IS NULL
      """, plan.id, time)
  }
}
