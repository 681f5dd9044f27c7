import Quota
import SQLite

/// Terms with a name, which users follow.
package struct Plan: Equatable, Sendable {
  let id: Int64
  package let name: String
  package var terms: Terms

  /// What `init(_:at:)` reads.
  static let columns = "plans.id, plans.name, \(Terms.columns(of: "plans"))"

  /// Reads a plan from the columns of a row that begin at a place; nil where there is none.
  init?(_ row: borrowing Statement, at first: Int32 = 0) {
    if row.isNull(first) { return nil }
    id = row.integer(first)
    name = row.text(first + 1)
    terms = Terms(row, at: first + 2)
  }
}

extension Terms {
  /// The columns that terms are kept in, of a plan as of a user. NULL says nothing.
  private static let names = [
    "quota", "period", "max_sessions", "grace_bytes", "grace_percent", "is_exempt", "expires_at",
    "expires_after", "from_first",
  ]
  /// What a period that never starts over is kept as.
  private static let noPeriod = "none"

  static let assignments = names.map { "\($0) = :\($0)" }.joined(separator: ", ")
  static let parameters = names.map { ":\($0)" }.joined(separator: ", ")
  static let columnNames = names.joined(separator: ", ")

  /// What `init(_:at:)` reads.
  static func columns(of table: String) -> String {
    names.map { "\(table).\($0)" }.joined(separator: ", ")
  }

  /// Reads terms from the columns of a row that begin at a place.
  init(_ row: borrowing Statement, at first: Int32) {
    self.init(
      quota: row.optionalInteger(first).map { max(0, $0) },
      maxSessions: row.optionalInteger(first + 2),
      isExempt: row.optionalInteger(first + 5).map { $0 != 0 })
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

  /// The values of the columns, in their order.
  var stored: [any Bindable] {
    var (end, isFromFirst): (Int64?, Bool?) = (nil, lifetime.map { _ in false })
    switch lifetime {
    case .until(let time): end = time
    case .lasting(_, from: .firstConnection): isFromFirst = true
    case .lasting, .unlimited, nil: break
    }
    return [
      quota, period.map { $0.text ?? Terms.noPeriod }, maxSessions, grace?.bytes, grace?.percent,
      isExempt, end, lifetime?.seconds, isFromFirst,
    ]
  }
}

extension Period {
  /// The period that is kept as this text; nil for anything that is none.
  init?(stored text: String) { self.init(text: text == "none" ? nil : text) }
}

extension Ledger {
  /// All plans in the order of their names.
  package func plans() throws(SQLiteError) -> [Plan] {
    try database.query("SELECT \(Plan.columns) FROM plans ORDER BY name") { Plan($0) }
      .compactMap(\.self)
  }

  /// One plan, nil where there is none of this name.
  package func plan(named name: String) throws(SQLiteError) -> Plan? {
    try database.first("SELECT \(Plan.columns) FROM plans WHERE name = ?1", name) { Plan($0) }
      ?? nil
  }

  /// The names of those who follow a plan, in the order of their bytes.
  package func followers(of plan: Plan) throws(SQLiteError) -> [UserName] {
    try database.query(
      """
      SELECT username FROM users JOIN user_quotas ON user_id = users.id WHERE plan_id = ?1
      ORDER BY username
      """, plan.id
    ) { UserName(bytes: $0.bytes(0)) }
  }

  /// Adds a plan.
  ///
  /// - Throws: `LedgerError.planExists`, or `.contradiction` for terms that make no sense together.
  package func addPlan(_ name: String, _ terms: Terms, at time: Int64) throws(LedgerError) {
    if let contradiction = terms.contradiction { throw .contradiction(contradiction) }
    try inTransaction { () throws(LedgerError) in
      if try planOrNil(name) != nil { throw .planExists(name) }
      try asking { () throws(SQLiteError) in
        var insert = try database.prepare(
          "INSERT INTO plans (name, \(Terms.columnNames)) VALUES (:name, \(Terms.parameters))")
        insert.bind([name] + terms.stored)
        try insert.run()
        try record(Event(at: time, user: UserName(name), kind: .plan, detail: "added"))
      }
    }
  }

