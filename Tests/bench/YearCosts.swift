import Foundation
import System
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
    let (users, sessions) = (1000, 20)
    try LongPast.addYear(to: bench.probe, users: users, sessions: sessions)
    return users * 365 * sessions
  }
}
