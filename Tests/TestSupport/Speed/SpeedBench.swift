import Foundation

/// The project's programs on a host of simulated servers, set up to be measured.
package final class SpeedBench {
  /// When the sessions begin whose start a test has to name, in seconds since 1970.
  package static let since: Int64 = 1_795_466_205

  private let installation: Installation
  /// The path of the programs' `quota.conf`.
  package var config: String { installation.config }
  /// The path of the database.
  package var database: String { installation.database }

  package init() throws {
    // A program that is measured may run a hundred times slower than usual.
    installation = try Installation(
      ["MANAGEMENT_TIMEOUT": "30", "MONITOR_INTERVAL": "60", "RETRY_ATTEMPTS": "3"])
    try sweep()
  }

  /// Adds a server that runs the hooks, measured where a gauge is given.
  package func server(measuring gauge: Gauge? = nil) throws -> SimulatedServer {
    let prefix = gauge?.prefix ?? []
    var setup = SimulatedServer.Setup(
      clientConnect: installation.hook("quota-connect", through: prefix),
      clientDisconnect: installation.hook("quota-disconnect", through: prefix))
    setup.duplicateCommonNames = true
    let server = try SimulatedServer(setup)
    installation.add(server)
    return server
  }

  /// Lets a thousand users in, `user1` to `user1000`, each of whom moved 3000 bytes, and sweeps.
  package func fill(_ server: SimulatedServer) throws {
    try server.populate(1000, prefix: "user", received: 1000, sent: 2000)
    try sweep()
  }

  /// Runs a sweep, which has to succeed.
  package func sweep() throws { try installation.sweep().requireSuccess() }

  /// Runs `quota-admin`, which has to succeed.
  package func admin(_ arguments: String...) throws { try admin(arguments: arguments) }

  /// Runs `quota-admin`, which has to succeed.
  package func admin(arguments: [String]) throws {
    try installation.run("quota-admin", arguments).requireSuccess()
  }

  /// Counts the instructions of a connect hook that lets somebody in.
  package func connect(in environment: HugeEnvironment) throws -> Int {
    let gauge = try Gauge.instructions()
    let command =
      environment.prefix + gauge.prefix + [Program.path("quota-connect"), "--config", config]
    let outcome = try Program.run(command[0], Array(command.dropFirst()), environment: [:])
    try outcome.requireSuccess()
    guard let figure = try gauge.take().last else {
      throw Gauge.Missing(description: "quota-connect")
    }
    return figure
  }

  /// Measures a sweep, which has to succeed.
  package func sweep(measuring gauge: Gauge) throws -> Int {
    try gauge.figure(of: [Program.path("quota-sweep"), "--config", config])
  }

  /// How often a sweep writes to the database or its log, and how many bytes.
  package func writesOfSweep() throws -> (calls: Int, bytes: Int) {
    let lines = try traceOfSweep("-e", "trace=write,pwrite64,writev,pwritev")
    guard lines.contains(where: { $0.contains("last-sweep") }) else {
      throw Gauge.Missing(description: "nothing was traced")
    }
    let writes = lines.filter { $0.contains("<\(database)>") || $0.contains("<\(database)-wal>") }
    let bytes = writes.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
    return (writes.count, bytes.reduce(0, +))
  }

  /// The longest time, in milliseconds, for which a sweep held the lock that whoever writes needs:
  /// byte 120 of the file that SQLite shares between processes.
  package func longestLockOfSweep() throws -> Double {
    let lines = try traceOfSweep("--seccomp-bpf", "-ttt", "-e", "trace=fcntl")
    var since: Double?
    var longest = 0.0
    for line in lines where line.contains("\(database)-shm") && line.contains("l_start=120,") {
      guard let at = line.split(separator: " ").dropFirst().first.flatMap({ Double($0) }) else {
        continue
      }
      if line.contains("F_WRLCK"), line.hasSuffix("= 0") { since = at }
      if line.contains("F_UNLCK"), let from = since {
        longest = max(longest, (at - from) * 1000)
        since = nil
      }
    }
    return longest
  }

  /// What strace says of a sweep, which has to succeed.
  private func traceOfSweep(_ options: String...) throws -> [Substring] {
    let trace = try installation.write("", to: "trace")
    let outcome = try Program.run(
      "/usr/bin/strace",
      ["-f", "-y", "-o", trace] + options + [Program.path("quota-sweep"), "--config", config],
      environment: [:], timeout: 300)
    try outcome.requireSuccess()
    return try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
  }

  /// What the SQLite shell does with statements on a copy of the database as it is now.
  ///
  /// Like the programs, the shell leaves the write-ahead log as it is when it closes.
  package func shell(_ statements: String) throws -> (instructions: Int, output: String) {
    let copy = try copy()
    let (figure, outcome) = try Gauge.instructions().run(
      "/usr/bin/sqlite3",
      Self.shellArguments + ["\(copy.path)/quota.db", statements])
    try outcome.requireSuccess()
    return (figure, outcome.output)
  }

  /// What the SQLite shell has to be told first.
  package static let shellArguments = ["-cmd", ".dbconfig no_ckpt_on_close on"]

  /// A folder with a copy of the database as it is now, under the name `quota.db`.
  package func copy() throws -> TemporaryDirectory {
    try TemporaryDirectory(copyOf: database)
  }

  /// What is in the database's file.
  package var databaseFile: Data {
    get throws { try Data(contentsOf: URL(fileURLWithPath: database)) }
  }

  /// Bytes of the write-ahead log; 0 where there is none.
  package var logSize: Int {
    let attributes = try? FileManager.default.attributesOfItem(atPath: database + "-wal")
    return attributes?[.size] as? Int ?? 0
  }

  /// A look into the ledger.
  package var probe: LedgerProbe { installation.probe }
}

extension TemporaryDirectory {
  /// A folder with a copy of a database, under the name `quota.db`.
  convenience init(copyOf database: String) throws {
    try self.init()
    for suffix in ["", "-wal", "-shm"] {
      try FileManager.default.copyItem(
        atPath: database + suffix, toPath: "\(path)/quota.db\(suffix)")
    }
  }
}
