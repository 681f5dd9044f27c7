import Support
import Ledger
import OpenVPN
import Servers
import System
import Quota

/// One sweep: observe what servers say, reconcile it with the ledger, enforce the quotas.
///
/// Whoever runs it holds the sweep lock.
package struct Sweep {
  private let settings: Settings
  private let log: Log
  private let isRehearsal: Bool
  private let kick: Kick?
  /// What was found on the way to the servers and cannot be swept.
  let problems: [DiscoveryProblem]
  private var reconciler: Reconciler
  /// Why the ledger could not be written, if it could not. The sweep goes on by a copy in memory.
  private var bookkeepingFailure: (any Explained)?
  private var summary = Summary()
  private let servers: [Server]
  /// The last that each server said.
  private var observations: [ObjectIdentifier: [Observation]] = [:]
  private var killed: Set<SessionIdentity> = []
  private let environment: SweepEnvironment
  private let begun: Duration
  private let boot: Int64
  private let lastSwept: SweepNote?

  /// Seconds after its kill in which a session may still be listed.
  private static let grace: Int64 = 10
  /// Seconds of the time budget that are kept for the ledger and the kills.
  private static let reserve = 5

  /// - Parameters:
  ///   - isRehearsal: show what would be done, and change nothing.
  ///   - only: the names of the servers to sweep, all if empty.
  ///   - kick: a user to disconnect besides those who have to go.
  ///   - environment: the clocks to go by, and how to reach servers.
  /// - Throws: `SweepError`, `LedgerError` or `SystemError`.
  package init(
    _ settings: Settings, log: Log, isRehearsal: Bool = false, only: [String] = [],
    kick: Kick? = nil, environment: SweepEnvironment = .system
  ) throws {
    self.environment = environment
    begun = environment.clock.monotonic
    boot = environment.clock.boot
    self.settings = settings
    self.log = log
    self.isRehearsal = isRehearsal
    self.kick = kick
    let found = try ConfiguredServers(settings, only: only)
    problems = found.problems
    let now = begun
    servers = found.endpoints.map { Server($0, startingAt: now) }
    let spool = Spool(besideDatabase: settings.database, isRehearsal: isRehearsal)
    lastSwept = spool.sweepNote
    do {
      let ledger = try Ledger.open(
        settings.database, for: isRehearsal ? .rehearsal : .keeper, rules: settings.rules,
        zone: settings.zone)
      reconciler = Reconciler(ledger: ledger, spool: spool, log: log)
    } catch {
      guard !isRehearsal, Sweep.isAboutWriting(error),
        let other = Reconciler(readingOnly: settings, log)
      else { throw error }
      reconciler = other
      bookkeepingFailure = error
    }
  }

  /// Whether there is nothing to sweep.
  package var hasNoServers: Bool { servers.isEmpty && problems.allSatisfy { $0.isNoMatch } }

  /// Runs it.
  ///
  /// Where the ledger cannot be written, it decides by what can be read and what the listings say,
  /// disconnects, and tells of it in the summary.
  package mutating func run() throws -> Summary {
    if !isRehearsal { try keepingBooks { try $0.beginDay() } }
    try sweep(servers)
    let again = try serversWithViolatorsLeft()
    for server in again { server.startOver(at: environment.clock.monotonic) }
    if !again.isEmpty { try sweep(again) }
    report()
    if !isRehearsal { finishBooks() }
    summary.bookkeepingFailure = bookkeepingFailure
    summary.milliseconds = (environment.clock.monotonic - begun).milliseconds
    return summary
  }

  /// Does something that needs the ledger. Where it cannot be written, it is done once more with a
  /// copy of the ledger in memory, which is used from then on.
  private mutating func keepingBooks<Result>(
    _ body: (inout Sweep) throws -> Result
  ) throws -> Result {
    do { return try body(&self) } catch let error as any Explained {
      guard !isRehearsal, Sweep.isAboutWriting(error), bookkeepingFailure == nil,
        let other = Reconciler(readingOnly: settings, log)
      else { throw error }
      bookkeepingFailure = error
      reconciler = other
      return try body(&self)
    }
  }

  /// Whether an error is one of a disk or of permissions, so that the ledger may still be readable.
  private static func isAboutWriting(_ error: any Explained) -> Bool {
    [.inputOutput, .cannotCreate, .permission].contains(error.exitStatus)
  }

  /// Does something after which nobody has to be disconnected any more: a failure is told at the end.
  private mutating func notingFailure(_ body: (Sweep) throws -> Void) {
    do { try body(self) } catch {
      if bookkeepingFailure == nil { bookkeepingFailure = error as? any Explained }
    }
  }

  /// Leaves word for the next sweep; not after a failure, so that it does all that is due once a day
  /// again.
  private mutating func finishBooks() {
    if bookkeepingFailure != nil { return }
    reconciler.spool.removeOldDrafts(at: environment.clock.now)
    notingFailure { sweep in
      let note = SweepNote(at: sweep.environment.clock.now, listed: sweep.listed)
      try sweep.reconciler.spool.leave(note)
      try sweep.reconciler.ledger.checkpoint()
    }
  }

  /// Does what is due once a day: periods begin and end at midnight.
  private func beginDay() throws {
    let now = environment.clock.now
    if lastSwept.map({ $0.isOfAnotherDay(than: now, in: settings.zone) }) == false { return }
    try reconciler.ledger.rollOver(at: now)
    try reconciler.ledger.noticeExpiries(at: now)
  }

  /// When each server last gave a whole listing, by its name; those that nobody has heard of for a
  /// year are forgotten.
  private var listed: [String: Int64] {
    let now = environment.clock.now
    let earlier = lastSwept?.listed ?? [:]
    let reports = observations.values.joined().map(\.report).filter(\.isComplete)
    return earlier.filter { now - $0.value < 366 * 86_400 }.merging(
      reports.map { ($0.server, $0.at) }
    ) { max($0, $1) }
  }

  private mutating func sweep(_ servers: [Server]) throws {
    let budget = Duration.seconds(max(1, settings.monitorInterval - Sweep.reserve))
    var poller = StatusPoller(
      servers, environment, timeout: .seconds(settings.managementTimeout),
      attempts: settings.retryAttempts, lastStart: begun + budget, togetherAtLast: isRehearsal)
    var isFirst = true
    while true {
      let answered = poller.next()
      // Also with nobody there, what hooks left in the spool is taken in.
      if answered.isEmpty, !isFirst { return }
      isFirst = false
      var observations = try observe(answered)
      if isRehearsal {
        try reconciler.ledger.rehearsal { try reconcile(&observations) }
      } else {
        try keepingBooks { try $0.reconcile(&observations) }
        try enforce(observations)
      }
      if answered.isEmpty { return }
    }
  }

  /// Takes the listings of servers that answered.
  private mutating func observe(_ answered: [Server]) throws -> [Observation] {
    let ledger = reconciler.ledger
    return try answered.flatMap { server in
      server.outcome = .swept
      return try Observation.all(
        of: server, boot: boot, previous: lastSwept?.listed[server.endpoint.name],
        identifyBy: settings.identifyBy, known: { try ledger.openSessions().map(\.session) })
    }
  }

  private mutating func reconcile(_ observations: inout [Observation]) throws {
    try reconciler.reconcile(&observations, at: environment.clock.now, into: &summary)
    for (server, all) in Dictionary(grouping: observations, by: { ObjectIdentifier($0.server) }) {
      self.observations[server] = all
    }
    guard isRehearsal else { return }
    for observation in observations {
      for target in try targets(in: observation) { note(target, on: observation.server) }
    }
  }

  /// Disconnects who has to go, on all these servers side by side, and lets go of the connections.
  private mutating func enforce(_ observations: [Observation]) throws {
    var enforcers: [Enforcer] = []
    for server in servers where observations.contains(where: { $0.server === server }) {
      let toGo = try observations.filter { $0.server === server }.flatMap { try targets(in: $0) }
      enforcers.append(
        Enforcer(server, toGo, message: KillMessage(setting: settings.killMessage)))
    }
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    let end = begun + .seconds(settings.monitorInterval)
    while environment.clock.monotonic < end {
      let now = environment.clock.monotonic
      for index in enforcers.indices { enforcers[index].proceed(now) }
      let busy = enforcers.filter { !$0.isFinished }
      if busy.isEmpty { break }
      environment.advance(busy.compactMap(\.server.connection), until: end, buffer: &buffer)
    }
    for index in enforcers.indices {
      enforcers[index].giveUp()
      settle(enforcers[index])
    }
  }

  private mutating func settle(_ enforcer: Enforcer) {
    let kills = enforcer.done.map { (session: $0.identity, owner: $0.owner, reason: $0.reason) }
    notingFailure { try $0.reconciler.ledger.recordKills(kills, at: $0.environment.clock.now) }
    for target in enforcer.done { note(target, on: enforcer.server) }
    enforcer.server.unenforced += enforcer.problems
    enforcer.server.connection = nil
  }

  private mutating func note(_ target: Target, on server: Server) {
    killed.insert(target.identity)
    summary.kills.append(
      Summary.Kill(
        server: server.endpoint.name, user: target.owner, address: target.identity.address,
        reason: target.reason))
  }

  /// The sessions of a server that have to go, but for those that were told so moments ago.
  private func targets(in observation: Observation) throws -> [Target] {
    let now = environment.clock.now
    let report = observation.report
    let ledger = reconciler.ledger
    let violations = try ledger.violations(
      among: observation.live, of: report, listed: listed, at: now)
    var targets = violations.map { violation in
      Target(
        violation.session, in: observation, owner: violation.owner, reason: violation.reason)
    }
    if let kick {
      let known = Set(targets.map(\.identity))
      targets += try ledger.sessions(of: kick.user, among: observation.live, of: report).map {
        Target($0, in: observation, owner: kick.user, reason: .kicked, message: kick.message)
      }.filter { !known.contains($0.identity) }
    }
    return targets.filter { target in
      !killed.contains(target.identity)
        && target.killedAt.map { !(0..<Sweep.grace).contains(now - $0) } ?? true
    }
  }

  /// Servers that were dealt with before a user of theirs turned out to be over his quota by what
  /// he moved on another one: they have to be asked again.
  private func serversWithViolatorsLeft() throws -> [Server] {
    guard observations.count > 1, !isRehearsal else { return [] }
    return try servers.filter { server in
      try observations[ObjectIdentifier(server), default: []].contains { observation in
        try !targets(in: observation).isEmpty
      }
    }
  }

  /// Sums up how it went with each server.
  private mutating func report() {
    summary.servers = servers.map { server in
      let seen = observations[ObjectIdentifier(server), default: []]
      return Summary.ServerResult(
        server, sessions: seen.reduce(0) { $0 + $1.report.sightings.count },
        failure: server.failure ?? server.listingFailure)
    }
    summary.sessions = summary.servers.reduce(0) { $0 + $1.sessions }
    summary.servers += problems.filter(\.isFailure).map(Summary.ServerResult.init)
    summary.problems += problems.filter { !$0.isFailure }.map(\.description)
  }
}

extension Summary.ServerResult {
  fileprivate init(_ server: Server, sessions: Int, failure: ServerFailure?) {
    let isDown = server.isDiscovered && failure?.isDown == true
    let errors = [failure?.message].compactMap(\.self) + server.unenforced
    self.init(
      name: server.endpoint.name, address: "\(server.endpoint.address)",
      state: isDown ? .down : errors.isEmpty ? .swept : .failed, sessions: sessions,
      errors: errors, hint: isDown ? nil : failure?.hint)
  }

  fileprivate init(_ problem: DiscoveryProblem) {
    self.init(
      name: problem.name, address: "", state: .failed, sessions: 0,
      errors: [problem.description], hint: problem.hint)
  }
}

extension Duration {
  /// Whole milliseconds.
  fileprivate var milliseconds: Int64 {
    components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
  }
}
