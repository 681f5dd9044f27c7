import Quota
import SQLite

extension Ledger {
  /// Adds a plan.
  ///
  /// - Throws: `LedgerError.planExists`, or `.contradiction` for terms that make no sense together.
  package func addPlan(_ name: String, _ terms: Terms, at time: Int64) throws(LedgerError) {
    if let contradiction = terms.contradiction { throw .contradiction(contradiction) }
    try inTransaction { () throws(LedgerError) in
      if try planOrNil(name) != nil { throw .planExists(name) }
      try asking { () throws(SQLiteError) in
        try write(terms, toPlan: name)
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
      guard var plan = try planOrNil(name) else { throw .noSuchPlan(name) }
      let terms = edit.applied(to: plan.terms)
      if let contradiction = terms.contradiction { throw .contradiction(contradiction) }
      if terms == plan.terms { return nil }
      let detail = terms.differences(from: plan.terms).joined(separator: "; ")
      plan.terms = terms
      return try asking { () throws(SQLiteError) in
        try write(terms, toPlan: name)
        try record(Event(at: time, user: UserName(name), kind: .plan, detail: detail))
        return try bringUp(followersOf: plan, at: time)
      }
    }
  }

  /// Removes a plan that nobody follows.
  ///
  /// - Throws: `LedgerError.noSuchPlan`, or `.planInUse` naming those who follow it.
  package func removePlan(_ name: String, at time: Int64) throws(LedgerError) {
    try inTransaction { () throws(LedgerError) in
      guard let plan = try planOrNil(name) else { throw .noSuchPlan(name) }
      let followers = try asking { () throws(SQLiteError) in try self.followers(of: plan) }
      if !followers.isEmpty { throw .planInUse(name, followers) }
      try asking { () throws(SQLiteError) in
        var statement = try database.prepare("DELETE FROM plans WHERE id = ?1")
        statement.bind(1, plan.id)
        try statement.run()
        try record(Event(at: time, user: UserName(name), kind: .plan, detail: "removed"))
      }
    }
  }

  /// - Returns: how many follow the plan.
  private func bringUp(followersOf plan: Plan, at time: Int64) throws(SQLiteError) -> Int {
    let followers = try followers(of: plan)
    for follower in followers {
      guard var user = try terms(ofUser: follower) else { continue }
      user.plan = plan
      try apply(user, at: time)
    }
    return followers.count
  }

  /// One plan, nil where there is none of this name.
  func planOrNil(_ name: String) throws(LedgerError) -> Plan? {
    try asking { () throws(SQLiteError) in try plan(named: name) }
  }
}
