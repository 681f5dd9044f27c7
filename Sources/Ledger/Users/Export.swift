import Quota
import SQLite

/// A user with the terms that an import needs to have him again.
package struct ExportedUser: Equatable, Sendable {
  package let name: UserName
  package let isEnabled: Bool
  /// The name of the plan he follows.
  package let plan: String?
  /// What he has of his own. A time that has begun to run is bound to its end.
  package let terms: Terms
}

extension Ledger {
  /// All users, in the order of their names' bytes, and all plans, as of one moment.
  package func export() throws(SQLiteError) -> (users: [ExportedUser], plans: [Plan]) {
    try snapshot { () throws(SQLiteError) in
      let plans = try plans()
      let planNames = Dictionary(uniqueKeysWithValues: plans.map { ($0.id, $0) })
      var rows = try database.prepare(
        """
        SELECT \(UserTerms.columns), users.username
        FROM users LEFT JOIN user_quotas ON user_quotas.user_id = users.id
        WHERE \(Ledger.isPresent) ORDER BY username
        """)
      var users: [ExportedUser] = []
      while try rows.step() {
        let plan = rows.optionalInteger(11).flatMap { planNames[$0] }
        users.append(ExportedUser(row: rows, plan))
      }
      return (users, plans)
    }
  }
}

extension ExportedUser {
  fileprivate init(row: borrowing Statement, _ plan: Plan?) {
    var terms = Terms(own: row)
    // Somebody without a quota of his own or of a plan has none at all.
    if terms.quota == nil, plan?.terms.quota == nil { terms.quota = 0 }
    if !row.isNull(6) { terms.lifetime = row.optionalInteger(4).map { .until($0) } }
    self.init(
      name: UserName(bytes: row.bytes(14)), isEnabled: row.text(13) == "active",
      plan: plan?.name, terms: terms)
  }
}
