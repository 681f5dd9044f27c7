import Foundation
import System
import TestSupport
import Testing

@Suite(.serialized, .printsFigures) struct PruningUnderLoadTests {
  @Test(.timeLimit(.minutes(8)))
  func
    `While five million rows are pruned hooks and sweeps go on, and the database's log stays short`()
    throws
  {
    let bench = try SpeedBench()
    try LongPast.fill(bench.probe, rows: 5_000_000)
    let rotation = Process()
    rotation.executableURL = URL(fileURLWithPath: Program.path("quota-rotate"))
    rotation.arguments = ["--force", "--config", bench.config]
    try rotation.run()
    var sessions = 0
    var slowest = 0.0
    var longestLog: Int64 = 0
    while rotation.isRunning {
      for _ in 0..<20 {
        let session = HookSession("alice", number: sessions)
        sessions += 1
        _ = try TimedProgram.run(bench.command("quota-connect"), environment: session.connecting)
        _ = try TimedProgram.run(
          bench.command("quota-disconnect"),
          environment: session.disconnecting(received: 100_000, sent: 200_000))
      }
      slowest = max(slowest, try TimedProgram.run(bench.command("quota-sweep")).wall)
      longestLog = max(longestLog, size(ofFile: bench.database + "-wal") ?? 0)
    }
    #expect(rotation.terminationStatus == 0)
    #expect(try !bench.probe.loggedSessions.contains { $0.endedAt < "2021" })
    #expect(try bench.probe.firstDay ?? "2021" >= "2021")
    // Nothing that came meanwhile is lost.
    try bench.sweep()
    #expect(try bench.probe.loggedSessions.count == sessions)
    Figures.current.add("sessions meanwhile", sessions)
    Figures.current.add("the slowest sweep, ms", ratio: slowest)
    expect("longest write-ahead log, KiB", Int(longestLog >> 10), atMost: 1024)
    #expect(sessions > 50)
  }
}
