import Foundation
import System
import TestSupport

/// What a hook costs where there is much: users, lines in the journal that no sweep has taken in, and
/// clients of a server that stops.
enum HookGrowth {
  private static let rounds = 100
  private static let waiting = 10_000

  static func measure(into report: BenchReport) throws {
    var rows = try users(into: report)
    rows += try waitingLines(into: report)
    rows += try stop(into: report)
    report.add(
      BenchReport.Section(
        title: "Hooks where there is much",
        text: """
          Times are medians of \(rounds) runs, taken in turn, of programs copied afresh for each. The \
          lines that wait are of clients that came and went while no sweep ran, half of them of one \
          user. The server that stops is the simulator, which runs a disconnect hook for each \
          client.
          """,
        columns: ["", "ms"], rows: rows))
  }

  private static func connect(
    _ bench: SpeedBench, _ name: @escaping (Int) -> String
  ) -> FreshCopies.Contender {
    FreshCopies.Contender(
      Program.path("quota-connect"), ["--config", bench.config, "--server", "s0"]
    ) { HookSession(name($0), number: waiting + $0).connecting }
  }

  private static func users(into report: BenchReport) throws -> [[String]] {
    let benches = try [1000, 1_000_000].map { count in
      print("  \(count) users")
      let bench = try SpeedBench()
      try ManyUsers.fill(bench.probe, users: count, days: 1)
      // What was changed by hand is published with what a program changes.
      try FileManager.default.removeItem(atPath: bench.state + "/access")
      try bench.admin("add", "newcomer")
      return bench
    }
    let times = try FreshCopies.median(
      of: benches.map { connect($0) { _ in "user0501@example.org" } }, rounds: rounds)
    report.expect(
      "quota-connect, 1 000 000 users", times[1].wall / times[0].wall, atMost: 1.1, " × 1 000 users"
    )
    return [
      ["quota-connect, 1 000 users", Decimal.text(times[0].wall)],
      ["quota-connect, 1 000 000 users", Decimal.text(times[1].wall)],
    ]
  }

  private static func waitingLines(into report: BenchReport) throws -> [[String]] {
    print("  \(waiting) lines")
    let (bench, server) = try SpeedBench.filled()
    // In each round another user comes in, of whom no line waits.
    let limited = (["user9"] + (600..<600 + 2 * rounds).map { "user\($0)" })
      .map { "\($0),100\n" }.joined()
    try bench.admin("import", bench.write("name,max_sessions\n" + limited, to: "limited.csv"))
    try withExtendedLifetime(server) { try bench.sweep() }
    let quiet = try FreshCopies.median(of: [connect(bench) { "user\(600 + $0)" }], rounds: rounds)[
      0]
    // A user who comes and goes all the time, between others.
    let names = (0..<waiting / 2).map { $0 % 2 == 0 ? "user\($0 % 500 + 100)" : "user9" }
    try bench.appendWaitingLines(of: names)
    let times = try FreshCopies.median(
      of: [
        connect(bench) { "user\(600 + rounds + $0)" }, connect(bench) { _ in "user9" },
        connect(bench) { _ in "user8" },
      ], rounds: rounds)
    let what = "quota-connect, \(Figures.grouped(waiting)) lines waiting"
    report.expect("\(what), a limit of sessions", times[0].wall, atMost: 3, " ms")
    report.expect("\(what), half of them the user's own", times[1].wall, atMost: 3, " ms")
    report.expect(
      "\(what), what they add", (times[0].wall - quiet.wall) * 100_000 / Double(waiting), atMost: 3,
      " ms a 100 000")
    return [
      ["\(what), a limit of sessions", Decimal.text(times[0].wall)],
      ["\(what), a limit of sessions, half of them the user's own", Decimal.text(times[1].wall)],
      ["\(what), no limit and no quota", Decimal.text(times[2].wall)],
    ]
  }

  private static func stop(into report: BenchReport) throws -> [[String]] {
    func seconds(hooks: Bool) throws -> Double {
      let bench = try SpeedBench()
      let server = hooks ? try bench.server() : try SimulatedServer()
      try server.populate(1000, prefix: "user", received: 1000, sent: 2000)
      if hooks { try bench.sweep() }
      let start = Clock.monotonic
      try server.stop()
      return (Clock.monotonic - start) / .seconds(1)
    }
    let (without, with) = (try seconds(hooks: false), try seconds(hooks: true))
    report.expect("a server with 1 000 clients stops", with - without, atMost: 0.5, " s more")
    return [
      ["a server with 1 000 clients stops, without hooks", Decimal.text(without * 1000)],
      ["a server with 1 000 clients stops, with hooks", Decimal.text(with * 1000)],
    ]
  }
}
