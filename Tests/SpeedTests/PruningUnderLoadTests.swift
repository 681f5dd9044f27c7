import Foundation
import System
import SQLite
import TestSupport
import Testing

@Suite(.serialized) struct PruningUnderLoadTests {
  @Test(.timeLimit(.minutes(8)))
  func `While five million rows are pruned and the log is rotated no hook waits 30 ms for a lock`()
    throws
  {
    let bench = try PruningBench()
    try LongPast.fill(bench.probe, rows: 5_000_000)
    let rotation = try bench.beginRotation()
    var waits: [[LockWait]] = []
    var longestLog: Int64 = 0
    while rotation.isRunning {
      waits.append(try bench.session(number: waits.count))
      // Sweeps go on meanwhile, or the disconnect hooks would do a sweep's work.
      if waits.count % 100 == 0 { try bench.sweep() }
      longestLog = max(longestLog, size(ofFile: bench.database + "-wal") ?? 0)
    }
    #expect(rotation.terminationStatus == 0)
    #expect(try !bench.probe.loggedSessions.contains { $0.endedAt < "2021" })
    #expect(try !bench.probe.sessions.contains { ($0.endedAt ?? .max) < 10_000_000 })
    #expect(try bench.probe.firstDay ?? "2021" >= "2021")
    // Nothing that came meanwhile is lost: it is in the database or in the spool.
    try bench.sweep()
    #expect(try bench.probe.loggedSessions.count == waits.count)
    #expect(try names(inDirectory: bench.folder.path).contains("log.1"))
    let hooks = waits.flatMap(\.self)
    let figures = Figures()
    figures.add("hooks that ran meanwhile", hooks)
    figures.add("longest write-ahead log, KiB", Int(longestLog >> 10), atMost: 1024)
    print(figures.table)
    #expect(waits.count > 50)
    #expect(hooks.allSatisfy { $0.asked <= 30 })
    #expect(longestLog <= 1 << 20)
  }
}

/// A database with years of history, and hooks whose waiting is measured.
private final class PruningBench {
  let folder: TemporaryDirectory
  let database: String
  private let config: String

  init() throws {
    folder = try TemporaryDirectory()
    database = folder.path + "/data/quota.db"
    try FileManager.default.createDirectory(
      atPath: folder.path + "/data", withIntermediateDirectories: false)
    config = try folder.write(
      """
      DATABASE=\(database)
      LOG_FILE=\(folder.path)/log
      OPENVPN_CONFIGS=
      TIME_ZONE=UTC

      """, to: "quota.conf")
    try sweep()
  }

  /// A look into the ledger.
  var probe: LedgerProbe { LedgerProbe(database) }

  func beginRotation() throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Program.path("quota-rotate"))
    process.arguments = ["--force", "--config", config]
    try process.run()
    return process
  }

  func sweep() throws {
    let outcome = try Program.run(
      Program.path("quota-sweep"), ["--config", config], environment: [:])
    try #require(outcome.status == 0, "\(outcome.errors)")
  }

  /// A client comes and goes.
  ///
  /// - Returns: how long each hook of the session waited for locks.
  func session(number: Int) throws -> [LockWait] {
    var environment = [
      "script_type": "client-connect", "common_name": "alice", "daemon_pid": "4711",
      "time_unix": "\(Int(Date().timeIntervalSince1970) - 100_000 + number)",
      "ifconfig_pool_remote_ip": "10.8.0.2", "trusted_ip": "192.0.2.1", "trusted_port": "1194",
    ]
    let connect = try LockWait.of(command("quota-connect"), environment: environment)
    environment["script_type"] = "client-disconnect"
    environment["bytes_received"] = "1000"
    environment["bytes_sent"] = "2000"
    environment["time_duration"] = "90"
    return [connect, try LockWait.of(command("quota-disconnect"), environment: environment)]
  }

  private func command(_ hook: String) -> [String] { [Program.path(hook), "--config", config] }

  func number(_ query: String) throws -> Int64 {
    try Connection(database, busyTimeout: 5000).integer(query)
  }
}
