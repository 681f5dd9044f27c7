import Quota
import TestSupport

@testable import Ledger
@testable import Sync

/// What an administrator changes for all hosts.
enum FleetChange {
  /// Without a quota of their own they follow the plan.
  case add(String, Int64?), quota(Int, Int64), follow(Int), enabled(Int, Bool), rename(Int, String)
  case remove(Int), reset(Int), grant(Int, Int64), revoke(Int, Int), plan(Int64)

  /// Whom it is about; nil for a new user or a plan.
  var number: Int? {
    switch self {
    case .add, .plan: nil
    case .quota(let number, _), .follow(let number), .enabled(let number, _),
      .rename(let number, _), .remove(let number), .reset(let number), .grant(let number, _),
      .revoke(let number, _):
      number
    }
  }

  static func any(_ facts: Facts, _ chance: inout SeededRandom) -> FleetChange? {
    let bytes = Int64.random(in: 1...12_000, using: &chance)
    let name = FleetTerms.names.randomElement(using: &chance) ?? "ann"
    let number = facts.present.randomElement(using: &chance)
    let what = Int.random(in: 0..<12, using: &chance)
    if what == 0 { return .add(name, Bool.random(using: &chance) ? nil : bytes) }
    if what == 1 { return .plan(bytes) }
    guard let number, let fact = facts.people[number] else { return nil }
    switch what {
    case 2: return .follow(number)
    case 3: return .enabled(number, !fact.isEnabled)
    case 4, 5: return .rename(number, name)
    case 6: return .remove(number)
    case 7, 8: return .reset(number)
    case 9: return .grant(number, bytes)
    case 10 where !fact.grants.isEmpty:
      return .revoke(number, Int.random(in: 1...fact.grants.count, using: &chance))
    default: return .quota(number, bytes)
    }
  }
}

extension Fleet {
  /// Does as quota-admin does on a host.
  func administer(_ host: FleetHost, _ change: FleetChange, _ cut: Line.Cut? = nil) throws {
    note("an administrator on \(host.name): \(change)")
    count("changes")
    let ledger = try host.ledger(time)
    let changes: [SharedFact]
    do {
      changes = try ledger.dryRun {
        try perform(change, ledger, host)
        return try ledger.hosts.changedFacts()
      }
    } catch is LedgerError {
      return note("that cannot be done here")
    }
    if changes.isEmpty { return note("that changes nothing") }
    let before = host.facts
    present = (change, before)
    do {
      try talk(host, cut) { try $0.change(changes) }
    } catch let error as SyncError where error == .changedElsewhere || error == .nameTaken {
      note("\(error)")
      if !mayMeetAnother(change, from: before) {
        fail("\(host.name) may not do \(change): \(error)")
      }
    }
  }

  private func perform(_ change: FleetChange, _ ledger: Ledger, _ host: FleetHost) throws {
    let time = now(on: host)
    let name = UserName(change.number.flatMap { host.facts.people[$0]?.name } ?? "")
    var edit = TermsEdit()
    switch change {
    case .add(let name, let quota):
      let terms = Terms(quota: quota, period: terms.isDaily ? .day : nil)
      _ = try ledger.users.add(
        UserName(name), terms, plan: quota == nil ? FleetTerms.plan : nil, at: time)
    case .quota(_, let bytes):
      edit.quota = .set(bytes)
      _ = try ledger.users.change(name, edit, at: time)
    case .follow:
      edit.quota = .follow
      _ = try ledger.users.change(name, edit, plan: .set(FleetTerms.plan), at: time)
    case .enabled(_, let isEnabled): _ = try ledger.users.setEnabled(isEnabled, name, at: time)
    case .rename(_, let newName):
      _ = try ledger.users.rename(name, to: UserName(newName), at: time)
    case .remove: _ = try ledger.users.remove(name, purgingHistory: false, at: time)
    case .reset: _ = try ledger.users.reset(name, at: time)
    case .grant(_, let bytes):
      _ = try ledger.grants.give(bytes, to: name, isCarried: false, note: "", at: time)
    case .revoke(_, let grant): _ = try ledger.grants.revoke(Int64(grant), of: name, at: time)
    case .plan(let bytes):
      if try ledger.plans.named(FleetTerms.plan) == nil {
        return try ledger.plans.add(FleetTerms.plan, Terms(quota: bytes), at: time)
      }
      edit.quota = .set(bytes)
      _ = try ledger.plans.change(FleetTerms.plan, edit, at: time)
    }
  }

