import TestSupport

/// The database after a year of 1 000 users with 20 sessions a day.
enum YearCosts {
  private static let (users, sessions, days) = (1000, 20, 365)

  static func measure(into report: BenchReport) throws {
    let (bench, server) = try SpeedBench.filled(users)
    try LongPast.addDays(days, to: bench.probe, users: users, sessions: sessions)
    try withExtendedLifetime(server) { try bench.sweep() }
    let size = Double(try Program.size(bench.database)) / 1_000_000
    var rows = [
      ["the database, MB", Decimal.text(size)],
      ["sessions", Figures.grouped(users * sessions * days)],
    ]
    report.expect("the database after a year", size, atMost: 600, " MB")
    for words in reports {
      let cost = try TimedProgram.run(
        [Program.path("quota-admin")] + words + ["--config", bench.config])
      let what = "`quota-admin \(words.joined(separator: " "))`"
      rows.append(["\(what), ms", Decimal.text(cost.wall)])
      report.expect(what, cost.wall / 1000, atMost: 0.5, " s")
    }
    report.add(
      BenchReport.Section(
        title: "A year", text: "Of 1 000 users with 20 sessions a day each, nothing pruned.",
        columns: ["", ""], rows: rows))
  }

  private static let reports = [
    ["list"], ["show", "user7"], ["usage", "user7"],
    ["usage", "--by", "month", "--since", "365d"],
    ["usage", "user7", "--by", "session", "--since", "30d"], ["top", "--since", "30d"],
    ["history", "user7"], ["events"], ["report", "--html", "/dev/null", "--since", "365d"],
    ["metrics"],
  ]
}
