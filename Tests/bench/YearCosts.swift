import Foundation
import System
import SQLite
import TestSupport

/// The database after a year of 1 000 users with 20 sessions a day.
enum YearCosts {
  static func measure(into report: BenchReport) throws {
    let bench = try SpeedBench()
    try bench.fill(try bench.server())
    let session = HookSession(name: "user7", process: 4711, since: 100, address: "10.98.0.7")
    let before = try instructions(bench, session)
    let rows = try fill(bench)
    try bench.sweep()
    let after = try instructions(bench, session)
    let bytes = size(ofFile: bench.database) ?? 0
    var table = [
      ["the database, MB", Decimal.text(Double(bytes) / 1_000_000)],
      ["rows of sessions, and of traffic_logs", Figures.grouped(rows)],
      ["quota-connect before it, instructions", Figures.grouped(before)],
      ["quota-connect after it, instructions", Figures.grouped(after)],
    ]
    report.expect(
      "quota-connect after a year", Double(after) / Double(before), atMost: 1.1, " × before")
    for words in [
      ["list"], ["show", "user7"], ["usage", "user7"],
      ["usage", "--by", "month", "--since", "365d"],
      ["usage", "user7", "--by", "session", "--since", "30d"], ["top", "--since", "30d"],
      ["history", "user7"], ["events"], ["report", "--html", "/dev/null", "--since", "365d"],
      ["metrics"],
    ] {
      let cost = try TimedProgram.run(
        [Program.path("quota-admin")] + words + ["--config", bench.config])
      let what = "`quota-admin \(words.joined(separator: " "))`"
      table.append(["\(what), ms", Decimal.text(cost.wall)])
      report.expect(what, cost.wall / 1000, atMost: 1, " s")
    }
    report.add(
      BenchReport.Section(
        title: "A year", text: "Of 1 000 users with 20 sessions a day each, nothing pruned.",
        columns: ["", ""], rows: table))
  }

  private static func instructions(_ bench: SpeedBench, _ session: HookSession) throws -> Int {
    try Gauge.instructions().figure(
      of: bench.command("quota-connect"), environment: session.connecting)
  }

  /// - Returns: how many sessions the year had.
  private static func fill(_ bench: SpeedBench) throws -> Int {
    let (users, days, sessions) = (1000, 365, 20)
    let numbers = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i <"
    let start = Clock.now - Int64(days) * 86_400
    let count = users * days * sessions
    let database = try Connection(bench.database, busyTimeout: 5000)
    // Sessions begin one after the other, as they do; a user's are a day's twentieth apart.
    try database.execute(
      """
      PRAGMA synchronous = OFF;
      \(numbers) \(count - 1)) INSERT INTO sessions
        SELECT 1, 4000 + i / \(count / 50), \(start) + i * 432 / 100, '10.8.' || i % 200 || '.' || i % 251,
          i % \(users) + 1, 'user' || (i % \(users) + 1), 'udp', '192.0.2.1:' || (20000 + i % 40000),
          1000000, 20000000, \(start) + i * 432 / 100 + 3000, 'hook', i + 1, 0, NULL FROM n;
      \(numbers) \(count - 1)) INSERT INTO traffic_logs
        SELECT i + 1, i % \(users) + 1, 20000000, 1000000,
          datetime(\(start) + i * 432 / 100 + 3000, 'unixepoch') FROM n;
      \(numbers) \(users * days - 1)) INSERT INTO daily_usage
        SELECT i % \(users) + 1, date(\(start) + i / \(users) * 86400, 'unixepoch'), 20000000, 400000000
        FROM n WHERE true ON CONFLICT DO NOTHING;
      \(numbers) \(users * 90 * 24 - 1)) INSERT INTO hourly_usage
        SELECT i % \(users) + 1, (unixepoch('now') / 3600 - i / \(users)) * 3600, 800000, 16000000
        FROM n WHERE true ON CONFLICT DO NOTHING;
      UPDATE period_usage SET bytes_received = \(days) * 20000000, bytes_sent = \(days) * 400000000;
      """)
    return count
  }
}
