import Quota
import TestSupport

@testable import Ledger
@testable import Sync

/// Seconds.
let day: Int64 = 86_400

/// What several hosts are set up with.
struct FleetTerms {
  /// A Monday noon, in seconds since 1970.
  static let start: Int64 = 1_795_435_200
  static let names = ["ann", "ben", "cleo", "dan", "eve"]
  static let plan = "basic"
  /// Seconds that the hosts' clocks are ahead.
  let ahead: [Int64]
  /// Whether usage starts over each day. There are no strangers then, whose usage never does.
  let isDaily: Bool
  /// The quota of a stranger, 0 for unlimited.
  let defaultQuota: Int64
  let staleness: Staleness

  init(_ chance: inout SeededRandom) {
    ahead = (0..<3).map { _ in
      Bool.random(using: &chance) ? 0 : Int64.random(in: -9...9, using: &chance)
    }
    isDaily = Bool.random(using: &chance)
    defaultQuota = Bool.random(using: &chance) ? 0 : 5000
    let answer = [Staleness.Answer.allow, .allow, .reject].randomElement(using: &chance) ?? .allow
    staleness = Staleness(after: Int64.random(in: 60...4000, using: &chance), answer)
  }
}

/// Several hosts that share their users through a centre, and the truth of what is laid down and what was
/// used. It knows nothing of how the programs agree.
///
/// What is left out, as it is known or has a test of its own: carried grants in a period that ends while
/// a host is away (what they have left is by what it knew), other periods than days and none, times
/// that begin with a first connection, sessions at once at the door, and a plan that is removed.
final class Fleet {
  let terms: FleetTerms
  let centre: MemoryCentre
  var hosts: [FleetHost] = []
  /// What the centre has.
  var facts = Facts()
  var people: [Int: Person] = [:]
  /// By the uids that the centre knows them by.
  var uids: [String: Person] = [:]
  /// In seconds since 1970.
  private(set) var time = FleetTerms.start
  private(set) var failures: [String] = []
  private(set) var story: [String] = []
  private let tellsStory: Bool
  /// A ledger of nobody.
  let template: String
  private(set) var counts: [String: Int] = [:]
  private var marks: UInt64 = 0
  private var version = 0
  /// What the centre may be restored from.
  var dump: (tables: MemoryCentre.Tables, facts: Facts)?
  /// The change that is under way, and what the host knew when it was made.
  var present: (change: FleetChange, before: Facts)?

  init(_ terms: FleetTerms, template: String, tellsStory: Bool) throws {
    self.terms = terms
    self.tellsStory = tellsStory
    self.template = template
    centre = MemoryCentre()
    centre.now = time
    facts.isDaily = terms.isDaily
    for (index, ahead) in terms.ahead.enumerated() {
      hosts.append(
        try FleetHost(
          index, ahead: ahead, template: template, staleness: terms.staleness,
          defaultQuota: terms.defaultQuota))
    }
    note("clocks ahead: \(terms.ahead), daily: \(terms.isDaily), \(terms.staleness)")
    for host in hosts { try talk(host, nil) { _ = try $0.join(as: host.name) } }
    try administer(hosts[0], .plan(4000))
    for name in FleetTerms.names.prefix(2) { try administer(hosts[0], .add(name, nil)) }
    try administer(hosts[0], .add(FleetTerms.names[2], 9000))
    for host in hosts { try synchronize(host) }
  }

  // MARK: What is told of it

  func note(_ text: @autoclosure () -> String) {
    if tellsStory { story.append("\(time - FleetTerms.start)s: \(text())") }
  }

  func fail(_ text: String) {
    failures.append(text)
    note("!!! \(text)")
  }

  func count(_ what: String) { counts[what, default: 0] += 1 }

  func nextMark() -> UInt64 {
    marks += 1
    return marks
  }

  func nextVersion() -> Int {
    version += 1
    return version
  }

  func newPerson() -> Person {
    let person = Person(number: people.count, hosts: hosts.count)
    people[person.number] = person
    return person
  }

  // MARK: Time

