import TestSupport

/// One OpenVPN server.
final class Server {
  let name: String
  let kind: HostTerms.ServerKind
  var pid: Int64
  /// When the process started, by the wall clock.
  var startedAt: Int64
  var isUp = true
  /// Whether it stands still for a hook, and answers nobody.
  var isBusy = false
  var live: [Session] = []
  /// Rows that are no sessions: handshakes, and those turned away.
  var halfOpen: [(name: String?, received: Int64)] = []
  /// Until when its sessions restart, in seconds of the world: it lists nothing meanwhile.
  var restartsUntil: Int64 = 0
  private var clientIDs = 0

  init(name: String, kind: HostTerms.ServerKind, pid: Int64, startedAt: Int64) {
    self.name = name
    self.kind = kind
    self.pid = pid
    self.startedAt = startedAt
  }

  /// Whether the disconnect hook runs right after a refusal.
  var tellsOfRefusals: Bool { kind.release != .v25 }

  /// Whether it answers its clients and all who ask.
  var isFree: Bool { isUp && !isBusy }

  func nextClientID() -> Int {
    defer { clientIDs += 1 }
    return clientIDs
  }

  /// Client ids start over at 0.
  func forgetClients() {
    clientIDs = 0
    halfOpen = []
  }

  /// The lowest address of the pool that nobody has; empty for none.
  func freeAddress() -> String {
    if kind.pool == .none { return "" }
    let taken = Set(live.map(\.tunnel.listed))
    var host = 2
    while taken.contains("10.8.0.\(host)") { host += 1 }
    return "10.8.0.\(host)"
  }
}
