import Gate
import Ledger
import OpenVPN
import Quota
import Servers
import Support
import System

/// One sweep: observe what servers say, reconcile it with the ledger, enforce the rules, publish what
/// came of it.
///
/// The caller holds the sweep lock.
package struct Sweep {
  private let settings: Settings
  private let log: Log
  private let isDryRun: Bool
  private let kick: Kick?
  /// What was found on the way to the servers and cannot be swept.
  let problems: [DiscoveryProblem]
  private var reconciler: Reconciler
  /// Why the ledger could not be written, if it could not. The sweep goes on by a copy in memory.
  private var bookkeepingFailure: (any UserFacingError)?
  private var summary = Summary()
  private let servers: [Server]
  /// The names of all servers there are; nil where only some were looked for.
  private let configured: Set<String>?
  /// The last that each server said.
  private var observations: [ObjectIdentifier: [Observation]] = [:]
  /// The networks behind clients of the servers that gave a whole listing, by their names.
  private var networks: [String: LastHeard.Networks] = [:]
  /// Which rows of which servers were disconnected.
  private var killed: [ObjectIdentifier: Set<RowKey>] = [:]
  private var environment: SweepEnvironment
  private let begun: Duration

  /// Seconds after its kill in which a session may still be listed.
  private static let grace: Int64 = 10
  /// Seconds of the time budget that are kept for the ledger and the kills.
  private static let reserve = 5

  /// - Parameters:
  ///   - isDryRun: show what would be done, and change nothing.
  ///   - only: the names of the servers to sweep, all if empty.
  ///   - kick: a user to disconnect besides those who have to go.
  ///   - environment: the clocks to go by, and how to reach servers.
  /// - Throws: `SweepError`, `LedgerError` or `SystemError`.
  package init(
    _ settings: Settings, log: Log, isDryRun: Bool = false, only: [String] = [],
    kick: Kick? = nil, environment: SweepEnvironment = .system
  ) throws {
    self.environment = environment
    begun = environment.clock.monotonic
    self.settings = settings
    self.log = log
    self.isDryRun = isDryRun
    self.kick = kick
    let found = try ConfiguredServers(settings, only: only)
    problems = found.problems
    configured =
      only.isEmpty ? Set(found.endpoints.map(\.name) + found.problems.map(\.name)) : nil
    let now = begun
    servers = found.endpoints.map { Server($0, startingAt: now) }
    do {
      let ledger =
        isDryRun
        ? try Ledger.open(
          settings.database, for: .dryRun, rules: settings.rules, zone: settings.zone)
        : try Ledger.open(settings, log, at: environment.clock.moment)
      summary.add(ledger.imported)
      reconciler = Reconciler(ledger: ledger, log: log)
    } catch {
      guard !isDryRun, Sweep.isAboutWriting(error),
        let other = Reconciler(readingOnly: settings, log)
      else { throw error }
      reconciler = other
      bookkeepingFailure = error
    }
    let ledger = reconciler.ledger
    self.environment.journalPosition = { ledger.journalEnd() }
    self.environment.readsNetworks = settings.fence
  }

  /// Whether there is nothing to sweep.
  package var hasNoServers: Bool { servers.isEmpty && problems.allSatisfy { $0.isNoMatch } }

  /// Runs it.
  ///
  /// Where the ledger cannot be written, it decides by what can be read and what the listings say,
  /// disconnects, and tells of it in the summary.
  package mutating func run() throws -> Summary {
    if !isDryRun { try keepingBooks { try $0.begin() } }
    try sweep(servers)
    // A user may turn out to be over quota by traffic on one server when another was done already.
    let again = try serversWithViolatorsLeft()
    for server in again { server.startOver(at: environment.clock.monotonic) }
    if !again.isEmpty { try sweep(again) }
    sumUpServers()
    if !isDryRun { publish() }
    sumUp()
    return summary
  }

  /// One round over servers. Those that answered are dealt with while the slow ones are still waited
  /// for; with no server at all, what hooks wrote is taken in.
  private mutating func sweep(_ servers: [Server]) throws {
    let budget = Duration.seconds(max(1, settings.monitorInterval - Sweep.reserve))
    var poller = StatusPoller(
      servers, environment, timeout: .seconds(settings.managementTimeout),
      attempts: settings.retryAttempts, lastStart: begun + budget, togetherAtLast: isDryRun)
    var answered = poller.next()
    repeat {
      var observations = observe(answered)
      try reconcile(&observations)
      try enforce(observations)
      answered = poller.next()
    } while !answered.isEmpty
  }

  /// Does something that needs the ledger. Where it cannot be written, it is done once more with a
  /// copy of the ledger in memory, which is used from then on.
  private mutating func keepingBooks<Result>(
    _ body: (inout Sweep) throws -> Result
  ) throws -> Result {
    do { return try body(&self) } catch let error as any UserFacingError {
      guard !isDryRun, Sweep.isAboutWriting(error), bookkeepingFailure == nil,
        let other = Reconciler(readingOnly: settings, log)
      else { throw error }
      bookkeepingFailure = error
      reconciler = other
      return try body(&self)
    }
  }

  /// Whether an error is one of a disk or of permissions, so that the ledger may still be readable.
  private static func isAboutWriting(_ error: any UserFacingError) -> Bool {
    [.inputOutput, .cannotCreate, .permission].contains(error.exitStatus)
  }

  /// Does something that no disconnection depends on any more. A failure is told at the end.
  private mutating func tellingFailure(_ body: (Sweep) throws -> Void) {
    do { try body(self) } catch {
      if bookkeepingFailure == nil { bookkeepingFailure = error as? any UserFacingError }
    }
  }

  /// Publishes what users may do from now on, and leaves the files short; not after a failure.
  private mutating func publish() {
    if bookkeepingFailure != nil { return }
    tellingFailure { sweep in
      let moment = sweep.environment.clock.moment
      let ledger = sweep.reconciler.ledger
      try ledger.accessTable.publish(sweep.settings.access, at: moment)
      try ledger.rotateJournal(at: moment)
      try ledger.noteSweep(
        at: sweep.environment.clock.now, configured: sweep.configured, networks: sweep.networks)
      try ledger.maintenance.checkpoint()
    }
  }

  /// Removes what is left of the journal that was rotated last, and does what is due once a day.
  private func begin() throws {
    // What a copy in memory takes in is not kept.
    if bookkeepingFailure == nil {
      try reconciler.ledger.removeOldJournal(at: environment.clock.moment)
    }
    try reconciler.ledger.doDailyWork(at: environment.clock.now)
  }

  /// Takes the listings of servers that answered.
  private func observe(_ answered: [Server]) -> [Observation] {
    answered.flatMap { server in
      server.outcome = .swept
      return Observation.all(
        of: server, boot: environment.clock.boot, settings)
    }
  }

  /// Brings the ledger up to date, and finds out which sessions may be judged. In a dry run it is as
  /// it was afterwards, so that who would be disconnected has to be found out before.
  private mutating func reconcile(_ observations: inout [Observation]) throws {
    if isDryRun {
      try reconciler.ledger.dryRun {
        try takeIn(&observations)
        for observation in observations {
          for target in try targets(in: observation) { note(target, on: observation.server) }
        }
      }
    } else {
      try keepingBooks { try $0.takeIn(&observations) }
    }
  }

  private mutating func takeIn(_ observations: inout [Observation]) throws {
    try reconciler.reconcile(&observations, at: environment.clock.moment, into: &summary)
    for (server, all) in Dictionary(grouping: observations, by: { ObjectIdentifier($0.server) }) {
      self.observations[server] = all
    }
  }

  /// Disconnects violators, on all these servers side by side, and closes the connections.
  private mutating func enforce(_ observations: [Observation]) throws {
    if isDryRun { return }
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
    let kills = enforcer.done.map { (session: $0.session, owner: $0.owner, reason: $0.reason) }
    tellingFailure {
      try $0.reconciler.ledger.sessions.recordKills(kills, at: $0.environment.clock.now)
    }
    for target in enforcer.done { note(target, on: enforcer.server) }
    enforcer.server.unenforced += enforcer.problems
    enforcer.server.connection = nil
  }

  private mutating func note(_ target: Target, on server: Server) {
    killed[ObjectIdentifier(server), default: []].insert(target.key)
    summary.kills.append(
      Summary.Kill(
        server: server.endpoint.name, user: target.owner, address: target.address,
        reason: target.reason))
  }

  /// The sessions of a server that have to go, but for those that were told so moments ago.
  private func targets(in observation: Observation) throws -> [Target] {
    let now = environment.clock.now
    let report = observation.report
    let ledger = reconciler.ledger
    let violations = try ledger.sessions.violations(among: observation.live, of: report, at: now)
    func target(
      _ session: ListedSession, _ owner: UserName, _ reason: Reason, _ message: [UInt8]? = nil
    ) throws -> Target {
      Target(
        session, in: observation, owner: owner, reason: reason,
        address: try ledger.sessions.address(of: session, in: report), message: message)
    }
    var targets = try violations.map { try target($0.session, $0.owner, $0.reason) }
    if let kick {
      let known = Set(targets.map(\.key))
      targets += try ledger.sessions.live(of: kick.user, among: observation.live, of: report)
        .map { try target($0, kick.user, .kicked, kick.message) }
        .filter { !known.contains($0.key) }
    }
    let killed = killed[ObjectIdentifier(observation.server)] ?? []
    return targets.filter { target in
      !killed.contains(target.key)
        && target.killedAt.map { !(0..<Sweep.grace).contains(now - $0) } ?? true
    }
  }

  /// Servers that were done before one of their users turned out to be over quota.
  private func serversWithViolatorsLeft() throws -> [Server] {
    guard observations.count > 1, !isDryRun else { return [] }
    return try servers.filter { server in
      try observations[ObjectIdentifier(server), default: []].contains { observation in
        try !targets(in: observation).isEmpty
      }
    }
  }

  /// Sums up how it went with each server, and lets go of the listings, which may be large.
  private mutating func sumUpServers() {
    summary.servers = servers.map { server in
      let seen = observations[ObjectIdentifier(server), default: []]
      var result = Summary.ServerResult(
        server, sessions: seen.reduce(0) { $0 + $1.result.sessionCount },
        failure: server.failure ?? server.listingFailure)
      result.countersStandStill = seen.contains { $0.listing.countersStandStill }
      return result
    }
    if settings.fence {
      for observation in observations.values.joined() where observation.report.isComplete {
        networks[observation.report.server] = observation.networks
      }
    }
    observations = [:]
    summary.sessions = summary.servers.reduce(0) { $0 + $1.sessions }
    summary.servers += problems.filter(\.isFailure).map(Summary.ServerResult.init)
    summary.problems += problems.filter { !$0.isFailure }.map(\.description)
    summary.problems += summary.servers.filter(\.countersStandStill).map { server in
      "server \(server.name): \(Summary.ServerResult.stillCounters)"
    }
    for server in servers {
      let nameless = server.endpoint.config?.namelessClients(by: settings.identifyBy)
      if let nameless, nameless.areAll {
        summary.problems.append("server \(server.endpoint.name): \(nameless.text)")
      }
    }
  }

  /// Sums up how it went as a whole.
  private mutating func sumUp() {
    var namesakes: String?
    tellingFailure { namesakes = try $0.reconciler.ledger.namesakesInWords() }
    if let namesakes { summary.problems.append(namesakes) }
    summary.bookkeepingFailure = bookkeepingFailure
    summary.milliseconds = Int64((environment.clock.monotonic - begun) / .milliseconds(1))
  }
}
