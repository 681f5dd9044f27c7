import TestSupport

/// What it costs to tell the kernel whom it has to hold.
enum FenceCosts {
  private static let users = 10_000
  private static let rounds = 5

  static func measure(into report: BenchReport) throws {
    guard HeldKernel.isAvailable else {
      return report.leaveOut("fence", for: "root and nft are wanted")
    }
    let held = try HeldUsers(users)
    var rows: [[String]] = []
    func measure(
      _ what: String, atMost goal: Double? = nil, isCounted: Bool = true,
      _ change: () throws -> Void = {}
    ) throws {
      var times: [TimedProgram.Cost] = []
      for _ in 0..<(isCounted ? rounds : 1) {
        try change()
        times.append(try held.run())
      }
      var instructions: Int?
      if isCounted {
        try change()
        instructions = try held.instructions()
      }
      let time = times.least
      rows.append([
        what, instructions.map(Figures.grouped) ?? "", Decimal.text(time.processor),
        Decimal.text(time.wall),
      ])
      if let goal {
        report.expect(
          "quota-fence, \(Figures.grouped(users)) users, \(what), CPU time", time.processor / 1000,
          atMost: goal, " s")
      }
    }
    try measure("all is told", isCounted: false)
    try measure("nothing changed")
    var quota = 50_000_000_000
    try measure("1 % of the quotas changed", atMost: 0.1) {
      quota += 1_000_000_000
      try held.setQuota(quota, ofFirst: users / 100)
    }
    try measure("after a sweep, all moved", atMost: 0.25) { try held.sweep() }
    report.add(
      BenchReport.Section(
        title: "A run of quota-fence",
        text: """
          With \(Figures.grouped(users)) users online, each with a quota and one session. Instructions \
          are those of `quota-fence`; times are those of `nft` as well, as the least of \(rounds) runs.
          """,
        columns: ["", "instructions", "CPU ms", "wall ms"], rows: rows))
  }
}
