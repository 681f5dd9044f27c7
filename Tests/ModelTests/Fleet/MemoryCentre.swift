import Ledger
import Quota

@testable import Sync

/// What PostgreSQL does with the statements of `Centre`, as a few dictionaries.
final class MemoryCentre: CentreTables {
  struct FactKey: Hashable {
    let kind: SharedFact.Kind
    let key: String

    init(_ fact: SharedFact) { (kind, key) = (fact.kind, fact.key) }
    init(kind: SharedFact.Kind, key: String) { (self.kind, self.key) = (kind, key) }
  }

  struct UsageKey: Hashable {
    let user: String
    let periodStart: Int64
    let host: String
  }

  struct Host {
    var id: String
    var machine: String
    var token: String
    var version: Int64 = 0
    var heardAt: Int64
    var clockAhead: Int64
    var hasLeft = false
  }

  /// All that a dump has in it.
  struct Tables {
    var version: Int64 = 0
    var epoch: Int64 = 0
    var facts: [FactKey: SharedFact] = [:]
    var hosts: [String: Host] = [:]
    /// Of hosts, by days and users.
    var days: [String: [Day: [String: OwnDay]]] = [:]
    var usage: [UsageKey: (own: OwnUsage, version: Int64)] = [:]
  }

  var tables = Tables()
  /// The centre's clock, in seconds since 1970.
  var now: Int64 = 0

  var retries: Int { 0 }

  func rules() -> CommonRules { CommonRules(zone: "Etc/UTC", names: "exact") }

  func state() -> CentreState {
    CentreState(identity: "the model", epoch: tables.epoch, version: tables.version)
  }

  func clockAhead() -> Int64 { 0 }

  /// A transaction: all of it or nothing.
  private func transaction<Result>(_ body: (inout Tables) throws -> Result) rethrows -> Result {
    var tables = tables
    let result = try body(&tables)
    self.tables = tables
    return result
  }
}

// MARK: Facts

extension MemoryCentre {
  func facts(
    above version: Int64, upTo last: Int64, garbage: (String) -> Void
  ) -> [SharedFact] {
    tables.facts.values.filter { $0.version > version && $0.version <= last }
  }

  func offer(_ facts: [SharedFact], isJoining: Bool) throws {
    try transaction { tables in
      tables.version += 1
      _ = try tables.update(facts.filter { $0.version > 0 })
      for kind in [SharedFact.Kind.plan, .user, .grant] {
        for fact in facts where fact.version == 0 && fact.kind == kind {
          let isOwned = fact.user.map { tables.facts[FactKey(kind: .user, key: $0)] != nil }
          if kind == .grant, isOwned != true { continue }
          let known = tables.facts[FactKey(fact)]
          if kind == .plan, isJoining, known?.isRemoved == true {
            tables.put(fact)
          } else {
            _ = tables.insert(fact)
          }
        }
      }
    }
  }

  func change(_ facts: [SharedFact], by host: PresentHost) throws {
    try transaction { tables in
      tables.version += 1
      try tables.give(host, isRestored: false, at: now)
      var done = try tables.update(facts.filter { $0.version > 0 })
      for fact in facts where fact.version == 0 && tables.insert(fact) { done += 1 }
      guard done == facts.count else { throw SyncError.changedElsewhere }
      try tables.checkPlans(of: facts)
    }
  }

  func restore(_ facts: [SharedFact]) -> Int {
    transaction { tables in
      tables.version = max(tables.version, facts.map(\.version).max() ?? 0)
      var lost = facts.filter { $0.version > tables.facts[FactKey($0)]?.version ?? 0 }
      var holders: [[UInt8]: String] = [:]
      for fact in tables.facts.values {
        if let name = fact.uniqueName { holders[name] = fact.key }
      }
      lost = Centre.withFreeNames(lost, holders)
      if lost.isEmpty { return 0 }
      tables.epoch += 1
      for fact in lost { tables.facts[FactKey(fact)] = fact }
      return lost.count
    }
  }

  func namesakes(of users: [SharedFact]) -> [(user: String, other: String, version: Int64)] {
    users.compactMap { user in
      if tables.facts[FactKey(user)] != nil { return nil }
      let holder = tables.facts.values.first { $0.uniqueName == user.uniqueName }
      return holder.map { (user.key, $0.key, $0.version) }
    }
  }

  func known(_ names: [[UInt8]]) -> Int {
    tables.facts.values.count { $0.uniqueName.map(names.contains) ?? false }
  }
}

extension MemoryCentre.Tables {
  fileprivate mutating func put(_ fact: SharedFact) {
    var fact = fact
    fact.version = version
    facts[.init(fact)] = fact
  }

  private func isTaken(_ name: [UInt8]?, beside fact: SharedFact) -> Bool {
    guard let name else { return false }
    return facts.values.contains { $0.uniqueName == name && $0.key != fact.key }
  }

  /// - Returns: how many had the version that they are changed from.
  fileprivate mutating func update(_ changed: [SharedFact]) throws(SyncError) -> Int {
    var count = 0
    for fact in changed {
      guard facts[.init(fact)]?.version == fact.version else { continue }
      if isTaken(fact.uniqueName, beside: fact) { throw .nameTaken }
      put(fact)
      count += 1
    }
    return count
  }

  /// - Returns: whether its key and its name were free.
  fileprivate mutating func insert(_ fact: SharedFact) -> Bool {
    if facts[.init(fact)] != nil { return false }
    if isTaken(fact.uniqueName, beside: fact) { return false }
    put(fact)
    return true
  }
}

