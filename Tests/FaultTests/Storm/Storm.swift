import Foundation
import Synchronization
import TestSupport

/// Servers whose clients come and go all at once, on a host where everything else runs too.
final class Storm {
  let servers: [SimulatedServer]
  private let installation: Installation
  private var folder: String { installation.folder }
  private var traces: String { folder + "/traces" }

  /// What each server's clients do.
  static let (arrivals, departures) = isThorough ? (120, 500) : (12, 50)

  /// How many users are imported in one transaction.
  static let imports = 500

  init(servers count: Int) throws {
    let installation = try Installation(
      ["MANAGEMENT_TIMEOUT": "30", "RETRY_ATTEMPTS": "3", "MONITOR_INTERVAL": "45"])
    self.installation = installation
    for name in ["traces", "copies"] {
      try FileManager.default.createDirectory(
        atPath: "\(installation.folder)/\(name)", withIntermediateDirectories: false)
    }
    let traced = WaitingCalls.tracing(into: installation.folder + "/traces")
    servers = try (0..<count).map { number in
      let hook = { installation.hook($0, through: traced, server: "s\(number)") }
      var setup = SimulatedServer.Setup(
        clientConnect: hook("quota-connect"), clientDisconnect: hook("quota-disconnect"))
      // The users are the same on all servers, and each may be on one several times.
      setup.duplicateCommonNames = true
      let server = try SimulatedServer(setup)
      installation.add(server)
      return server
    }
  }

  /// Sessions that have been swept, years of history, and users to import.
  func prepare() throws {
    try run("quota-sweep")
    try probe.addOldEvents(20_000, of: (0..<50).map { "user\($0)" })
    for server in servers {
      try server.populate(
        Storm.departures - Storm.arrivals, prefix: "user", received: 1000, sent: 2000)
    }
    try run("quota-sweep")
    let users = (1...Storm.imports).map { "import\($0),1000000000\n" }
    try installation.write("name,quota_bytes\n" + users.joined(), to: "users.csv")
  }

  /// One server's part: its hooks run one after another.
  func play(_ server: SimulatedServer) throws {
    var (came, left) = (0, 0)
    while came < Storm.arrivals || left < Storm.departures {
      if came * Storm.departures <= left * Storm.arrivals, came < Storm.arrivals {
        came += 1
        try server.enter("user\(came)").download(10_000)
        continue
      }
      left += 1
      let client = try server.sessions.min { $0.clientID < $1.clientID }?.clientID ?? -1
      try server.ask("traffic \(client) \(left) \(left * 1000)")
      try server.ask("leave \(client)")
    }
  }

  /// Runs all servers' parts side by side, and everything else again and again meanwhile.
  ///
  /// - Returns: how often each of the others ran, and what went wrong.
  func rage() -> (runs: [String: Int], errors: [String]) {
    let isOver = Atomic(false)
    let runs = Mutex<[String: Int]>([:])
    let (work, others) = (ParallelWork(), ParallelWork())
    for server in servers { work.begin { try self.play(server) } }
    let copy = folder + "/copies/copy.db"
    for (program, arguments) in [
      ("quota-sweep", []), ("quota-rotate", ["--force"]), ("quota-admin", ["backup", copy]),
      ("quota-admin", ["import", folder + "/users.csv"]),
    ] {
      others.begin {
        while !isOver.load(ordering: .relaxed) {
          try self.run(program, arguments)
          runs.withLock {
            $0[([program] + arguments.prefix(1)).joined(separator: " "), default: 0] += 1
          }
        }
      }
    }
    let errors = work.wait()
    isOver.store(true, ordering: .relaxed)
    let otherErrors = others.wait()
    return (runs.withLock(\.self), errors + otherErrors)
  }

  /// How many hooks ran, and the calls by which they waited.
  var waits: (hooks: Int, calls: [String]) { get throws { try WaitingCalls.all(in: traces) } }

  /// What the ledger has to agree with.
  var stage: Stage { Stage(installation) }

  func sweep() throws { try run("quota-sweep") }

  /// A look into the ledger.
  var probe: LedgerProbe { stage.probe }

  private func run(_ program: String, _ arguments: [String] = []) throws {
    let outcome = try installation.run(program, arguments, timeout: 120)
    guard outcome.status == 0 else {
      throw Failure(description: "\(program) \(arguments): \(outcome.status), \(outcome.errors)")
    }
  }
}
