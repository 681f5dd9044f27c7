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
    try bench.fill(rows: 5_000_000)
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
    #expect(try bench.number("SELECT count(*) FROM traffic_logs WHERE log_timestamp < '2021'") == 0)
    #expect(try bench.number("SELECT count(*) FROM sessions WHERE closed_at < 10000000") == 0)
    #expect(try bench.number("SELECT count(*) FROM daily_usage WHERE day < '2021'") == 0)
    // Nothing that came meanwhile is lost: it is in the database or in the spool.
    try bench.sweep()
    #expect(try bench.number("SELECT count(*) FROM traffic_logs") == Int64(waits.count))
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

  /// Fills the tables that grow, half of it in `traffic_logs`, with rows of long ago.
  func fill(rows: Int) throws {
    let numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <"
    let statements = """
      PRAGMA synchronous = OFF;
      \(numbers) \(rows / 2)) INSERT INTO traffic_logs
        SELECT i, i % 1000 + 1, 100, 100, '2020-01-01 00:00:00' FROM n;
      \(numbers) \(rows * 2 / 5)) INSERT INTO sessions SELECT i % 5, i % 50, i, '10.8.0.' || i % 7,
        i % 1000 + 1, 'user' || i % 1000, 'udp', '192.0.2.1:1194', 1, 1, i, 'hook', i, 0, NULL FROM n;
      \(numbers) \(rows / 10)) INSERT INTO daily_usage
        SELECT i % 1000 + 1, date(i / 1000 * 86400, 'unixepoch'), 1, 1 FROM n;
      """
    let outcome = try Program.run("sqlite3", [database, statements], timeout: 120)
    try #require(outcome.status == 0, "\(outcome.errors)")
  }

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
