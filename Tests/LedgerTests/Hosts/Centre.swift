import Quota
import Testing

@testable import Ledger

/// What `quota-sync` makes of PostgreSQL, as a few dictionaries: the centre of hosts in one process.
final class Centre {
  private struct UsageKey: Hashable {
    let host: String
    let user: String
    let periodStart: Int64
  }

  private var facts: [String: SharedFact] = [:]
  private var version: Int64 = 0
  private var usage: [UsageKey: (own: OwnUsage, version: Int64)] = [:]
  private var hostVersions: [String: Int64] = [:]
  private var days: [String: [OwnDay]] = [:]
  /// How many rows of days were told.
  private(set) var toldDays = 0

  private func place(of fact: SharedFact) -> String { "\(fact.kind):\(fact.key)" }

  private func put(_ fact: SharedFact) {
    var fact = fact
    fact.version = version
    facts[place(of: fact)] = fact
  }

  /// Changes facts as an administrator on one host has it.
  ///
  /// - Returns: false, and nothing is changed, where one of them is another meanwhile.
  func change(_ changes: [SharedFact]) -> Bool {
    for fact in changes {
      if (facts[place(of: fact)]?.version ?? 0) != fact.version { return false }
      if let name = fact.uniqueName, holder(of: name, beside: fact, among: changes) { return false }
    }
    version += 1
    for fact in changes { put(fact) }
    return true
  }

  /// Changes what a fact says, as a later version of the programs would.
  func amend(_ kind: SharedFact.Kind, _ key: String, _ content: [String: String]) throws {
    let place = "\(kind):\(key)"
    var fact = try #require(facts[place])
    fact.content.merge(content) { $1 }
    version += 1
    put(fact)
  }

  func fact(_ kind: SharedFact.Kind, named name: String) -> SharedFact? {
    facts.values.first { $0.kind == kind && $0.content["name"] == name && !$0.isRemoved }
  }

  private func holder(
    of name: [UInt8], beside fact: SharedFact, among changes: [SharedFact]
  ) -> Bool {
    facts.values.contains { known in
      known.uniqueName == name && known.key != fact.key
        && !changes.contains { $0.kind == .user && $0.key == known.key }
    }
  }

  /// One run of `quota-sync` on a host.
  func synchronize(_ ledger: Ledger, at time: Int64 = Bench.noon + 60) throws {
    let hosts = ledger.hosts
    let membership = try #require(try hosts.drawToken())
    insert(try hosts.newFacts())
    try hosts.takeIn(facts.values.filter { $0.version > membership.factsSeen }, at: time)
    let today = Day(of: time, in: .utc)
    try hosts.beginDays(with: today)
    while case let own = try hosts.ownUsage(limit: 3, at: time), !own.isEmpty {
      let days = try hosts.days(with: own)
      hostVersions[membership.host, default: 0] += 1
      for own in own {
        let key = UsageKey(
          host: membership.host, user: own.user, periodStart: own.periodStart)
        usage[key] = (own, hostVersions[membership.host] ?? 0)
      }
      put(days, of: membership.host)
      try hosts.notePushed(own)
      try hosts.noteTold(days)
    }
    try tellRest(of: hosts, membership.host, on: today)
    try hosts.noteToken()
    let others = usage.filter { $0.key.host != membership.host }
    let news = others.filter { $0.value.version > membership.usageSeen[$0.key.host] ?? 0 }
    let wanted = try hosts.wantedPeriods(of: Set(news.map(\.key.user)).sorted(), at: time)
    let sums = wanted.map { wanted -> (user: String, ElsewhereUsage) in
      let rows = others.filter {
        $0.key.user == wanted.user && $0.key.periodStart == wanted.periodStart
      }
      let sum = ElsewhereUsage(
        periodStart: wanted.periodStart,
        traffic: rows.values.reduce(Traffic()) { $0 + $1.own.traffic },
        sessions: rows.values.reduce(0) { $0 + $1.own.sessions },
        hosts: Int64(rows.values.count { $0.own.sessions > 0 }))
      return (wanted.user, sum)
    }
    try hosts.noteElsewhere(sums, at: time)
    hostVersions[membership.host, default: 0] += 0
    try hosts.noteHeard(
      usageSeen: hostVersions.filter { $0.key != membership.host },
      hosts: Int64(hostVersions.count), at: time)
  }

