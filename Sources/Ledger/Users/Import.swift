import Quota
import SQLite

/// What is to hold for a user who is imported; where the import says nothing of it, it stays.
package struct ImportedUser: Equatable, Sendable {
  package let name: UserName
  package var isEnabled: Bool?
  package var terms = TermsEdit()
  package var plan = PlanChoice.same

  package init(name: UserName) { self.name = name }
}

/// A plan that is imported, with all that it says.
package struct ImportedPlan: Equatable, Sendable {
  package let name: String
  package let terms: Terms

  package init(name: String, terms: Terms) {
    self.name = name
    self.terms = terms
  }
}

/// What an import came to.
package struct ImportResult: Equatable, Sendable {
  /// Users who were not there before.
  package var added: [UserName] = []
  /// Users for whom something else holds now.
  package var changed: [UserName] = []
  /// How many are as they were.
  package var unchanged = 0
  /// Plans that are new, or other than they were.
  package var plans: [String] = []

  package init() {}
}

/// Why an import was not done. Nothing of it was kept.
package enum ImportError: Error {
  /// The ledger could not do it.
  case ledger(LedgerError)
  /// These users, by their places, cannot be as the import has them.
  case users([(place: Int, error: LedgerError)])
  /// This plan, by its place, cannot be as the import has it.
  case plan(place: Int, LedgerError)
}

extension Ledger {
  /// Brings plans and users to what an import says of them: who is not there is added, who is there
  /// is changed. All of it is one transaction.
  ///
  /// - Parameters:
  ///   - time: seconds since 1970 in UTC.
  ///   - progress: is told how many users are done.
  package func importUsers(
    _ users: [ImportedUser], plans: [ImportedPlan], at time: Int64, progress: (Int) -> Void
  ) throws(ImportError) -> ImportResult {
    try database.transaction(failing: { .ledger(.database($0)) }) {
      () throws(ImportError) -> ImportResult in
      var result = ImportResult()
      for (place, plan) in plans.enumerated() {
        do throws(LedgerError) {
          if try bring(plan, at: time) { result.plans.append(plan.name) }
        } catch {
          throw error.isAboutTerms ? .plan(place: place, error) : .ledger(error)
        }
      }
      var refused: [(place: Int, error: LedgerError)] = []
      for (place, user) in users.enumerated() {
        do throws(LedgerError) {
          result.note(user.name, try bring(user, at: time))
        } catch {
          guard error.isAboutTerms else { throw .ledger(error) }
          refused.append((place, error))
        }
        progress(place + 1)
      }
      if !refused.isEmpty { throw .users(refused) }
      return result
    }
  }

  /// What became of one user.
  enum ImportStep { case added, changed, unchanged }

  /// Brings one user to what an import says of them.
  func bring(_ user: ImportedUser, at time: Int64) throws(LedgerError) -> ImportStep {
    guard let known = try userRowOrNil(of: user.name) else {
      try add(user, at: time)
      return .added
    }
    var edit = user.terms
    // Without a plan that has one there is no quota to follow.
    if edit.quota == .follow, try quota(ofPlan: user.plan, or: known.plan) == nil {
      edit.quota = .keep
    }
    if edit.lifetime.changesNothing(for: known, at: time) { edit.lifetime = .keep }
    var isChanged = false
    // Most of a large file is as it was, and asking is cheaper than changing nothing.
    if edit.applied(to: known.own) != known.own || !user.plan.isThat(of: known) {
      isChanged = try change(known, edit, plan: user.plan, at: time).isNew
    }
    if let isEnabled = user.isEnabled, isEnabled != known.row.entitlement.isEnabled {
      isChanged = try setEnabled(isEnabled, user.name, at: time).isNew || isChanged
    }
    return isChanged ? .changed : .unchanged
  }

  private func add(_ user: ImportedUser, at time: Int64) throws(LedgerError) {
    var own = user.terms.applied(to: Terms())
    if own.quota == nil, try quota(ofPlan: user.plan, or: nil) == nil {
      own.quota = rules.defaultQuota
    }
    let plan: String? = if case .named(let name) = user.plan { name } else { nil }
    _ = try addUser(user.name, own, plan: plan, at: time)
    if let isEnabled = user.isEnabled { _ = try setEnabled(isEnabled, user.name, at: time) }
  }

