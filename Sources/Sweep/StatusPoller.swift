import Glibc
import OpenVPN
import System

/// Asks servers for their live sessions, all side by side from one poll loop.
///
/// A server that is slow or dead delays no other: those that answered are handed out while it is
/// still waited for, and its next try, after a pause that doubles and varies at random, comes while no
/// other server is connected.
struct StatusPoller {
  private let servers: [Server]
  private let environment: SweepEnvironment
  private let timeout: Duration
  private let attempts: Int
  /// When the last try must have been begun.
  private let lastStart: Duration
  /// Whether to hand out all servers at once, at the end.
  private let togetherAtLast: Bool
  private var buffer = [UInt8](repeating: 0, count: 1 << 16)

  /// How long those that answered wait for the others before they are dealt with.
  private static let grace = Duration.milliseconds(250)
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
      let isAnyComing = waiting.contains { $0.connection != nil || $0.nextAttempt != nil }
      if !isAnyComing { return answered }
      if !togetherAtLast, let first = answered.compactMap({ $0.connection?.listing?.at }).min(),
        waiting.allSatisfy({ $0.connection == nil })
          || environment.clock.monotonic >= first + StatusPoller.grace
      {
        return answered
      }
      wait(answered, waiting)
    }
  }

  private mutating func wait(_ answered: [Server], _ waiting: [Server]) {
    let now = environment.clock.monotonic
    var until = waiting.compactMap(\.nextAttempt).min() ?? now + .seconds(60)
    if !togetherAtLast, !answered.isEmpty { until = min(until, now + StatusPoller.grace) }
    environment.advance(waiting.compactMap(\.connection), until: until, buffer: &buffer)
  }

  private func settleFailures() {
    for server in servers where server.isPending {
      guard let failure = server.connection?.failure else { continue }
      server.connection = nil
      settle(server, failure)
    }
  }

  /// Begins the tries that are due. A host whose name has to be looked up, which may take long, comes
  /// when no other server is under way.
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

extension ManagementEndpoint {
  fileprivate var isResolvedAtOnce: Bool {
    switch address {
    case .unix: true
    case .tcp(let host, _): SocketAddress.isResolvedAtOnce(host)
    }
  }
}

/// One configured server in the course of a sweep.
final class Server {
  let endpoint: ManagementEndpoint
  /// Tries so far.
  var attempts = 0
  /// When the next try may begin; nil while one is under way, or none is needed any more.
  var nextAttempt: Duration?
  /// The connection, while there is one.
  var connection: ManagementConnection?
  var outcome = Outcome.pending
  /// What is wrong with its last listing, which came to an answer all the same.
  var listingFailure: ServerFailure?
  /// The sessions that should have been disconnected and were not, each with the reason.
  var unenforced: [String] = []

  /// How far the sweep has come with a server.
  enum Outcome {
    case pending
    case swept
    case failed(ServerFailure)
  }

  init(_ endpoint: ManagementEndpoint, startingAt time: Duration) {
    self.endpoint = endpoint
    nextAttempt = time
  }

  /// Asks the server once more from the start.
  func startOver(at time: Duration) {
    attempts = 0
    nextAttempt = time
    connection = nil
    outcome = .pending
    listingFailure = nil
  }

  /// Whether the server was found by its config, so that its being down is no failure: it may be
  /// one that is started by hand.
  var isDiscovered: Bool { endpoint.config != nil }

  /// Whether nothing has come of it yet.
  var isPending: Bool { if case .pending = outcome { true } else { false } }

  /// Why it failed, if it did.
  var failure: ServerFailure? {
    if case .failed(let failure) = outcome { failure } else { nil }
  }
}
