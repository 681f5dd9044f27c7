import Foundation

/// The project's programs on a host of simulated servers, set up to be measured.
package final class SpeedBench {
  private let folder: TemporaryDirectory
  /// The path of the programs' `quota.conf`.
  package let config: String
  /// The state directory.
  package let state: String
  private var servers: [SimulatedServer] = []
  private var isFenced = false

  package init() throws {
    folder = try TemporaryDirectory()
    config = folder.path + "/quota.conf"
    state = folder.path + "/data"
    try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: false)
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
      OPENVPN_CONFIGS=
      MANAGEMENT=\(management.joined(separator: " "))
      MANAGEMENT_TIMEOUT=30
      MONITOR_INTERVAL=60
      TIME_ZONE=UTC
      FENCE=\(isFenced ? "yes" : "no")

      """, to: "quota.conf")
  }

  /// Has users held to their rates from now on.
  package func fence() throws {
    isFenced = true
    try writeConfig()
    try pretendFence(beside: database)
    try run(command("quota-sweep", "--publish"))
  }

  /// The path of the database.
  package var database: String { state + "/quota.db" }

  /// A look into the ledger.
  package var probe: LedgerProbe { LedgerProbe(database) }

  /// Adds a server.
  package func server(runsHooks: Bool = true) throws -> SimulatedServer {
    let options = "--config \(config) --server s\(servers.count)"
    var setup = SimulatedServer.Setup()
    if runsHooks {
      setup.clientConnect = "\(Program.path("quota-connect")) \(options)"
      setup.clientDisconnect = "\(Program.path("quota-disconnect")) \(options)"
    }
    setup.duplicateCommonNames = true
    let server = try SimulatedServer(setup)
    servers.append(server)
    try writeConfig()
    return server
  }

  /// A bench with a server and this many live sessions of a user each, `user1` and so on, that a sweep
  /// has seen.
  package static func filled(
    _ sessions: Int = 1000, received: Int64 = 1000, sent: Int64 = 2000
  ) throws -> (bench: SpeedBench, server: SimulatedServer) {
    let bench = try SpeedBench()
    let server = try bench.server()
    try server.populate(sessions, prefix: "user", received: received, sent: sent)
    try bench.sweep()
    return (bench, server)
  }

  /// The command line of one of the project's programs.
  package func command(_ program: String, _ arguments: String...) -> [String] {
    [Program.path(program)] + arguments + ["--config", config]
  }

  /// Runs a sweep, which has to succeed.
  package func sweep() throws { try run(command("quota-sweep")) }

  /// Runs `quota-admin`, which has to succeed.
  package func admin(_ arguments: String...) throws {
    try run([Program.path("quota-admin")] + arguments + ["--config", config])
  }

  private func run(_ command: [String]) throws {
    try Program.run(command[0], Array(command.dropFirst()), environment: [:], timeout: 300)
      .requireSuccess()
  }

  /// Writes a file beside the settings, and gives its path.
  package func write(_ text: String, to name: String) throws -> String {
    try folder.write(text, to: name)
  }

  /// A folder with a copy of the database as it is now, under the name `quota.db`.
  package func copy() throws -> TemporaryDirectory {
    try TemporaryDirectory(copyOf: database)
  }
}

// MARK: Traces

extension SpeedBench {
  /// How often a program wrote to the database or its log, and how many bytes, and how many to the
  /// access table.
  package struct Writes {
    package var calls = 0
    package var database = 0
    package var access = 0
  }

  /// What a sweep writes.
  package func writesOfSweep() throws -> Writes {
    let calls = "trace=write,pwrite64,writev,pwritev,copy_file_range,sendfile"
    return try traceOfSweep("-e", calls).reduce(into: Writes()) { writes, line in
      guard let bytes = line.split(separator: " ").last.flatMap({ Int($0) }) else { return }
      if line.contains("<\(database)>") || line.contains("<\(database)-wal>") {
        writes.calls += 1
        writes.database += bytes
      } else if line.contains("<\(state)/access") {
        writes.access += bytes
      }
    }
  }

  /// The longest time, in milliseconds, for which a sweep held the lock that all who write need:
  /// byte 120 of the file that SQLite shares between processes.
  package func longestLockOfSweep() throws -> Double {
    var since: Double?
    var longest = 0.0
    for line in try traceOfSweep("--seccomp-bpf", "-ttt", "-e", "trace=fcntl")
    where line.contains("\(database)-shm") && line.contains("l_start=120,") {
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
    let trace = try folder.write("", to: "trace")
    try run(["/usr/bin/strace", "-f", "-y", "-o", trace] + options + command("quota-sweep"))
    let lines = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
    guard lines.contains(where: { $0.contains("exited with 0") }) else {
      throw Gauge.Missing(description: "nothing was traced")
    }
    return lines
  }
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
