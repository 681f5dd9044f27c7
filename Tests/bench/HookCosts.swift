import Foundation
import TestSupport

/// What one hook costs beside what an operator would write instead.
struct HookCosts {
  private static let rounds = 40

  private let bench: SpeedBench
  private let server: SimulatedServer
  private var rows: [[String]] = []

  static func measure(into report: BenchReport) throws {
    let bench = try SpeedBench()
    let server = try bench.server()
    try bench.fill(server)
    try bench.admin(
      "plan", "add", "basic", "--quota", "50GB", "--period", "month", "--reset-day", "5",
      "--expires", "+300d", "--grace", "5%")
    try bench.admin("set", "user7", "--plan", "basic", "--follow", "quota")
    for kind in [[], ["--carry"]] { try bench.admin(arguments: ["grant", "user7", "10GB"] + kind) }
    let client = try server.enter("alice", address: "10.99.0.7", since: SpeedBench.since)
    try client.setCounters(received: 1000, sent: 2000)
    try bench.sweep()
    var costs = HookCosts(bench: bench, server: server)
    try costs.connect(into: report)
    try costs.disconnect(into: report)
    report.add(
      BenchReport.Section(
        title: "One hook",
        text: """
          On a database of 1 000 users: one with plan, period and grants comes in, one whose session \
          a sweep has seen leaves. Beside them the shell with the same statements, and a hook in \
          Python (`Tests/bench/hook.py`). Times are medians of \(rounds) runs, taken in turn.
          """,
        columns: [
          "", "instructions", "× the shell's", "CPU ms", "wall ms", "× the shell's", "resident MB",
        ],
        rows: costs.rows))
  }

  /// A program that does what a hook does, ready to run.
  private struct Rival {
    let name: String
    /// Its command line, on a copy of the database.
    let command: (_ database: String) -> [String]
    var environment: [String: String] = [:]
  }

  private mutating func connect(into report: BenchReport) throws {
    let session = HookSession(name: "user7", process: 4711, since: 100, address: "10.98.0.7")
    let command = bench.command("quota-connect")
    let hook = Rival(
      name: "quota-connect", command: { _ in command }, environment: session.connecting)
    try compare(
      hook, rivals(HookStatements.lookup(of: "user7"), session.connecting), goal: 0.5, into: report
    ) { _ in session.connecting }
  }

  private mutating func disconnect(into report: BenchReport) throws {
    let sessions = try bench.liveSessions()
    guard let alice = sessions.first(where: { $0.name == "alice" }) else {
      throw Gauge.Missing(description: "alice has no session")
    }
    let others = sessions.filter { $0.name != "alice" }
    let environment = alice.disconnecting(received: 101_000, sent: 202_000)
    let command = bench.command("quota-disconnect")
    let hook = Rival(
      name: "quota-disconnect", command: { _ in command }, environment: environment)
    try compare(
      hook, rivals(HookStatements.closing(on: server), environment), goal: 1, into: report
    ) { round in others[round].disconnecting(received: 2000, sent: 3000) }
  }

  private func rivals(_ statements: String, _ environment: [String: String]) -> [Rival] {
    [
      Rival(name: "`sqlite3` shell") {
        ["/usr/bin/sqlite3"] + SpeedBench.shellArguments + [$0, statements]
      },
      Rival(
        name: "Python", command: { ["/usr/bin/python3", "Tests/bench/hook.py", $0] },
        environment: environment),
      Rival(name: "`/usr/bin/true`") { _ in ["/usr/bin/true"] },
    ]
  }

  /// Measures a hook beside its rivals, the first of which is what it is compared with.
  ///
  /// - Parameter fresh: the hook's environment in a round, for a session that no round had.
  private mutating func compare(
    _ hook: Rival, _ rivals: [Rival], goal: Double, into report: BenchReport,
    _ fresh: (Int) -> [String: String]
  ) throws {
    let all = rivals + [hook]
    let times = try times(of: all, fresh)
    // The hook comes last: of all of them only it changes the database that is copied.
    let instructions = try all.map { try figure(of: $0, .instructions()) }
    let resident = try all.map { try figure(of: $0, .residentBytes()) }
    let last = all.count - 1
    for index in [last] + rivals.indices {
      rows.append([
        all[index].name, Figures.grouped(instructions[index]),
        Decimal.text(Double(instructions[index]) / Double(instructions[0])),
        Decimal.text(times[index].processor), Decimal.text(times[index].wall),
        Decimal.text(times[index].wall / times[0].wall),
        Decimal.text(Double(resident[index]) / 1_000_000),
      ])
    }
    report.count(hook.name, instructions[last])
    let ratio = Double(instructions[last]) / Double(instructions[0])
    report.expect("\(hook.name), instructions", ratio, atMost: goal, " × the shell's")
    report.expect(
      "\(hook.name), time", times[last].wall / times[0].wall, atMost: goal, " × the shell's")
    report.expect(
      "\(hook.name), resident", Double(resident[last]) / 1_000_000, atMost: 8, " MB")
  }

  private func figure(of rival: Rival, _ gauge: Gauge) throws -> Int {
    let copy = try bench.copy()
    return try withExtendedLifetime(copy) {
      try gauge.figure(
        of: rival.command(copy.path + "/quota.db"), environment: rival.environment)
    }
  }

  /// Median milliseconds; the last of them is the hook, which has another session in every round.
  private func times(
    of all: [Rival], _ fresh: (Int) -> [String: String]
  ) throws -> [TimedProgram.Cost] {
    var times = [[TimedProgram.Cost]](repeating: [], count: all.count)
    for round in 0..<Self.rounds {
      // Few closings between two sweeps, as the write-ahead log has them in daily use.
      if round.isMultiple(of: 5) { try bench.sweep() }
      let copy = try bench.copy()
      try withExtendedLifetime(copy) {
        for index in all.indices {
          let environment = index == all.count - 1 ? fresh(round) : all[index].environment
          let command = all[index].command(copy.path + "/quota.db")
          times[index].append(try TimedProgram.run(command, environment: environment))
        }
      }
    }
    return times.map {
      TimedProgram.Cost(wall: $0.map(\.wall).median, processor: $0.map(\.processor).median)
    }
  }
}
