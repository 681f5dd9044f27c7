import Foundation
import TestSupport

/// What a sweep costs, by how many sessions are live and how many of them changed, beside the least
/// that SQLite took to keep the same in the tables of version 2.
enum SweepCosts {
  /// One sweep, or the floor.
  private struct Cost {
    /// Nil where so many would take callgrind too long.
    let instructions: Int?
    let time: TimedProgram.Cost
  }

  /// What only a sweep is asked for.
  private struct Marks {
    let residentMB: Double
    let writes: SpeedBench.Writes
    /// Milliseconds.
    let lock: Double
  }

  private static let counts = [100, 1000, 10_000, 100_000]
  private static let largestCounted = 10_000

  static func measure(into report: BenchReport) throws {
    var rows: [[String]] = []
    for count in counts {
      print("  \(count) sessions")
      let (bench, server) = try SpeedBench.filled(count)
      let floor = try self.floor(count)
      for percent in [100, 1, 0] {
        let change = { try server.addTraffic(received: 10, sent: 20, percent: percent) }
        let (cost, marks) = try self.cost(bench, count, change)
        rows.append(row(count, percent, cost, marks, percent == 100 ? floor : nil))
        if let instructions = cost.instructions {
          report.count("quota-sweep, \(count) sessions, \(percent) % changed", instructions)
        }
        if percent == 100 { judge(count, cost, marks, floor, into: report) }
        if percent == 0 {
          report.expect(
            "writes of a sweep of \(count), none changed", Double(marks.writes.database), atMost: 0,
            " bytes")
        }
      }
      if count == largestCounted, let instructions = floor.instructions {
        report.count("bench-floor, \(count) sessions", instructions)
      }
    }
    report.add(
      BenchReport.Section(
        title: "A sweep",
        text: """
          Of one server with so many live sessions, each of a user of its own. The floor is a \
          yardstick that stays as it is: the rows that version 2's sweep wrote, upserted by prepared \
          statements in one transaction and nothing else (`Tests/bench-floor`). The lock is the one \
          that a writer needs, held for the longest time as `strace` saw it. Times are the \
          least of three runs.
          """,
        columns: [
          "sessions", "changed", "instructions", "× the floor", "CPU ms", "× the floor", "wall ms",
          "resident MB", "database MB", "access MB", "lock ms",
        ], rows: rows))
  }

  private static func judge(
    _ count: Int, _ cost: Cost, _ marks: Marks, _ floor: Cost, into report: BenchReport
  ) {
    let goals = [
      10_000: (floor: 0.6, database: 2.5, access: 1.5, resident: 16.0),
      100_000: (floor: 0.5, database: 25, access: 15, resident: 64),
    ]
    guard let goal = goals[count] else { return }
    let what = "quota-sweep, \(Figures.grouped(count)) changed"
    report.expect(
      "\(what), CPU time", cost.time.processor / floor.time.processor, atMost: goal.floor,
      " × the floor")
    report.expect(
      "\(what), database", Double(marks.writes.database) / 1_000_000, atMost: goal.database, " MB")
    report.expect(
      "\(what), access table", Double(marks.writes.access) / 1_000_000, atMost: goal.access, " MB")
    report.expect("\(what), resident", marks.residentMB, atMost: goal.resident, " MB")
  }

  private static func cost(
    _ bench: SpeedBench, _ count: Int, _ change: () throws -> Void
  ) throws -> (Cost, Marks) {
    let sweep = bench.command("quota-sweep")
    var times: [TimedProgram.Cost] = []
    for _ in 0..<3 {
      try change()
      times.append(try TimedProgram.run(sweep))
    }
    try change()
    let resident = try Gauge.residentBytes().figure(of: sweep)
    try change()
    let writes = try bench.writesOfSweep()
    try change()
    let lock = try bench.longestLockOfSweep()
    try change()
    let instructions =
      count > largestCounted ? nil : try Gauge.instructions().figure(of: sweep)
    return (
      Cost(instructions: instructions, time: times.least),
      Marks(residentMB: Double(resident) / 1_000_000, writes: writes, lock: lock)
    )
  }

  private static func floor(_ count: Int) throws -> Cost {
    let floor = try Floor(sessions: count)
    var times: [TimedProgram.Cost] = []
    for _ in 0..<3 {
      let copy = try floor.copy()
      times.append(try withExtendedLifetime(copy) { try TimedProgram.run(floor.command(on: copy)) })
    }
    return Cost(
      instructions: count > largestCounted ? nil : try floor.instructions(), time: times.least)
  }

  private static func row(
    _ count: Int, _ percent: Int, _ cost: Cost, _ marks: Marks, _ floor: Cost?
  ) -> [String] {
    func ratio(_ one: Double?, _ other: Double?) -> String {
      if let one, let other { Decimal.text(one / other) } else { "" }
    }
    return [
      Figures.grouped(count), "\(percent) %", cost.instructions.map(Figures.grouped) ?? "",
      ratio(cost.instructions.map(Double.init), floor?.instructions.map(Double.init)),
      Decimal.text(cost.time.processor), ratio(cost.time.processor, floor?.time.processor),
      Decimal.text(cost.time.wall), Decimal.text(marks.residentMB),
      Decimal.text(Double(marks.writes.database) / 1_000_000),
      Decimal.text(Double(marks.writes.access) / 1_000_000), Decimal.text(marks.lock),
    ]
  }
}
