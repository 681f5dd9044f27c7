import Support
import Ledger
import System
import Quota

/// Who is on now: as the servers say it, or where one cannot be asked, as the last sweep left it.
package struct LiveView {
  /// The sessions, in the order of owners, the oldest of each first.
  package private(set) var sessions: [LiveRow] = []
  /// The servers, and how each was asked.
  package private(set) var servers: [ServerState] = []
  /// When it was taken, in seconds since 1970 in UTC.
  package let at: Int64

  /// How a server was asked.
  package struct ServerState {
    package let name: String
    package let source: Source
    /// Why it could not be asked; nil where it could.
    package let trouble: String?
  }

  /// Where what is shown of a server comes from.
  package enum Source: String {
    /// The server itself.
    case live
    /// Nowhere: it is not running.
    case down
    /// The ledger, as of the last sweep.
    case ledger
  }

  /// Asks every server once, side by side, each over a connection that is closed before anything is
  /// shown. The sweep lock is held for that long only: a server has one management place, and
  /// whoever waits for it may be a sweep.
  ///
  /// - Parameter patience: how long to wait for a sweep that is under way.
  package static func take(
    _ settings: Settings, _ ledger: Ledger, patience: Duration = .seconds(1),
    environment: SweepEnvironment = .system
  ) throws -> LiveView {
    var view = LiveView(at: environment.clock.now)
    let found = try ConfiguredServers(settings, only: [])
    let now = environment.clock.monotonic
    let servers = found.endpoints.map { Server($0, startingAt: now) }
    let spool = Spool(besideDatabase: settings.database)
    let note = spool.sweepNote
    var observations: [Observation] = []
    do {
      let lock = try StateLock.takeSweep(beside: settings.database, within: patience)
      observations = try view.ask(servers, settings, ledger, note, environment)
      _ = consume lock
    } catch let taken as SweepUnderWay {
      view.servers = servers.map {
        ServerState(name: $0.endpoint.name, source: .ledger, trouble: taken.message)
      }
    }
    view.servers += found.problems.map {
      ServerState(name: $0.name, source: .ledger, trouble: $0.description)
    }
    try view.fill(observations, from: ledger, spool, note)
    return view
  }

  private init(at time: Int64) { at = time }

  mutating func replaceSessions(_ change: (LiveRow) -> LiveRow) { sessions = sessions.map(change) }

  private mutating func ask(
    _ servers: [Server], _ settings: Settings, _ ledger: Ledger, _ note: SweepNote?,
    _ environment: SweepEnvironment
  ) throws -> [Observation] {
    let timeout = Duration.seconds(settings.managementTimeout)
    var poller = StatusPoller(
      servers, environment, timeout: timeout, attempts: 1,
      lastStart: environment.clock.monotonic + timeout,
      togetherAtLast: true)
    let boot = environment.clock.boot
    let observations = try poller.next().flatMap { server in
      try Observation.all(
        of: server, boot: boot, previous: note?.listed[server.endpoint.name],
        identifyBy: settings.identifyBy, known: { try ledger.openSessions().map(\.session) })
    }
    for server in servers {
      server.connection = nil
      let observed = observations.first { $0.server === server }
      let failure = observed == nil ? server.failure : server.listingFailure
      let isDown = failure?.isDown == true
      self.servers.append(
        ServerState(
          name: server.endpoint.name, source: observed != nil ? .live : isDown ? .down : .ledger,
          trouble: failure?.message))
    }
    return observations
  }

  private mutating func fill(
    _ observations: [Observation], from ledger: Ledger, _ spool: Spool, _ note: SweepNote?
  ) throws {
    let admissions = try spool.readAll().admissions.map(\.admission)
    for observation in observations {
      let report = observation.report
      let owners = try ledger.ownerships(of: report, admissions: admissions)
      for (sighting, owner) in zip(report.sightings, owners) {
        sessions.append(LiveRow(sighting, owner, of: report))
      }
    }
    let settled = Set(servers.filter { $0.source != .ledger }.map(\.name))
    let known = try ledger.openSessions()
    sessions += known.filter { !settled.contains($0.session.server ?? "") }.map {
      LiveRow($0.session, of: $0.owner, note)
    }
    sessions.sort { $0.isBefore($1) }
  }
}
