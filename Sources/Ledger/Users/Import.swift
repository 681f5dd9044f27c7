import Quota
import SQLite

/// What is to hold for a user; where it says nothing of something, that stays.
package struct UserEdit: Equatable, Sendable {
  package let name: UserName
  package var isEnabled: Bool?
  package var terms = TermsEdit()
  /// The name of the plan they follow; `follow` for none.
  package var plan = Edit<String>.keep

  package init(name: UserName) { self.name = name }
}

package struct ImportResult: Equatable, Sendable {
  package var added: [UserName] = []
  package var changed: [UserName] = []
  package var unchanged = 0
  package var plans: [String] = []

  package init() {}
}

/// Why an import makes no sense. Nothing of it was kept.
package enum ImportError: Error {
  /// These users, by their places, cannot be as the import has them.
  case users([(place: Int, error: LedgerError)])
  /// This plan, by its place, cannot be as the import has it.
  case plan(place: Int, LedgerError)
}

extension Users {
  /// All users, in the order of their names' bytes, and all plans, as of one moment.
  package func export() throws -> (users: [UserRecord], plans: [Plan]) {
    try ledger.snapshot {
      let users = try ledger.database.query(
        "\(UserRecord.selection) WHERE \(Users.isPresent) ORDER BY username"
      ) { UserRecord($0) }
      return (users, try ledger.plans.all())
    }
  }

  /// Brings plans and users to what an import says of them: who is not there is added, who is there
  /// is changed. All of it is one transaction.
  ///
  /// - Parameter progress: is told how many users are done.
  /// - Throws: `ImportError` where some of it makes no sense.
  package func `import`(
    _ users: [UserEdit], plans: [Plan], at time: Int64, progress: (Int) -> Void
  ) throws -> ImportResult {
    try Ledger.makeRoom(forSessions: users.count, in: ledger.database)
    return try ledger.transaction {
      var work = Import(ledger: ledger, time: time)
      for (place, plan) in plans.enumerated() {
        do { try work.bring(plan) } catch let error as LedgerError where error.isAboutTerms {
          throw ImportError.plan(place: place, error)
        }
      }
      var refused: [(place: Int, error: LedgerError)] = []
      var seen: Set<UserName> = []
      for (place, user) in users.enumerated() {
        do {
          // By `NAMES=fold` two of them may be one.
          guard seen.insert(key(of: user.name)).inserted else {
            throw LedgerError.userExists(user.name)
          }
          try work.bring(user)
        } catch let error as LedgerError where error.isAboutTerms {
          refused.append((place, error))
        }
        progress(place + 1)
      }
      if !refused.isEmpty { throw ImportError.users(refused) }
      return work.result
    }
  }
}

/// An import in its transaction.
struct Import {
  let ledger: Ledger
  let time: Int64
  private(set) var result = ImportResult()
  /// The plans that were asked for: many users follow few.
  private var plans: [String: Plan] = [:]

  init(ledger: Ledger, time: Int64) {
    self.ledger = ledger
    self.time = time
  }

  /// Brings a plan to what an import says of it.
  mutating func bring(_ plan: Plan) throws {
    if try ledger.plans.named(plan.name) == nil {
      try ledger.plans.add(plan.name, plan.terms, at: time)
    } else if try ledger.plans.change(plan.name, TermsEdit(to: plan.terms), at: time) == nil {
      return
    }
    result.plans.append(plan.name)
  }

  /// Brings a user to what an import says of them.
  ///
  /// - Parameter alsoChanged: does more for them, and says whether that changed anything.
  mutating func bring(
    _ user: UserEdit, alsoChanged: (Int64) throws -> Bool = { _ in false }
  ) throws {
    let plan = try user.plan.map { try self.plan(named: $0) }
    guard var known = try ledger.users.find(user.name) else {
      let id = try add(user, plan.applied(to: nil))
      _ = try alsoChanged(id)
      return result.added.append(user.name)
    }
    var edit = user.terms
    // Without a plan that has one there is no quota to follow.
    if edit.quota == .follow, plan.applied(to: known.plan)?.terms.quota == nil {
      edit.quota = .keep
    }
    if edit.lifetime.changesNothing(for: known, at: time) { edit.lifetime = .keep }
    var isChanged = false
    // Most of a large file is as it was, and asking is cheaper than changing nothing.
    if edit.applied(to: known.own) != known.own || plan.applied(to: known.plan) != known.plan {
      isChanged = try ledger.users.change(&known, edit, plan: plan, at: time)
    }
    if let isEnabled = user.isEnabled {
      isChanged = try ledger.users.setEnabled(isEnabled, &known, at: time) || isChanged
    }
    isChanged = try alsoChanged(known.row.user) || isChanged
    if isChanged { result.changed.append(user.name) } else { result.unchanged += 1 }
  }

  /// - Returns: the id of the user.
  private func add(_ user: UserEdit, _ plan: Plan?) throws -> Int64 {
    var own = user.terms.applied(to: Terms())
    if own.quota == nil, plan?.terms.quota == nil { own.quota = ledger.rules.defaultQuota }
    var added = try ledger.users.add(user.name, own, plan, at: time)
    if let isEnabled = user.isEnabled {
      _ = try ledger.users.setEnabled(isEnabled, &added, at: time)
    }
    return added.row.user
  }

  private mutating func plan(named name: String) throws -> Plan {
    if let known = plans[name] { return known }
    let plan = try ledger.plans.existing(name)
    plans[name] = plan
    return plan
  }
}

extension Edit<Lifetime> {
  /// Whether a user's time ends when it would anyway; otherwise it would begin anew.
  fileprivate func changesNothing(for user: UserRecord, at time: Int64) -> Bool {
    if case .set(.until(let end)) = self, end == user.course(at: time).endsAt { return true }
    return applied(to: user.own.lifetime) == user.own.lifetime
  }
}

extension LedgerError {
  /// Whether what was asked for makes no sense, rather than that the ledger cannot do it.
  fileprivate var isAboutTerms: Bool {
    switch self {
    case .noSuchPlan, .contradiction, .unfenced, .userExists: true
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
    rate = terms.rate.map { .set($0) } ?? .follow
    thenRate = terms.thenRate.map { .set($0) } ?? .follow
  }
}
