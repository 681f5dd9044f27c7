import Foundation
import SQLite
import TestSupport
import Testing

/// The project's programs on a host of simulated servers, set up to be measured.
final class SpeedBench {
  /// When the sessions begin whose start a test has to name, in seconds since 1970.
  static let since: Int64 = 1_795_466_205

  private let folder: TemporaryDirectory
  private let config: String
  private let database: String
  private var servers: [SimulatedServer] = []

  init() throws {
    folder = try TemporaryDirectory()
    config = folder.path + "/quota.conf"
    database = folder.path + "/data/quota.db"
    try FileManager.default.createDirectory(
      atPath: folder.path + "/data", withIntermediateDirectories: false)
    try writeConfig()
    try sweep()
  }

  private func writeConfig() throws {
    // A program that is measured may run a hundred times slower than usual.
    let management = servers.enumerated().map { "s\($0)=\($1.management)" }
    try folder.write(
      """
      DATABASE=\(database)
      LOG_FILE=\(folder.path)/log
      OPENVPN_CONFIGS=\(folder.path)/none/*.conf
      MANAGEMENT=\(management.joined(separator: " "))
      MANAGEMENT_TIMEOUT=30
      MONITOR_INTERVAL=60
      TIME_ZONE=UTC

      """, to: "quota.conf")
  }

  /// Adds a server that runs the hooks, measured where a gauge is given.
  func server(measuring gauge: Gauge? = nil) throws -> SimulatedServer {
    let prefix = (gauge?.prefix ?? []).map { "\($0) " }.joined()
    var setup = SimulatedServer.Setup(
      clientConnect: "\(prefix)\(Program.path("quota-connect")) --config \(config)",
      clientDisconnect: "\(prefix)\(Program.path("quota-disconnect")) --config \(config)")
    setup.duplicateCommonNames = true
    let server = try SimulatedServer(setup)
    servers.append(server)
    try writeConfig()
    return server
  }

  /// Lets a thousand users in, `user1` to `user1000`, each of whom moved 3000 bytes, and sweeps.
  func fill(_ server: SimulatedServer) throws {
    try server.populate(1000, prefix: "user", received: 1000, sent: 2000)
    try sweep()
  }

  /// Runs a sweep, which has to succeed.
  func sweep() throws {
    let outcome = try Program.run(
      Program.path("quota-sweep"), ["--config", config], environment: [:])
    try #require(outcome.status == 0, "\(outcome.errors)")
  }

  /// Runs `quota-admin`, which has to succeed.
  func admin(_ arguments: String...) throws { try admin(arguments: arguments) }

  /// Runs `quota-admin`, which has to succeed.
  func admin(arguments: [String]) throws {
    let outcome = try Program.run(
      Program.path("quota-admin"), arguments + ["--config", config], environment: [:])
    try #require(outcome.status == 0, "\(outcome.errors)")
  }

  /// Counts the instructions of a connect hook that lets somebody in.
  func connect(in environment: HugeEnvironment) throws -> Int {
    let gauge = try Gauge.instructions()
    let command =
      environment.prefix + gauge.prefix + [Program.path("quota-connect"), "--config", config]
    let outcome = try Program.run(command[0], Array(command.dropFirst()), environment: [:])
    try #require(outcome.status == 0, "\(outcome.errors)")
    return try #require(try gauge.take().last)
  }

  /// Measures a sweep, which has to succeed.
  func sweep(measuring gauge: Gauge) throws -> Int {
    let (figure, outcome) = try gauge.run(
      Program.path("quota-sweep"), ["--config", config])
    try #require(outcome.status == 0, "\(outcome.errors)")
    return figure
  }

  /// How often a sweep writes to the database or its log.
  func writesOfSweep() throws -> Int {
    let trace = try folder.write("", to: "trace")
    let outcome = try Program.run(
      "/usr/bin/strace",
      [
        "-f", "-y", "-e", "trace=write,pwrite64,writev,pwritev", "-o", trace,
        Program.path("quota-sweep"), "--config", config,
      ],
      environment: [:])
    try #require(outcome.status == 0, "\(outcome.errors)")
    let lines = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
    #expect(lines.contains { $0.contains("last-sweep") }, "nothing was traced")
    return lines.count { $0.contains("<\(database)>") || $0.contains("<\(database)-wal>") }
  }

  /// What the SQLite shell does with statements on a copy of the database as it is now.
  ///
  /// Like the programs, the shell leaves the write-ahead log as it is when it closes.
  func shell(_ statements: String) throws -> (instructions: Int, output: String) {
    let copy = try copyOfDatabase()
    let (figure, outcome) = try Gauge.instructions().run(
      "/usr/bin/sqlite3",
      ["-cmd", ".dbconfig no_ckpt_on_close on", "\(copy.path)/quota.db", statements])
    try #require(outcome.status == 0, "\(outcome.errors)")
    return (figure, outcome.output)
  }

  /// A directory with a copy of the database as it is now, `quota.db`.
  func copyOfDatabase() throws -> TemporaryDirectory {
    let copy = try TemporaryDirectory()
    for suffix in ["", "-wal", "-shm"] {
      try FileManager.default.copyItem(
        atPath: database + suffix, toPath: "\(copy.path)/quota.db\(suffix)")
    }
    return copy
  }

  /// The least that SQLite takes to bring a database from what it was to what it is now: the same
  /// rows upserted and nothing else, which has to come to the same.
  func floor(from before: TemporaryDirectory) throws -> Int {
    let copy = before.path + "/quota.db"
    let rows = try Program.run(
      Program.path("bench-floor"), ["rows", copy, database], environment: [:])
    try #require(rows.status == 0 && !rows.output.isEmpty, "\(rows.errors)")
    let file = try folder.write(rows.output, to: "rows")
    let (figure, outcome) = try Gauge.instructions().run(
      Program.path("bench-floor"), ["write", copy, file])
    try #require(outcome.status == 0, "\(outcome.errors)")
    let comparison = try Program.run(
      Program.path("bench-floor"), ["compare", copy, database], environment: [:])
    #expect(comparison.status == 0, "\(comparison.errors)")
    return figure
  }

  /// What is in the database's file.
  var databaseFile: Data { get throws { try Data(contentsOf: URL(fileURLWithPath: database)) } }

  /// Bytes of the write-ahead log; 0 where there is none.
  var logSize: Int {
    let attributes = try? FileManager.default.attributesOfItem(atPath: database + "-wal")
    return attributes?[.size] as? Int ?? 0
  }

  /// The number that a query gives.
  func number(_ query: String) throws -> Int64 {
    try Connection(database, busyTimeout: 5000).integer(query)
  }
}