  /// Changes a plan, and with it, in the same transaction, every user who follows it.
  ///
  /// - Returns: how many that are; nil where the plan is as it was.
  /// - Throws: `LedgerError.noSuchPlan` or `.contradiction`.
  package func changePlan(
    _ name: String, _ edit: TermsEdit, at time: Int64
  ) throws(LedgerError) -> Int? {
    try inTransaction { () throws(LedgerError) in
      let old = try existingPlan(name)
      var plan = old
      plan.terms = edit.applied(to: old.terms)
      if let contradiction = plan.terms.contradiction { throw .contradiction(contradiction) }
      if plan.terms == old.terms { return nil }
      return try asking { () throws(SQLiteError) in
        // Periods that are over end under the terms they had.
        try rollOver(at: time)
        var update = try database.prepare(
          "UPDATE plans SET \(Terms.assignments) WHERE id = :id")
        update.bind(plan.terms.stored + [plan.id])
        try update.run()
        let detail = plan.terms.differences(from: old.terms).joined(separator: "; ")
        try record(Event(at: time, user: UserName(name), kind: .plan, detail: detail))
        try follow(plan, since: old, at: time)
        return try followerCount(of: plan)
      }
    }
  }

  /// Removes a plan that nobody follows.
  ///
  /// - Throws: `LedgerError.noSuchPlan`, or `.planInUse` naming those who follow it.
  package func removePlan(_ name: String, at time: Int64) throws(LedgerError) {
    try inTransaction { () throws(LedgerError) in
      let plan = try existingPlan(name)
      let followers = try asking { () throws(SQLiteError) in try self.followers(of: plan) }
      if !followers.isEmpty { throw .planInUse(name, followers) }
      try asking { () throws(SQLiteError) in
        try database.run("DELETE FROM plans WHERE id = ?1", plan.id)
        try record(Event(at: time, user: UserName(name), kind: .plan, detail: "removed"))
      }
    }
  }

  /// One plan, nil where there is none of this name.
  func planOrNil(_ name: String) throws(LedgerError) -> Plan? {
    try asking { () throws(SQLiteError) in try plan(named: name) }
  }

  func existingPlan(_ name: String) throws(LedgerError) -> Plan {
    guard let plan = try planOrNil(name) else { throw .noSuchPlan(name) }
    return plan
  }

  private func followerCount(of plan: Plan) throws(SQLiteError) -> Int {
    try database.first("SELECT count(*) FROM user_quotas WHERE plan_id = ?1", plan.id) {
      Int($0.integer(0))
    } ?? 0
  }

  /// Brings the rows of all who follow a plan up to its new terms. Nearly all of a user's terms are
  /// read from the plan, so this is about what follows from them.
  private func follow(_ plan: Plan, since old: Plan, at time: Int64) throws(SQLiteError) {
    let (terms, before) = (plan.terms, old.terms)
    if terms.quota != before.quota {
      try database.run(
        """
        UPDATE user_quotas SET quota_bytes = ?2, updated_at = datetime(?3, 'unixepoch')
        WHERE plan_id = ?1 AND quota IS NULL
        """, plan.id, terms.quota ?? 0, time)
    }
    if terms.lifetime != before.lifetime { try beginLifetimes(of: plan, at: time) }
    if terms.period != before.period {
      let rows = try database.query(
        "\(EntitlementRow.selection) plan_id = ?1 AND user_quotas.period IS NULL", plan.id
      ) { EntitlementRow($0) }
      try startPeriods(of: rows, at: time)
    }
    if terms.quota != before.quota || terms.period != before.period {
      try noticeUsage(ofFollowersOf: plan, at: time)
    }
    if terms.lifetime != before.lifetime || terms.isExempt != before.isExempt {
      try noticeExpiries(at: time)
    }
  }

  /// Lets the time of a plan's followers begin that has not begun yet, as far as it begins now, and
  /// forgets when it began where it is not counted from that.
  private func beginLifetimes(of plan: Plan, at time: Int64) throws(SQLiteError) {
    let beginning =
      switch plan.terms.lifetime {
      case .lasting(_, from: .atOnce): "coalesce(began_at, ?2)"
      case .lasting(_, from: .firstConnection):
        "coalesce(began_at, CASE WHEN \(UserRow.isConnected("user_quotas.user_id")) THEN ?2 END)"
      case .until, .unlimited, nil: "NULL"
      }
    try database.run(
      """
      UPDATE user_quotas SET began_at = \(beginning), updated_at = datetime(?2, 'unixepoch')
      WHERE plan_id = ?1 AND from_first IS NULL
      """, plan.id, time)
  }
}
