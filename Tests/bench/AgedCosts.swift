import TestSupport

/// What a sweep writes to a database with a long history, beside what it writes to a young one.
enum AgedCosts {
  private static let days = 400

  static func measure(into report: BenchReport) throws {
    var rows: [[String]] = []
    for users in [2000, 10_000] {
      print("  \(users) users")
      // As large as what the past has: a larger number takes more bytes.
      let (bench, server) = try SpeedBench.filled(
        users, received: 8_000_000_000, sent: 160_000_000_000)
      func written() throws -> Double {
        // The first sweep after a change of the database by hand is not like the others.
        try server.addTraffic(received: 10, sent: 20)
        try bench.sweep()
        try server.addTraffic(received: 10, sent: 20)
        return Double(try bench.writesOfSweep().database) / 1_000_000
      }
      let young = try written()
      try LongPast.addDays(days, to: bench.probe, users: users, sessions: 1)
      let aged = try written()
      let size = Double(try Program.size(bench.database)) / 1_000_000
      rows.append([Figures.grouped(users)] + [size, young, aged].map(Decimal.text))
      report.expect(
        "a sweep of \(Figures.grouped(users)) after \(days) days, database", aged / young,
        atMost: 1.1, " × the young one's")
    }
    report.add(
      BenchReport.Section(
        title: "A sweep after \(days) days",
        text: """
          In which all sessions changed, one of each user. The aged database has \(days) days of usage \
          and one session a day of each user.
          """,
        columns: ["users", "aged database MB", "written, young MB", "written, aged MB"], rows: rows)
    )
  }
}