  /// Time goes by. Around a midnight all clients move something every two minutes, for what was moved between
  /// two looks with a midnight between them may be of either day.
  func wait(_ seconds: Int64) throws {
    let end = time + seconds
    while terms.isDaily, time < end {
      let midnight = time - time % day
      let next = [midnight + 60, midnight + day - 60].first { $0 > time }
      pass(to: min(end, next ?? midnight + day + 60))
      for host in hosts { try moveABit(on: host) }
    }
    pass(to: end)
  }

  private func pass(to moment: Int64) {
    time = moment
    centre.now = moment
  }

  private func moveABit(on host: FleetHost) throws {
    if host.sessions.isEmpty { return }
    for session in host.sessions where try left(of: session, on: host) ?? 1 > 0 {
      session.counters += Traffic(received: 1, sent: 0)
    }
    try sweep(host)
  }

  func now(on host: FleetHost) -> Int64 { time + host.ahead }

  /// When a user's present period began, by what a host knows.
  func start(of fact: Facts.Fact, on host: FleetHost) -> Int64 {
    let now = now(on: host)
    return max(fact.resetAt ?? 0, terms.isDaily ? now - now % day : 0)
  }

  // MARK: Clients

  /// Whom a host takes a name for; nil for nobody it may let in.
  func person(named name: String, on host: FleetHost) -> Person? {
    if let number = host.facts.number(of: name) { return people[number] }
    if let stranger = host.strangers[name] { return stranger }
    return terms.isDaily ? nil : newPerson()
  }

  /// Not in the second in which the host may have heard that the name is another's: whose it is then, nobody can
  /// tell.
  func connect(_ host: FleetHost, as name: String) throws {
    try wait(1)
    guard let person = person(named: name, on: host) else { return }
    let verdict = try checkVerdict(of: name, person, on: host)
    note("\(name) on \(host.name): \(verdict)")
    guard verdict.isAllowed else { return count("refusals") }
    count("sessions")
    if host.facts.number(of: name) == nil { host.strangers[name] = person }
    try host.begin(
      FleetSession(person, as: name, since: now(on: host), mark: nextMark()), at: time)
    _ = try host.ledger(time)
  }

  /// Clients move bytes, none of them more than the host knows their user to have left, and a sweep follows.
  func move(_ host: FleetHost, _ chance: inout SeededRandom) throws {
    for session in host.sessions.shuffled(using: &chance).prefix(2) {
      var bytes = Traffic(
        received: Int64.random(in: 0...2000, using: &chance),
        sent: Int64.random(in: 0...2000, using: &chance))
      if let left = try left(of: session, on: host), left < bytes.total {
        bytes = Traffic(received: left, sent: 0)
      }
      session.counters += bytes
      note("\(session.name) on \(host.name) moves \(bytes)")
      try sweep(host)
    }
  }

  private func left(of session: FleetSession, on host: FleetHost) throws -> Int64? {
    guard let fact = host.facts.people[session.person.number], !fact.isRemoved else { return nil }
    let user = try host.ledger(time).users.named(UserName(fact.name), at: now(on: host))
    guard let entitlement = user?.entitlement, entitlement.quota > 0 else { return nil }
    return max(0, entitlement.limitWithGrace - entitlement.usedInAll.total)
  }

  func end(_ session: FleetSession, on host: FleetHost) throws {
    try host.end(session, at: time)
    _ = try host.ledger(time)
    settle(session, on: host)
  }

  /// What was moved is counted, in the period that is the present one by what the host knows.
  private func settle(_ session: FleetSession, on host: FleetHost) {
    let more = session.counters.increase(over: session.counted)
    session.counted = session.counters
    if more.isZero { return }
    let fact = host.facts.people[session.person.number]
    session.person.count(
      more, on: host.index, in: fact.map { start(of: $0, on: host) } ?? 0)
  }

  func sweep(_ host: FleetHost) throws {
    let ledger = try host.ledger(time)
    let violators = try host.sweep(ledger, at: time)
    for session in host.sessions { settle(session, on: host) }
    for stranger in host.strangers.values { stranger.isSeen = true }
    for session in violators {
      note("\(session.name) is disconnected on \(host.name)")
      try end(session, on: host)
    }
  }

  // MARK: The centre