  /// Whether what a change begins with is not what the centre has, so that it has to be refused.
  private func hasMet(_ change: FleetChange, from before: Facts) -> Bool {
    switch change {
    case .add(let name, _): facts.number(of: name) != nil
    case .plan: facts.plans[FleetTerms.plan]?.version != before.plans[FleetTerms.plan]?.version
    case .grant(let number, _):
      facts.people[number]?.grants.count != before.people[number]?.grants.count
    case .revoke(let number, let grant):
      facts.people[number]?.grants[grant - 1].isRevoked
        != before.people[number]?.grants[grant - 1].isRevoked
    case .quota(let number, _), .follow(let number), .enabled(let number, _),
      .rename(let number, _), .remove(let number), .reset(let number):
      facts.people[number]?.version != before.people[number]?.version
        || before.people[number]?.isWaiting == true
    }
  }

  /// Whether it may be refused. A user of whom something is still to come is told with all that is changed
  /// of them.
  private func mayMeetAnother(_ change: FleetChange, from before: Facts) -> Bool {
    if hasMet(change, from: before) { return true }
    if case .rename(_, let name) = change, facts.number(of: name) != nil { return true }
    return before.people.values.contains(where: \.isWaiting)
  }

  /// The centre has taken the change that is under way.
  func commit(_ changes: [SharedFact], on host: FleetHost) {
    guard let (change, before) = present else { return }
    if hasMet(change, from: before) {
      fail("\(host.name) changed what was changed meanwhile: \(change)")
    }
    apply(change, at: now(on: host), start: { self.start(of: $0, on: host) })
    if case .add(let name, _) = change, let number = facts.number(of: name) {
      for fact in changes where fact.kind == .user && fact.version == 0 {
        uids[fact.key] = people[number]
      }
    }
  }

  private func apply(
    _ change: FleetChange, at time: Int64, start: (Facts.Fact) -> Int64
  ) {
    if let number = change.number { return apply(change, to: number, at: time, start: start) }
    switch change {
    case .add(let name, let quota):
      facts.people[newPerson().number] = Facts.Fact(
        name: name, quota: quota, plan: quota == nil ? FleetTerms.plan : nil,
        version: nextVersion())
    case .plan(let bytes):
      facts.plans[FleetTerms.plan] = Facts.Plan(quota: bytes, version: nextVersion())
    default: break
    }
  }

  private func apply(
    _ change: FleetChange, to number: Int, at time: Int64, start: (Facts.Fact) -> Int64
  ) {
    guard var fact = facts.people[number] else { return }
    fact.version = nextVersion()
    switch change {
    case .quota(_, let bytes): fact.quota = bytes
    case .follow: (fact.quota, fact.plan) = (nil, FleetTerms.plan)
    case .enabled(_, let isEnabled): fact.isEnabled = isEnabled
    case .rename(_, let name): fact.name = name
    case .remove: fact.isRemoved = true
    case .reset: fact.resetAt = time
    case .grant(_, let bytes):
      fact.version = facts.people[number]?.version ?? 0
      fact.grants.append(Facts.Grant(bytes: bytes, periodStart: start(fact)))
    case .revoke(_, let grant):
      fact.version = facts.people[number]?.version ?? 0
      fact.grants[grant - 1].isRevoked = true
    case .add, .plan: break
    }
    facts.people[number] = fact
  }
}
