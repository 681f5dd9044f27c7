import Quota
import SQLite

/// What an administrator's change came to.
package struct ChangeResult: Equatable, Sendable {
  /// The user as they are now.
  package let user: UserRecord
  /// Whether anything is other than it was.
  package let isNew: Bool
}

/// What is to become of the plan a user follows.
package enum PlanChoice: Equatable, Sendable {
  /// The one they have, if they have one.
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
  ///   - terms: what they have of their own; a quota that neither they nor their plan has is unlimited.
  ///   - plan: the name of the plan that they follow in everything else; nil for none.
  ///   - time: seconds since 1970 in UTC.
  /// - Throws: `LedgerError.userExists`, `.noSuchPlan` or `.contradiction`.
  package func addUser(
    _ name: UserName, _ terms: Terms, plan: String? = nil, at time: Int64
  ) throws(LedgerError) -> UserRecord {
    try inTransaction { () throws(LedgerError) in
      let plan = try plan.map { name throws(LedgerError) in try existingPlan(name) }
      let effective = terms.following(plan?.terms ?? Terms())
      if let contradiction = effective.contradiction { throw .contradiction(contradiction) }
      if try asking({ () throws(SQLiteError) in try number(of: name) }) != nil {
        throw .userExists(name)
      }
      let quota = Terms.exactWords(forQuota: effective.quota ?? 0)
      try asking { () throws(SQLiteError) in
        _ = try create(name, at: time)
        try record(
          Event(
            at: time, user: name, kind: .created, detail: "by an administrator, quota \(quota)"))
      }
      var user = try userRow(of: name)
      (user.own, user.plan) = (terms, plan)
      return try apply(user, at: time)
    }
  }

  /// Changes some of a user's terms, in one transaction with the events that tell of it.
  ///
  /// A period that starts over on another day does so at once: usage counts from the start of the
  /// period that then holds, by the history.
  ///
  /// - Throws: `LedgerError.noSuchUser`, `.noSuchPlan` or `.contradiction`.
  package func change(
    _ name: UserName, _ edit: TermsEdit, plan: PlanChoice = .same, at time: Int64
  ) throws(LedgerError) -> ChangeResult {
    try inTransaction { () throws(LedgerError) in
      let before = try userRow(of: name)
      return try change(before, edit, plan: plan, at: time)
    }
  }

  /// Changes some of the terms of a user whose row was read in this transaction.
  func change(
    _ before: UserRow, _ edit: TermsEdit, plan: PlanChoice, at time: Int64
  ) throws(LedgerError) -> ChangeResult {
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
    if user.own == before.own, !followsAnother, !beginsAnew {
      return ChangeResult(user: try record(of: user, at: time), isNew: false)
    }
    let changed = try apply(user, at: time)
    try asking { () throws(SQLiteError) in try recordChange(from: before, to: user, at: time) }
    return ChangeResult(user: changed, isNew: true)
  }

  /// Lets a user in again or shuts them out, in one transaction with the event that tells of it.
  ///
  /// - Parameter time: seconds since 1970 in UTC.
  /// - Throws: `LedgerError.noSuchUser`.
  package func setEnabled(
    _ isEnabled: Bool, _ name: UserName, at time: Int64
  ) throws(LedgerError) -> ChangeResult {
    try inTransaction { () throws(LedgerError) in
      var user = try userRow(of: name)
      let isNew = user.row.entitlement.isEnabled != isEnabled
      if isNew {
        user.row.entitlement.isEnabled = isEnabled
        try asking { () throws(SQLiteError) in
          try database.run(
            "UPDATE users SET status = ?2, updated_at = datetime(?3, 'unixepoch') WHERE id = ?1",
            user.row.user, isEnabled ? "active" : "disabled", time)
          let kind: Event.Kind = isEnabled ? .enabled : .disabled
          try record(Event(at: time, user: name, kind: kind, detail: "by an administrator"))
        }
      }
      return ChangeResult(user: try record(of: user, at: time), isNew: isNew)
    }
  }

  /// Lets a user's usage start over now, in one transaction with the event that tells of it. What
  /// was used so far stays in a finished period; nothing else changes.
  ///
  /// - Parameter time: seconds since 1970 in UTC.
  /// - Throws: `LedgerError.noSuchUser`.
  package func reset(_ name: UserName, at time: Int64) throws(LedgerError) -> ChangeResult {
    try inTransaction { () throws(LedgerError) in
      var user = try userRow(of: name)
      let isNew = try asking { () throws(SQLiteError) in try reset(&user, at: time) }
      return ChangeResult(user: try record(of: user, at: time), isNew: isNew)
    }
  }

  /// Lets the usage of many users start over, in one transaction with the events that tell of it.
  ///
  /// - Returns: how many of them had used anything.
  package func reset(_ names: [UserName], at time: Int64) throws(LedgerError) -> Int {
    try together { () throws(LedgerError) in
      var count = 0
      for name in names {
        guard var user = try userRowOrNil(of: name) else { continue }
        let isNew = try asking { () throws(SQLiteError) in try reset(&user, at: time) }
        if isNew { count += 1 }
      }
      return count
    }
  }

  /// - Returns: whether there was anything to start over from.
  private func reset(_ user: inout UserRow, at time: Int64) throws(SQLiteError) -> Bool {
    var row = try rolledOver(user.row, to: time)
    let used = row.entitlement.used
    let isNew = !used.isZero && row.entitlement.span.start < time
    if isNew {
      row.resetAt = time
      row = try rolledOver(row, to: time)
      let detail = "\(rules.count.bytes(of: used)) bytes were used"
      try record(Event(at: time, user: user.name, kind: .reset, detail: detail))
    }
    try store(row)
    user.row = row
    return isNew
  }

  /// Runs several changes as one transaction: all of them are kept, or, when one throws, none.
  package func together<Result>(
    _ body: () throws(LedgerError) -> Result
  ) throws(LedgerError) -> Result {
    try inTransaction(body)
  }

  /// A user's row for people to look at.
  func record(of user: UserRow, at time: Int64) throws(LedgerError) -> UserRecord {
    try asking { () throws(SQLiteError) in
      UserRecord(user, try entitlement(user.row, at: time), at: time)
    }
  }

  /// Writes the terms that a user has from now on, and what follows from them for their usage.
  private func apply(_ changed: UserRow, at time: Int64) throws(LedgerError) -> UserRecord {
    try asking { () throws(SQLiteError) in
      var user = changed
      // The period that is over ends under the terms it had.
      if !user.row.entitlement.span.contains(time) { user.row = try rolledOver(user.row, to: time) }
      let rule = user.row.periodRule
      user.settle(at: time)
      if user.row.periodRule != rule {
        user.row = try startedPeriod(of: user.row, at: time) { user, start throws(SQLiteError) in
          try usage(of: user, since: start)
        }
      }
      try noticeUsage(&user.row, at: time)
      try noticeExpiry(of: user.row.entitlement, user.name, at: time)
      try write(user, at: time)
      return UserRecord(user, user.row.entitlement, at: time)
    }
  }

  private func recordChange(
    from before: UserRow, to after: UserRow, at time: Int64
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