  /// Has a host do something with the centre.
  ///
  /// - Returns: whether it came to its end.
  @discardableResult
  func talk(
    _ host: FleetHost, _ cut: Line.Cut?, _ body: (HostSync) throws -> Void
  ) throws -> Bool {
    let ledger = try host.ledger(time)
    // What is done anew goes well.
    var next = cut
    let sync = host.sync(ledger, at: time) { [self] in
      if host.isCutOff { throw Line.lost }
      defer { next = nil }
      return Line(to: centre, cut: next, ahead: host.ahead) { [self] in hear($0, on: host) }
    }
    do {
      try body(sync)
      for warning in host.takeWarnings() { checkWarning(warning, on: host, isCut: cut != nil) }
      return true
    } catch is PostgresError where host.isCutOff || cut != nil {
      note("\(host.name) does not reach the centre")
    } catch SyncError.joined {
      note("\(host.name) has joined already")
    } catch SyncError.unknownCommit where cut != nil {
      note("\(host.name) does not know whether it is changed")
    } catch SyncError.copied(_, let isSame) where isSame && host.isRolledBack {
      note("\(host.name) is taken for a copy for now")
    }
    _ = host.takeWarnings()
    return false
  }

  /// One run of quota-sync, after a sweep.
  func synchronize(_ host: FleetHost, _ cut: Line.Cut? = nil) throws {
    note("\(host.name) synchronizes\(cut.map { ", cut off after \($0)" } ?? "")")
    try sweep(host)
    count("runs")
    var outcome = HostSync.Outcome()
    guard try talk(host, cut, { outcome = try $0.run() }) else { return count("failures") }
    note("\(host.name): \(outcome)")
    try noteHeard(host)
  }

  /// A host has told and heard all.
  func noteHeard(_ host: FleetHost) throws {
    host.isRolledBack = false
    host.isForgotten = false
    for person in people.values { person.told[host.index] = [:] }
    host.heardAt = now(on: host)
    // A host that was taken for dead does not count.
    if !hosts.contains(where: \.isForgotten) { try noteBounds(of: host) }
  }

  private func hear(_ passed: Line.Passed, on host: FleetHost) {
    switch passed {
    case .told: break
    case .given: facts.merge(host.heard)
    case .facts: takeIn(on: host)
    case .offered(let offers): offer(offers, on: host)
    case .changed(let changes): commit(changes, on: host)
    case .own(let usage):
      for own in usage {
        guard let person = uids[own.user] else { continue }
        let before = person.used(on: host.index, since: own.periodStart)
        person.usage[host.index][own.periodStart] = before.greater(own.traffic)
      }
    }
  }

  /// Strangers whose names are free become users of all hosts.
  private func offer(_ offers: [SharedFact], on host: FleetHost) {
    for offer in offers where offer.kind == .user && offer.version == 0 {
      let name = String(decoding: offer.uniqueName ?? [], as: UTF8.self)
      guard let person = host.strangers[name], facts.number(of: name) == nil else { continue }
      note("the centre takes \(name) from \(host.name)")
      uids[offer.key] = person
      facts.people[person.number] = Facts.Fact(
        name: name, quota: terms.defaultQuota, version: nextVersion())
    }
  }

  /// A host hears all facts. What it saw of a stranger is that user's whose name it is, unless it knew them
  /// under another name.
  private func takeIn(on host: FleetHost) {
    let before = host.facts
    let heard = host.heard
    (host.facts, host.heard) = (facts, facts)
    host.heard.version = centre.tables.version
    for (number, fact) in facts.people {
      let known = before.people[number]
      if let reset = fact.resetAt, reset > now(on: host), known?.resetAt != reset {
        host.facts.people[number]?.resetAt = known?.resetAt
        host.facts.people[number]?.isWaiting = true
        host.heard.people[number] = heard.people[number]
        host.heard.people[number]?.grants = fact.grants
      }
      guard !fact.isRemoved, let stranger = host.strangers.removeValue(forKey: fact.name),
        let person = people[number], person !== stranger
      else { continue }
      // One whom no sweep saw is nobody yet.
      if known != nil, stranger.isSeen { continue }
      note("\(fact.name) of \(host.name) is the one whom the centre knows")
      for (start, bytes) in stranger.usage[host.index] {
        person.count(bytes, on: host.index, in: start)
      }
      for session in host.sessions where session.person === stranger { session.person = person }
    }
  }
}