extension MemoryCentre.Tables {
  fileprivate func checkPlans(of changed: [SharedFact]) throws(SyncError) {
    let users = facts.values.filter { $0.kind == .user && !$0.isRemoved }
    for fact in changed where fact.kind == .user && !fact.isRemoved {
      guard let plan = fact.plan else { continue }
      if facts[.init(kind: .plan, key: plan)]?.isRemoved != false { throw .planRemoved(plan) }
    }
    for fact in changed where fact.kind == .plan && fact.isRemoved {
      if users.contains(where: { $0.plan == fact.key }) { throw .planInUse(fact.key) }
    }
  }

  fileprivate func standing(of host: PresentHost, at time: Int64) throws -> Centre.Standing {
    let membership = host.membership
    guard let known = hosts[membership.host], known.id == membership.id else { return .unknown }
    if membership.tokens.contains(known.token) { return .known }
    let isSame = known.machine == host.machine
    guard isSame, time - known.heardAt > 3 * host.interval else {
      throw SyncError.copied(host: membership.host, sameMachine: isSame)
    }
    return .restored
  }

  fileprivate mutating func give(
    _ host: PresentHost, isRestored: Bool, at time: Int64
  ) throws {
    let name = host.membership.host
    switch try standing(of: host, at: time) {
    case .known: break
    case .restored where isRestored: break
    case .restored: throw SyncError.copied(host: name, sameMachine: true)
    case .unknown: throw SyncError.notJoined
    }
    hosts[name]?.token = host.membership.token
    hosts[name]?.machine = host.machine
    hosts[name]?.clockAhead = host.clockAhead
    hosts[name]?.heardAt = time
    if host.isBack { hosts[name]?.hasLeft = false }
  }
}

// MARK: Hosts and usage

extension MemoryCentre {
  func standing(of host: PresentHost) throws -> Centre.Standing {
    try tables.standing(of: host, at: now)
  }

  func token(of host: PresentHost) -> String? { tables.hosts[host.membership.host]?.token }

  func hosts() -> [KnownHost] {
    tables.hosts.sorted { $0.key < $1.key }.map { name, host in
      KnownHost(
        host: name, version: host.version, age: max(0, now - host.heardAt),
        clockAhead: host.clockAhead, hasLeft: host.hasLeft)
    }
  }

  func add(_ host: PresentHost) throws {
    let membership = host.membership
    let known = tables.hosts[membership.host]
    let others = tables.hosts.filter { $0.key != membership.host }
    if let other = others.first(where: { $0.value.id == membership.id }) {
      throw SyncError.known(as: other.key)
    }
    if let known, !known.hasLeft,
      known.id != membership.id || !membership.tokens.contains(known.token)
    {
      throw SyncError.hostTaken(membership.host)
    }
    tables.hosts[membership.host] = Host(
      id: membership.id, machine: host.machine, token: membership.token,
      version: known?.version ?? 0, heardAt: now, clockAhead: host.clockAhead)
  }

  func remove(_ host: String) -> Bool {
    guard tables.hosts[host] != nil else { return false }
    transaction { tables in
      tables.hosts[host]?.version += 1
      tables.hosts[host]?.hasLeft = true
      for (key, row) in tables.usage where key.host == host && row.own.sessions > 0 {
        let own = OwnUsage(
          user: key.user, periodStart: key.periodStart, traffic: row.own.traffic, sessions: 0)
        tables.usage[key] = (own, tables.hosts[host]?.version ?? 0)
      }
    }
    return true
  }

  func push(
    _ usage: [OwnUsage], _ days: [OwnDay], of host: PresentHost, isRestored: Bool
  ) throws {
    let name = host.membership.host
    try transaction { tables in
      try tables.give(host, isRestored: isRestored, at: now)
      for own in days { tables.days[name, default: [:]][own.day, default: [:]][own.user] = own }
      if usage.isEmpty { return }
      let version = (tables.hosts[name]?.version ?? 0) + 1
      tables.hosts[name]?.version = version
      for own in usage {
        let key = UsageKey(user: own.user, periodStart: own.periodStart, host: name)
        tables.usage[key] = (own, version)
      }
    }
  }

  func usage(of host: String) -> [OwnUsage] {
    tables.usage.filter { $0.key.host == host }.map(\.value.own)
  }

  func days(of host: String, on day: Day) -> [OwnDay] {
    (tables.days[host]?[day]?.values).map(Array.init) ?? []
  }

  func nextDay(of host: String, after day: Day, orOnIt isIncluded: Bool) -> Day? {
    tables.days[host]?.keys.filter { $0 > day || isIncluded && $0 == day }.min()
  }

  func removeDays(of host: String, before oldest: Day) {
    tables.days[host] = tables.days[host]?.filter {
      $0.key == .beforeEveryLedger || $0.key >= oldest
    }
  }

  func users(changedSince seen: [String: Int64]) -> [String] {
    let news = tables.usage.filter { key, row in
      seen[key.host].map { row.version > $0 } ?? false
    }
    return Set(news.map(\.key.user)).sorted()
  }

  func usage(
    of wanted: [(user: String, periodStart: Int64)], elsewhereThan host: String,
    garbage: (String) -> Void
  ) -> [(user: String, ElsewhereUsage)] {
    wanted.map { wanted in
      let rows = tables.usage.filter {
        $0.key.user == wanted.user && $0.key.periodStart == wanted.periodStart
          && $0.key.host != host
      }.map(\.value.own)
      let sum = ElsewhereUsage(
        periodStart: wanted.periodStart, traffic: rows.reduce(Traffic()) { $0 + $1.traffic },
        sessions: rows.reduce(0) { $0 + $1.sessions },
        hosts: Int64(rows.count { $0.sessions > 0 }))
      return (wanted.user, sum)
    }
  }
}
