import Quota
import SQLite

/// Terms with a name, which users follow.
package struct Plan: Equatable, Sendable {
  let id: Int64
  package let name: String
  package var terms: Terms
}

extension Ledger {
  /// All plans in the order of their names.
  package func plans() throws(SQLiteError) -> [Plan] {
    var statement = try database.prepare("SELECT \(Plan.columns) FROM plans ORDER BY name")
    var plans: [Plan] = []
    while try statement.step() { plans.append(Plan(row: statement)) }
    return plans
  }

  /// One plan, nil where there is none of this name.
  package func plan(named name: String) throws(SQLiteError) -> Plan? {
    var statement = try database.prepare("SELECT \(Plan.columns) FROM plans WHERE name = ?1")
    statement.bind(1, name)
    return try statement.step() ? Plan(row: statement) : nil
  }

  /// The names of those who follow a plan, in the order of their bytes.
  package func followers(of plan: Plan) throws(SQLiteError) -> [UserName] {
    var statement = try database.prepare(
      """
      SELECT username FROM users JOIN user_quotas ON user_id = users.id WHERE plan_id = ?1
      ORDER BY username
      """)
    statement.bind(1, plan.id)
    var names: [UserName] = []
    while try statement.step() { names.append(UserName(bytes: statement.bytes(0))) }
    return names
  }

  func plan(_ id: Int64) throws(SQLiteError) -> Plan? {
    var statement = try database.prepare("SELECT \(Plan.columns) FROM plans WHERE id = ?1")
    statement.bind(1, id)
    return try statement.step() ? Plan(row: statement) : nil
  }

  /// Writes a plan's terms.
  func write(_ terms: Terms, toPlan name: String) throws(SQLiteError) {
    var statement = try database.prepare(
      """
      INSERT INTO plans (name, quota_bytes, period, expires_at, expires_after, from_first,
        max_sessions, grace_bytes, grace_percent, is_exempt)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (name) DO UPDATE SET
        quota_bytes = ?2, period = ?3, expires_at = ?4, expires_after = ?5, from_first = ?6,
        max_sessions = ?7, grace_bytes = ?8, grace_percent = ?9, is_exempt = ?10
      """)
    statement.bind(1, name)
    statement.bind(2, terms.quota)
    statement.bind(3, terms.period.map { $0.text ?? Plan.noPeriod })
    statement.bind(4, terms.lifetime?.storedEnd)
    statement.bind(5, terms.lifetime?.seconds)
    statement.bind(6, terms.lifetime.map { $0.beginsWithConnection ? 1 : 0 })
    statement.bind(7, terms.maxSessions)
    statement.bind(8, terms.grace?.bytes)
    statement.bind(9, terms.grace?.percent)
    statement.bind(10, terms.isExempt.map { $0 ? 1 : 0 })
    try statement.run()
  }
}

extension Plan {
  fileprivate static let columns =
    """
    id, name, quota_bytes, period, expires_at, expires_after, from_first, max_sessions, grace_bytes,
      grace_percent, is_exempt
    """
  /// What a plan that says that usage never starts over has for a period; one that says nothing has
  /// none.
  fileprivate static let noPeriod = "none"

  fileprivate init(row: borrowing Statement) {
    id = row.integer(0)
    name = row.text(1)
    var terms = Terms(
      quota: row.optionalInteger(2), maxSessions: row.optionalInteger(7),
      isExempt: row.optionalInteger(10).map { $0 != 0 })
    if !row.isNull(3) {
      terms.period = row.text(3) == Plan.noPeriod ? Period.none : Period(text: row.text(3))
    }
    if !row.isNull(6) {
      terms.lifetime = Lifetime(
        end: row.optionalInteger(4), seconds: row.optionalInteger(5),
        fromFirstConnection: row.integer(6) != 0)
    }
    if !row.isNull(8) { terms.grace = Grace(bytes: row.integer(8), percent: row.integer(9)) }
    self.terms = terms
  }
}

extension Lifetime {
  fileprivate var storedEnd: Int64? { if case .until(let end) = self { end } else { nil } }

  fileprivate var beginsWithConnection: Bool {
    if case .lasting(_, from: .firstConnection) = self { true } else { false }
  }
}
