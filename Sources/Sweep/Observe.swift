import Glibc
import OpenVPN
import System

/// Asks servers for their live sessions, all side by side from one poll loop.
///
/// A server that is slow or dead delays nobody: those that answered are handed out while it is
/// still waited for, and its next try, after a pause that doubles and is never quite the same,
/// comes while nobody else is connected.
struct Observer {
  private let servers: [Server]
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
    _ servers: [Server], timeout: Duration, attempts: Int, lastStart: Duration, togetherAtLast: Bool
  ) {
    self.servers = servers
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
      start(Clock.monotonic)
      settleFailures()
      let answered = servers.filter { $0.isPending && $0.conversation?.listing != nil }
      let waiting = servers.filter { $0.isPending && $0.conversation?.listing == nil }
      let isAnybodyComing = waiting.contains { $0.conversation != nil || $0.nextAttempt != nil }
      if !isAnybodyComing { return answered }
      if !togetherAtLast, let first = answered.compactMap({ $0.conversation?.listing?.at }).min(),
        waiting.allSatisfy({ $0.conversation == nil })
          || Clock.monotonic >= first + Observer.patience
      {
        return answered
      }
      turn(answered, waiting)
    }
  }

  private mutating func turn(_ answered: [Server], _ waiting: [Server]) {
    let now = Clock.monotonic
    var until = waiting.compactMap(\.nextAttempt).min() ?? now + .seconds(60)
    if !togetherAtLast, !answered.isEmpty { until = min(until, now + Observer.patience) }
    waiting.compactMap(\.conversation).turn(until: until, buffer: &buffer)
  }

  private func settleFailures() {
    for server in servers where server.isPending {
      guard let failure = server.conversation?.failure else { continue }
      server.conversation = nil
      settle(server, failure)
    }
  }

  /// Begins the tries that are due. A host whose name has to be looked up, which nothing can hurry,
  /// comes when nobody else is under way.
  private func start(_ now: Duration) {
    for server in servers {
      guard let time = server.nextAttempt, time <= now else { continue }
      if !server.endpoint.isResolvedAtOnce, servers.contains(where: { $0.conversation != nil }) {
        continue
      }
      server.nextAttempt = nil
      server.attempts += 1
      server.conversation = Conversation(server.endpoint, timeout: timeout, now: Clock.monotonic)
    }
  }

  private func settle(_ server: Server, _ failure: ServerFailure) {
    let pause = Observer.firstPause * (1 << (server.attempts - 1))
    let jitter = Double.random(in: 0.75...1.25)
    let time = Clock.monotonic + pause * jitter
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