  private func tellRest(of hosts: Hosts, _ host: String, on today: Day) throws {
    while case let late = try hosts.lateDays(limit: 2), !late.isEmpty {
      put(late, of: host)
      try hosts.noteTold(late)
    }
    let oldest = today + -400
    while let (day, rows) = try hosts.nextOfHistory(keepingFrom: oldest) {
      put(rows, of: host)
      try hosts.noteHistory(from: day)
    }
    if try hosts.membership()?.toldDay != today {
      try hosts.noteTold(before: today, keepingFrom: oldest)
    }
  }

  private func put(_ news: [OwnDay], of host: String) {
    let isNew = { (day: OwnDay) in news.contains { $0.user == day.user && $0.day == day.day } }
    days[host, default: []].removeAll(where: isNew)
    days[host, default: []] += news
    toldDays += news.count
  }

  /// What the centre has of a host's days.
  func days(of host: String) -> [OwnDay] { days[host, default: []].inOrder }

  private func insert(_ new: [SharedFact]) {
    version += 1
    var refused: Set<String> = []
    for fact in new {
      if fact.version > 0 {
        if facts[place(of: fact)]?.version == fact.version { put(fact) }
        continue
      }
      if let user = fact.user, refused.contains(user) { continue }
      if let name = fact.uniqueName, holder(of: name, beside: fact, among: []) {
        refused.insert(fact.key)
      } else if facts[place(of: fact)] == nil {
        put(fact)
      }
    }
  }

  /// What the centre has of a host's usage.
  func usage(of host: String) -> [OwnUsage] {
    usage.filter { $0.key.host == host }.map(\.value.own)
  }
}

/// Hosts that share their users.
struct JoinedHosts {
  let centre = Centre()
  let hosts: [Bench]

  init(_ count: Int = 2, rules: Rules = Rules()) throws {
    hosts = try (0..<count).map { index in
      let bench = try Bench(rules: rules)
      try bench.ledger.hosts.join(as: "host\(index)", id: "\(index)")
      return bench
    }
  }

  subscript(_ index: Int) -> Ledger { hosts[index].ledger }

  /// Lets every host tell and hear all there is.
  func synchronize(at time: Int64 = Bench.noon + 60) throws {
    for _ in 0..<2 {
      for host in hosts { try centre.synchronize(host.ledger, at: time) }
    }
  }

  /// What users moved on which day, as a host's own history has it.
  func days(of ledger: Ledger) throws -> [OwnDay] {
    var days: [OwnDay] = []
    for day in try ledger.usage.sums(in: Bench.allDays).byDay.keys {
      for (user, traffic) in try ledger.usage.sums(in: day...day).byUser {
        let uid = try ledger.hosts.identity(of: user)?.uid
        days.append(OwnDay(user: try #require(uid), day: day, traffic: traffic))
      }
    }
    return days.inOrder
  }

  /// What an administrator does on one host.
  ///
  /// - Returns: whether the centre took it.
  @discardableResult
  func change(on host: Int, _ body: (Ledger) throws -> Void) throws -> Bool {
    let ledger = self[host]
    let facts = try ledger.dryRun {
      try body(ledger)
      return try ledger.hosts.changedFacts()
    }
    // As they are handed over.
    return centre.change(try facts.map { try #require(SharedFact(line: $0.line)) })
  }
}

extension [OwnDay] {
  fileprivate var inOrder: [OwnDay] { sorted { ($0.user, $0.day) < ($1.user, $1.day) } }
}
