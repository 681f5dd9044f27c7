import Glibc
import OpenVPN
import System

/// Asks servers for their live sessions, all side by side from one poll loop.
///
/// A server that is slow or dead delays nobody: those that answered are handed out while it is
/// still waited for, and its next try, after a pause that doubles and is never quite the same,
/// comes while nobody else is connected.
struct StatusPoller {
  private let servers: [Server]
  private let environment: SweepEnvironment
  private let timeout: Duration
  private let attempts: Int
  /// When the last try must have been begun.
  private let lastStart: Duration
  /// Whether to hand out everybody at once, at the end.
  private let togetherAtLast: Bool
  private var buffer = [UInt8](repeating: 0, count: 1 << 14)

  /// How long those that answered wait for the others before they are dealt with.
  private static let patience = Duration.milliseconds(250)
  /// The pause before the second try; it doubles from try to try.
  private static let firstPause = Duration.milliseconds(500)

  init(
    _ servers: [Server], _ environment: SweepEnvironment, timeout: Duration, attempts: Int,
    lastStart: Duration, togetherAtLast: Bool
  ) {
    self.servers = servers
    self.environment = environment
    self.timeout = timeout
    self.attempts = attempts
    self.lastStart = lastStart
    self.togetherAtLast = togetherAtLast
  }

  /// Waits for listings.
  ///
  /// - Returns: the servers whose listings are here, their connections still open; none when no
  ///   more will come.
  mutating func next() -> [Server] {
    while true {
      start(environment.clock.monotonic)
      settleFailures()
      let answered = servers.filter { $0.isPending && $0.connection?.listing != nil }
      let waiting = servers.filter { $0.isPending && $0.connection?.listing == nil }
      let isAnybodyComing = waiting.contains { $0.connection != nil || $0.nextAttempt != nil }
      if !isAnybodyComing { return answered }
      if !togetherAtLast, let first = answered.compactMap({ $0.connection?.listing?.at }).min(),
        waiting.allSatisfy({ $0.connection == nil })
          || environment.clock.monotonic >= first + StatusPoller.patience
      {
        return answered
      }
      wait(answered, waiting)
    }
  }

  private mutating func wait(_ answered: [Server], _ waiting: [Server]) {
    let now = environment.clock.monotonic
    var until = waiting.compactMap(\.nextAttempt).min() ?? now + .seconds(60)
    if !togetherAtLast, !answered.isEmpty { until = min(until, now + StatusPoller.patience) }
    environment.advance(waiting.compactMap(\.connection), until: until, buffer: &buffer)
  }

  private func settleFailures() {
    for server in servers where server.isPending {
      guard let failure = server.connection?.failure else { continue }
      server.connection = nil
      settle(server, failure)
    }
  }

  /// Begins the tries that are due. A host whose name has to be looked up, which nothing can hurry,
  /// comes when nobody else is under way.
  private func start(_ now: Duration) {
    for server in servers {
      guard let time = server.nextAttempt, time <= now else { continue }
      if !server.endpoint.isResolvedAtOnce, servers.contains(where: { $0.connection != nil }) {
        continue
      }
      server.nextAttempt = nil
      server.attempts += 1
      server.connection = ManagementConnection(
        server.endpoint, timeout: timeout, environment)
    }
  }

  private func settle(_ server: Server, _ failure: ServerFailure) {
    let pause = StatusPoller.firstPause * (1 << (server.attempts - 1))
    let jitter = Double.random(in: 0.75...1.25)
    let time = environment.clock.monotonic + pause * jitter
    if failure.isWorthAnotherTry, !(failure.isDown && server.isDiscovered),
      server.attempts < attempts, time < lastStart
    {
      server.nextAttempt = time
    } else {
      server.outcome = .failed(failure)
    }
  }
}

extension Server {
  /// Whether nothing has come of this server yet.
  var isPending: Bool { if case .pending = outcome { true } else { false } }
}

extension ManagementEndpoint {
  fileprivate var isResolvedAtOnce: Bool {
    switch address {
    case .unix: true
    case .tcp(let host, _): SocketAddress.isResolvedAtOnce(host)
    }
  }
}