  /// The quota that the plan of a choice has; nil for none.
  private func quota(
    ofPlan choice: PlanChoice, or present: Plan?
  ) throws(LedgerError) -> Int64? {
    switch choice {
    case .same: present?.terms.quota
    case .none: nil
    case .named(let name): try planOrNil(name)?.terms.quota
    }
  }

  /// - Returns: whether the plan is new, or other than it was.
  private func bring(_ plan: ImportedPlan, at time: Int64) throws(LedgerError) -> Bool {
    if try planOrNil(plan.name) != nil {
      return try changePlan(plan.name, TermsEdit(to: plan.terms), at: time) != nil
    }
    try addPlan(plan.name, plan.terms, at: time)
    return true
  }
}

extension PlanChoice {
  /// Whether it is the plan that a user has.
  fileprivate func isThat(of user: UserRow) -> Bool {
    switch self {
    case .same: true
    case .none: user.plan == nil
    case .named(let name): user.plan?.name == name
    }
  }
}

extension Edit<Lifetime> {
  /// Whether a user's time ends when it would anyway; otherwise it would begin anew.
  fileprivate func changesNothing(for user: UserRow, at time: Int64) -> Bool {
    if case .set(.until(let end)) = self {
      let lifetime = user.effective.lifetime ?? .unlimited
      let course = lifetime.course(
        begunAt: user.begunAt, isConnected: user.openSessions > 0, at: time)
      if end == course.endsAt { return true }
    }
    return applied(to: user.own.lifetime) == user.own.lifetime
  }
}

extension ImportResult {
  mutating func note(_ user: UserName, _ step: Ledger.ImportStep) {
    switch step {
    case .added: added.append(user)
    case .changed: changed.append(user)
    case .unchanged: unchanged += 1
    }
  }
}

extension LedgerError {
  /// Whether what was asked for makes no sense, rather than that the ledger cannot do it.
  fileprivate var isAboutTerms: Bool {
    switch self {
    case .noSuchPlan, .contradiction: true
    default: false
    }
  }
}

extension TermsEdit {
  /// The change that leaves exactly these terms.
  fileprivate init(to terms: Terms) {
    self.init()
    quota = terms.quota.map { .set($0) } ?? .follow
    period = terms.period.map { .set($0) } ?? .follow
    lifetime = terms.lifetime.map { .set($0) } ?? .follow
    maxSessions = terms.maxSessions.map { .set($0) } ?? .follow
    grace = terms.grace.map { .set($0) } ?? .follow
    isExempt = terms.isExempt.map { .set($0) } ?? .follow
  }
}

/// A user with the terms that an import needs to have them again.
package struct ExportedUser: Equatable, Sendable {
  package let name: UserName
  package let isEnabled: Bool
  /// The name of the plan they follow.
  package let plan: String?
  /// What they have of their own. A time that has begun to run is bound to its end.
  package let terms: Terms
}

extension Ledger {
  /// All users, in the order of their names' bytes, and all plans, as of one moment.
  package func export() throws(SQLiteError) -> (users: [ExportedUser], plans: [Plan]) {
    try snapshot { () throws(SQLiteError) in
      let users = try database.query(
        "\(UserRow.selection) WHERE \(Ledger.isPresent) ORDER BY username"
      ) { ExportedUser(UserRow($0)) }
      return (users, try plans())
    }
  }
}

extension ExportedUser {
  fileprivate init(_ user: UserRow) {
    var terms = user.own
    // A user without a quota of their own or of a plan has none at all.
    if terms.quota == nil, user.plan?.terms.quota == nil { terms.quota = 0 }
    if user.begunAt != nil { terms.lifetime = user.row.entitlement.expiresAt.map { .until($0) } }
    self.init(
      name: user.name, isEnabled: user.row.entitlement.isEnabled, plan: user.plan?.name,
      terms: terms)
  }
}
