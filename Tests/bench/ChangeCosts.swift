import TestSupport

/// What a change costs where there are many users, until the hooks know it.
enum ChangeCosts {
  private static let users = 100_000
  private static let rounds = 5

  static func measure(into report: BenchReport) throws {
    let bench = try SpeedBench()
    try bench.admin("plan", "add", "basic", "--quota", "50GB", "--period", "month")
    let names = (1...users).map { "user\($0),basic\n" }.joined()
    let file = try bench.write("name,plan\n" + names, to: "users.csv")
    let admin = { (words: [String]) in
      [Program.path("quota-admin")] + words + ["--config", bench.config]
    }
    var rows = [
      ["import of all of them", Decimal.text(try TimedProgram.run(admin(["import", file])).wall)]
    ]
    for (what, goal, words) in changes {
      let costs = try (1...rounds).map { try TimedProgram.run(admin(words($0))) }
      rows.append(["`quota-admin \(what)`", Decimal.text(costs.median.wall)])
      report.expect(
        "`quota-admin \(what)`, \(Figures.grouped(users)) users", costs.median.wall / 1000,
        atMost: goal, " s")
    }
    report.add(
      BenchReport.Section(
        title: "A change among \(Figures.grouped(users)) users",
        text: """
          All of them follow one plan. Until the access table is published, as a median of \(rounds) \
          runs.
          """,
        columns: ["", "wall ms"], rows: rows))
  }

  /// Commands by what is said of them, the most seconds they may take, and their words by the round.
  private static let changes: [(what: String, goal: Double, words: @Sendable (Int) -> [String])] = [
    ("plan set basic --quota", 1, { ["plan", "set", "basic", "--quota", "\($0)TB"] }),
    ("set user7 --quota", 0.1, { ["set", "user7", "--quota", "\($0)TB"] }),
    ("grant user7 1GB", 0.1, { _ in ["grant", "user7", "1GB"] }),
    ("add", 0.1, { ["add", "newcomer\($0)"] }),
    ("disable", 0.1, { ["disable", "user\($0)"] }),
  ]
}
