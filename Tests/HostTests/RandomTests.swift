import Foundation
import TestSupport
import Testing

/// Random everything: whatever clients, servers and administrators do, and in whatever order, the ledger
/// is OpenVPN's own final counters in the end. Only a session that OpenVPN ended without its hook has none.
@Suite(.serialized, .enabled(if: RealHost.isAvailable))
struct RandomTests {
  /// `SOAK=300` makes it five minutes, `SEED=` makes the same choices again; what comes of them on
  /// real servers may differ.
  @Test func `half a minute of everything is billed to the byte`() throws {
    let environment = ProcessInfo.processInfo.environment
    let seconds = environment["SOAK"].flatMap(Double.init) ?? 30
    let seed = environment["SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 1...999_999)
    let day = try RandomDay(seed: seed)
    do {
      try day.live(for: seconds)
    } catch {
      Issue.record("\(day.story): \(error)")
    }
    try day.end()
    let finished = try day.servers.flatMap { try $0.finished }
    let unfinished = try day.servers.flatMap { try $0.endedWithoutHook }
    print(
      "SEED=\(seed): \(day.told.count) actions, \(finished.count) sessions, \(unfinished) without an end"
    )
    // What OpenVPN gives no final counters for is in the ledger as the last sweep saw it.
    let others = try day.quota.probe.loggedSessions.map {
      FinalCounters(name: $0.user, received: $0.usage.received, sent: $0.usage.sent)
    }.removing(finished)
    #expect(others.map(\.name).sorted() == unfinished.sorted(), "\(others)\n\(day.story)")
    for _ in 1...2 {
      try day.quota.probe.expectTruth(of: finished + others, isOver: true)
      try day.quota.sweep(expecting: [69])
    }
  }
}

extension [FinalCounters] {
  /// What is left when each of some others has taken one away.
  fileprivate func removing(_ others: [FinalCounters]) -> [FinalCounters] {
    others.reduce(into: self) { rest, other in
      if let index = rest.firstIndex(of: other) { rest.remove(at: index) }
    }
  }
}

/// What goes on at two servers, by a seed: `office` goes by certificates, over UDP and from 2.7 on over
/// TCP on the same port; `home` goes by logins, over TCP.
private final class RandomDay {
  private enum Action: CaseIterable {
    case begin, move, restartClient, leave, vanish, float, killByName, killRow, pushUpdate
    case imposture, restartServer, sweep, disable, enable
  }

  let quota: QuotaHost
  let servers: [RealServer]
  /// What was done so far.
  private(set) var told: [String] = []
  private let seed: UInt64
  private var random: SeededRandom
  private let clients: [RealClient]
  private let is27: Bool

  var story: String { "SEED=\(seed)\n" + told.joined(separator: "\n") }

  init(seed: UInt64) throws {
    self.seed = seed
    random = SeededRandom(seed: seed)
    quota = try QuotaHost(["RETRY_ATTEMPTS": "1"])
    is27 = try quota.host.openvpn.is27
    for name in ["alice", "bob", "carol"] { try quota.admin("add", name) }
    var options = RealServer.Options()
    options.timeout = 4
    options.lines = ["verb 4"]
    options.duplicateCommonName = true
    options.hasBothTransports = is27
    let office = try quota.server("office", options)
    options.transport = .tcp
    options.hasBothTransports = false
    options.passwords = ["alice": "right", "bob": "right"]
    let home = try quota.server("home", options)
    servers = [office, home]

    var bringing = RealClient.Options()
    let laptop = try office.client("alice", bringing)
    let phone = try office.client("alice", bringing, beside: laptop)
    bringing.port = 40_000
    let carol = try office.client("carol", bringing)
    // Not from the same port: with a session over each transport there OpenVPN 2.7.8 can stand still for
    // half a minute, and end without the disconnect hook of one.
    bringing.transport = is27 ? .tcp : .udp
    bringing.port = 40_001
    let neighbour = try office.client("carol", bringing, beside: carol)
    bringing = RealClient.Options()
    bringing.credentials = ("alice", "right")
    bringing.renegotiateAfter = 60_000
    let tablet = try home.client("certificate", bringing)
    bringing.credentials = ("bob", "right")
    let desktop = try home.client("bob", bringing)
    clients = [laptop, phone, carol, neighbour, tablet, desktop]
  }

  func live(for seconds: Double) throws {
    let end = Date().addingTimeInterval(seconds)
    while Date() < end {
      let common: [Action] = [.begin, .begin, .begin, .begin, .move, .move, .move, .move, .sweep]
      let action = Bool.random(using: &random) ? pick(common) : pick(Action.allCases)
      let client = pick(clients)
      told.append("\(action) \(client.name) at \(client.server.name)")
      try perform(action, client)
    }
  }

  /// Stops all servers, and sweeps once more on those that start in their place, as nothing else closes a
  /// session without an end.
  func end() throws {
    for client in clients { try client.vanish() }
    for server in servers {
      try server.stop()
      try server.start()
    }
    try quota.sweep()
    for server in servers { try server.stop() }
    try quota.sweep(expecting: [69])
  }

  private func pick<Element>(_ elements: [Element]) -> Element {
    elements[Int.random(in: elements.indices, using: &random)]
  }

  private func perform(_ action: Action, _ client: RealClient) throws {
    let server = client.server
    switch action {
    case .begin: try begin(client)
    case .move:
      guard client.isConnected else { return }
      let bytes = Int.random(in: 1...80_000, using: &random)
      // What goes on meanwhile may cut it short.
      if Bool.random(using: &random) {
        try? client.upload(bytes, patience: 0.3)
      } else {
        try? client.download(bytes, patience: 0.3)
      }
    case .restartClient: client.signal(SIGUSR1)
    case .leave: try client.sayGoodbye()
    case .vanish: try client.vanish()
    case .float: if server.name == "office" { try client.changeAddress() }
    case .killByName: try server.ask("kill \(client.name)")
    case .killRow:
      guard let row = try server.listing().randomElement(using: &random) else { return }
      try server.ask("client-kill \(row.clientID) \(pick(["RESTART", "HALT,Enough"]))")
    case .pushUpdate:
      guard is27, let row = try server.listing().randomElement(using: &random) else { return }
      let address = "\(server.address)\(Int.random(in: 0...9, using: &random))"
      try server.ask("push-update-cid \(row.clientID) \"ifconfig \(address) 255.255.255.0\"")
    case .imposture:
      guard client.options.credentials != nil, client.isConnected else { return }
      try client.use(user: "bob", password: "wrong")
      try? client.upload(60_000, patience: 0.3)
    case .restartServer:
      switch pick(["SIGUSR1", "SIGHUP", "SIGTERM"]) {
      case "SIGUSR1": try server.softRestart()
      case "SIGHUP": try server.hangUp()
      default:
        try server.stop()
        try server.start()
      }
    case .sweep: try quota.sweep()
    case .disable: try quota.admin("disable", pick(["alice", "bob", "carol"]))
    case .enable: for name in ["alice", "bob", "carol"] { try quota.admin("enable", name) }
    }
  }

  private func begin(_ client: RealClient) throws {
    if let credentials = client.options.credentials {
      try client.use(user: credentials.user, password: credentials.password)
    }
    if !client.isRunning { try client.begin() }
  }
}
