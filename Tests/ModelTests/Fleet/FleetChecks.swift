import Quota
import TestSupport

@testable import Ledger
@testable import Sync

// What each host says, against what is true.

extension Fleet {
  /// What a host says of its users, by what it knows.
  func check(_ host: FleetHost) throws {
    let ledger = try host.ledger(time)
    let now = now(on: host)
    for number in host.facts.present {
      guard let fact = host.facts.people[number], let person = people[number] else { continue }
      guard let user = try ledger.users.named(UserName(fact.name), at: now) else {
        fail("\(host.name) does not know \(fact.name)")
        continue
      }
      let (start, entitlement) = (start(of: fact, on: host), user.entitlement)
      let own = person.used(on: host.index, since: start)
      let most = person.most(since: start, butOn: host.index)
      let limit = host.facts.limit(of: number, since: start)
      expect(entitlement.span.start, start, "start", fact, host)
      expect(entitlement.used, own, "own usage", fact, host)
      expect(entitlement.limit, limit, "limit", fact, host)
      expect(entitlement.isEnabled, fact.isEnabled, "being enabled", fact, host)
      let elsewhere = entitlement.elsewhere
      if elsewhere.received > most.received || elsewhere.sent > most.sent {
        fail(
          "\(host.name) has \(elsewhere) of \(fact.name) elsewhere, where \(most) were used at most"
        )
      }
    }
    for (name, stranger) in host.strangers {
      let user = try ledger.users.named(UserName(name), at: now)
      if let used = user?.entitlement.used, used != stranger.used(on: host.index, since: 0) {
        fail("\(host.name) has \(used) of the stranger \(name)")
      }
    }
  }

  private func expect<Value: Equatable>(
    _ found: Value, _ expected: Value, _ what: String, _ fact: Facts.Fact, _ host: FleetHost
  ) {
    if found == expected { return }
    fail("the \(what) of \(fact.name) on \(host.name) is \(found), and truly \(expected)")
  }

  /// Nobody below the quota is refused by old news, and nobody stays who has used it up on this host.
  func checkVerdict(of name: String, _ person: Person, on host: FleetHost) throws -> Verdict {
    let ledger = try host.ledger(time)
    let now = now(on: host)
    let verdict = decide(
      try ledger.users.named(UserName(name), at: now)?.entitlement, at: now, by: ledger.rules)
    guard let fact = host.facts.people[person.number] else { return verdict }
    if !fact.isEnabled {
      if verdict != .refused(.disabled) { fail("\(name) is disabled, and \(verdict)") }
      return verdict
    }
    let start = start(of: fact, on: host)
    let limit = host.facts.limit(of: person.number, since: start)
    let silence = host.heardAt.map { now - $0 } ?? 0
    let isPresumed = terms.staleness.answer == .reject && silence > terms.staleness.seconds
    let mayBe = limit > 0 && (person.most(since: start).total >= limit || isPresumed)
    let mustBe =
      limit > 0 && (person.used(on: host.index, since: start).total >= limit || isPresumed)
    switch verdict {
    case .refused(.stale) where isPresumed && limit > 0: break
    case .refused(.quota) where mayBe: break
    case .allowed where !mustBe: break
    default:
      fail(
        "\(verdict) is \(name) on \(host.name), where \(person.most(since: start).total) of "
          + "\(limit) were used and nothing was heard for \(silence) s")
    }
    return verdict
  }

  /// What `show` says on a host that has just heard all.
  func noteBounds(of host: FleetHost) throws {
    host.bounds = [:]
    let ledger = try host.ledger(time)
    guard let membership = try ledger.hosts.membership() else { return }
    for number in host.facts.present {
      guard let fact = host.facts.people[number], !fact.isWaiting,
        let user = try ledger.users.named(UserName(fact.name), at: now(on: host))
      else { continue }
      let entitlement = user.entitlement
      host.bounds[number] = (
        stamp(of: number, in: host.facts), entitlement.span.start, entitlement.usedInAll.total,
        membership.mostBeyond(for: user, by: ledger.rules)
      )
    }
  }

  /// Changes with each change of what a user may use.
  private func stamp(of number: Int, in facts: Facts) -> Int {
    guard let fact = facts.people[number] else { return 0 }
    let plan = fact.quota == nil ? fact.plan.flatMap { facts.plans[$0]?.version } ?? 0 : 0
    let grants = fact.grants.count + fact.grants.count(where: \.isRevoked)
    return (fact.version * 1000 + plan) * 1000 + grants
  }

  /// As long as all hosts know the same terms, nobody uses more than was said, and nobody stays in a period
  /// that is over.
  func checkBounds() {
    if hosts.contains(where: \.isRolledBack) { return }
    for number in facts.present {
      guard let person = people[number], let fact = facts.people[number] else { continue }
      let stamp = stamp(of: number, in: facts)
      let bounds = hosts.compactMap { $0.bounds[number] }
      guard bounds.count == hosts.count, let start = bounds.first?.start,
        bounds.allSatisfy({ $0.version == stamp && $0.start == start })
      else { continue }
      let limit = facts.limit(of: number, since: start)
      if limit == 0 { continue }
      let most = max(limit, bounds.map(\.known).max() ?? 0) + (bounds.map(\.beyond).max() ?? 0)
      let used = hosts.reduce(0) { $0 + person.used(on: $1.index, since: start).total }
      if used > most {
        fail("\(fact.name) has used \(used) of \(limit), and \(most) was said to be the most")
      }
    }
  }

  /// - Parameter isCut: whether the connection was to be lost.
  func checkWarning(_ warning: String, on host: FleetHost, isCut: Bool) {
    let isExpected =
      warning.hasPrefix("the clock of this host") || warning.contains("was restored from a backup")
      || isCut && warning.hasPrefix("it is changed, and this host does not know of it yet")
    if !isExpected { fail("\(host.name) warns: \(warning)") }
  }

  /// All have heard of all: they agree, and with the truth.
  func checkAgreement() throws {
    for host in hosts {
      try check(host)
      if !host.strangers.isEmpty { fail("\(host.name) has strangers still") }
      let names = try host.ledger(time).users.names().map { "\($0)" }
      let expected = facts.present.compactMap { facts.people[$0]?.name }.sorted()
      if names.sorted() != expected { fail("\(host.name) knows \(names), and truly \(expected)") }
      for number in facts.present { try checkSum(number, on: host) }
    }
  }

  private func checkSum(_ number: Int, on host: FleetHost) throws {
    guard let fact = facts.people[number], let person = people[number],
      let user = try host.ledger(time).users.named(UserName(fact.name), at: now(on: host))
    else { return }
    let start = start(of: fact, on: host)
    let sum = hosts.reduce(Traffic()) { $0 + person.used(on: $1.index, since: start) }
    expect(user.entitlement.usedInAll, sum, "usage on all hosts", fact, host)
    let others = hosts.filter { $0 !== host }
    let sessions = others.reduce(0) { $0 + $1.sessions.count { $0.person === person } }
    expect(user.entitlement.sessionsElsewhere, Int64(sessions), "sessions elsewhere", fact, host)
    let limit = facts.limit(of: number, since: start)
    let isOver = limit > 0 && sum.total >= limit
    let verdict = decide(user.entitlement, at: now(on: host), by: Rules())
    let expected: Verdict =
      fact.isEnabled ? (isOver ? .refused(.quota) : .allowed(at: nil)) : .refused(.disabled)
    expect(verdict, expected, "verdict", fact, host)
  }
}
