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
  /// shown. The sweep lock is held for that long only: a server serves one management client at a
  /// time, and a sweep may be waiting.
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
    var observations: [Observation] = []
    do {
      let lock = try StateLock.takeSweep(beside: settings.database, within: patience)
      observations = view.ask(servers, settings, ledger, environment)
      _ = consume lock
    } catch let taken as SweepUnderWay {
      view.servers = servers.map {
        ServerState(name: $0.endpoint.name, source: .ledger, trouble: taken.message)
      }
    }
    view.servers += found.problems.map {
      ServerState(name: $0.name, source: .ledger, trouble: $0.description)
    }
    try view.fill(observations, from: ledger, environment)
    return view
  }

  private init(at time: Int64) { at = time }

  mutating func replaceSessions(_ change: (LiveRow) -> LiveRow) { sessions = sessions.map(change) }

  private mutating func ask(
    _ servers: [Server], _ settings: Settings, _ ledger: Ledger, _ environment: SweepEnvironment
  ) -> [Observation] {
    var environment = environment
    environment.journalPosition = { ledger.journalEnd() }
    let timeout = Duration.seconds(settings.managementTimeout)
    var poller = StatusPoller(
      servers, environment, timeout: timeout, attempts: 1,
      lastStart: environment.clock.monotonic + timeout,
      togetherAtLast: true)
    let boot = environment.clock.boot
    let observations = poller.next().flatMap { server in
      Observation.all(of: server, boot: boot, settings)
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
    _ observations: [Observation], from ledger: Ledger, _ environment: SweepEnvironment
  ) throws {
    let reports = observations.map(\.report)
    let listed = try ledger.lastListings()
    let owners = try ledger.sessions.ownerships(
      of: reports, journal: ledger.stateDirectory(), at: environment.clock.moment)
    for (report, owners) in zip(reports, owners) {
      for (row, known) in zip(report.clients.indices, owners) {
        guard let known else { continue }
        sessions.append(LiveRow(row, known, of: report, previous: listed[report.server]))
      }
    }
    let settled = Set(servers.filter { $0.source != .ledger }.map(\.name))
    let lastSweep = try ledger.lastSweep()
    sessions += try ledger.sessions.open().filter { !settled.contains($0.session.server ?? "") }.map
    {
      LiveRow($0.session, of: $0.owner, at: $0.session.server.flatMap { listed[$0] } ?? lastSweep)
    }
    sessions.sort { $0.isBefore($1) }
  }
}
