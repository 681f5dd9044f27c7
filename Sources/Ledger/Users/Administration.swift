import Quota
import SQLite

/// What an administrator's change came to.
package struct Amendment: Equatable, Sendable {
  /// The user as he is now.
  package let user: UserRecord
  /// Whether anything is other than it was.
  package let isNew: Bool
}

/// What is to become of the plan a user follows.
package enum PlanChoice: Equatable, Sendable {
  /// The one he has, if he has one.
  case same
  /// None.
  case none
  /// The one of this name.
  case named(String)
}

extension Ledger {
  /// Adds a user, in one transaction with the event that tells of it.
  ///
  /// - Parameters:
  ///   - terms: what he has of his own; a quota that neither he nor his plan has is unlimited.
  ///   - plan: the name of the plan that he follows in everything else; nil for none.
  ///   - time: seconds since 1970 in UTC.
  /// - Throws: `LedgerError.userExists`, `.noSuchPlan` or `.contradiction`.
  package func addUser(
    _ name: UserName, _ terms: Terms, plan: String? = nil, at time: Int64
  ) throws(LedgerError) -> UserRecord {
    try inTransaction { () throws(LedgerError) in
      let plan = try plan.map { name throws(LedgerError) in try existingPlan(name) }
      let effective = terms.following(plan?.terms ?? Terms())
      if let contradiction = effective.contradiction { throw .contradiction(contradiction) }
      let added = try asking { () throws(SQLiteError) -> UserRecord? in
        var owners = try Owners(self)
        if try owners.id(of: name) != nil { return nil }
        let detail =
          "by an administrator, quota \(Terms.exactWords(forQuota: effective.quota ?? 0))"
        _ = try create(name, quota: effective.quota ?? 0, detail: detail, at: time)
        guard var user = try self.terms(ofUser: name) else { return nil }
        user.own = terms
        user.plan = plan
        try apply(user, at: time)
        return try self.user(named: name, at: time)
      }
      guard let added else { throw .userExists(name) }
      return added
    }
  }

  /// Changes some of a user's terms, in one transaction with the events that tell of it.
  ///
  /// A period that starts over on another day does so at once: usage counts from the start of the
  /// period that then holds, by the daily rows.
  ///
  /// - Throws: `LedgerError.noSuchUser`, `.noSuchPlan` or `.contradiction`.
  package func change(
    _ name: UserName, _ edit: TermsEdit, plan: PlanChoice = .same, at time: Int64
  ) throws(LedgerError) -> Amendment {
    try change(name, at: time) { () throws(LedgerError) in
      let found = try asking { () throws(SQLiteError) in try terms(ofUser: name) }
      guard let before = found else { return false }
      var user = before
      user.own = edit.applied(to: before.own)
      switch plan {
      case .same: break
      case .none: user.plan = nil
      case .named(let name): user.plan = try existingPlan(name)
      }
      if let contradiction = user.effective.contradiction { throw .contradiction(contradiction) }
      let followsAnother = user.plan?.id != before.plan?.id
      let beginsAnew = edit.lifetime != .keep || (user.own.lifetime == nil && followsAnother)
      if beginsAnew { user.begunAt = nil }
      if user.own == before.own, !followsAnother, !beginsAnew { return false }
      try asking { () throws(SQLiteError) -> Void in
        try apply(user, at: time)
        try recordChange(from: before, to: user, at: time)
      }
      return true
    }
  }

  /// Lets a user in again or shuts him out, in one transaction with the event that tells of it.
  ///
  /// - Parameter time: seconds since 1970 in UTC.
  /// - Throws: `LedgerError.noSuchUser`.
  package func setEnabled(
    _ isEnabled: Bool, _ name: UserName, at time: Int64
  ) throws(LedgerError) -> Amendment {
    try change(name, at: time) { () throws(LedgerError) -> Bool in
      try asking { () throws(SQLiteError) -> Bool in
        var statement = try database.prepare(
          """
          UPDATE users SET status = ?2, updated_at = datetime(?3, 'unixepoch')
          WHERE username = ?1 AND (status IS 'active') <> ?4
          """)
        statement.bind(1, bytes: name.bytes)
        statement.bind(2, isEnabled ? "active" : "disabled")
        statement.bind(3, time)
        statement.bind(4, isEnabled ? 1 : 0)
        try statement.run()
        if database.changes == 0 { return false }
        let kind: Event.Kind = isEnabled ? .enabled : .disabled
        try record(Event(at: time, user: name, kind: kind, detail: "by an administrator"))
        return true
      }
    }
  }

  /// Runs a change to a known user as one transaction.
  ///
  /// - Parameter body: makes the change, if there is anything to change; says whether there was.
  func change(
    _ name: UserName, at time: Int64, _ body: () throws(LedgerError) -> Bool
  ) throws(LedgerError) -> Amendment {
    try inTransaction { () throws(LedgerError) in
      let known = try asking { () throws(SQLiteError) in try standing(of: name, at: time) }
      if known == nil { throw .noSuchUser(name) }
      let isNew = try body()
      let user = try asking { () throws(SQLiteError) in try self.user(named: name, at: time) }
      guard let user else { throw .noSuchUser(name) }
      return Amendment(user: user, isNew: isNew)
    }
  }

  private func existingPlan(_ name: String) throws(LedgerError) -> Plan {
    guard let plan = try planOrNil(name) else { throw .noSuchPlan(name) }
    return plan
  }

  /// Writes the terms that a user has from now on, and what follows from them for his usage.
  func apply(_ user: UserTerms, at time: Int64) throws(SQLiteError) {
    guard let row = try standingRow(of: user.user) else { return }
    let before = try bringUp(row, to: time)
    try write(user, at: time)
    guard let changed = try standingRow(of: user.user) else { return }
    let turn = Turn(changed.periodRule, resetAt: changed.resetAt, at: time, in: zone)
    if turn.span.start != before.span.start {
      try finish(before, of: user.user, before: turn.span)
      try moveUsage(of: user.user, to: turn)
    }
    try bringUp(changed, to: time)
    guard let after = try standingRow(of: user.user) else { return }
    try noticeUsage(after.standing, of: after, at: time)
    try noticeExpiry(of: user.user, at: time)
  }

  private func recordChange(
    from before: UserTerms, to after: UserTerms, at time: Int64
  ) throws(SQLiteError) {
    let (old, new) = (before.effective, after.effective)
    if let from = old.quota, let to = new.quota, from != to {
      let detail = "from \(Terms.exactWords(forQuota: from)) to \(Terms.exactWords(forQuota: to))"
      try record(Event(at: time, user: after.name, kind: .quota, detail: detail))
    }
    var details = new.differences(from: old, butQuota: true)
    if after.plan?.id != before.plan?.id { details.append("plan \(after.plan?.name ?? "none")") }
    if details.isEmpty { return }
    try record(
      Event(
        at: time, user: after.name, kind: .terms, detail: details.joined(separator: "; ")))
  }
}
