import Foundation
import TestSupport

/// What a sweep costs, by how many sessions are live and how many of them changed, beside a yardstick.
enum SweepCosts {
  /// One sweep.
  private struct Cost {
    /// Nil where so many would take callgrind too long.
    let instructions: Int?
    let time: TimedProgram.Cost
    let resident: Int
    let writes: (calls: Int, bytes: Int)
    /// Milliseconds.
    let lock: Double
  }

  /// The rows of version 2, written by prepared statements and nothing else.
  private struct FloorCost {
    let instructions: Int?
    let time: TimedProgram.Cost
  }

  private static let counts = [100, 1000, 10_000, 100_000]
  private static let largestCounted = 10_000

  static func measure(into report: BenchReport) throws {
    var rows: [[String]] = []
    var changed: [Int: (cost: Cost, floor: FloorCost)] = [:]
    for count in counts {
      print("  \(count) sessions")
      let bench = try SpeedBench()
      let server = try bench.server()
      try server.populate(count, prefix: "user", received: 1000, sent: 2000)
      try bench.sweep()
      for percent in [100, 1, 0] {
        let change = { try server.addTraffic(received: 10, sent: 20, percent: percent) }
        let floor = percent == 100 ? try self.floor(count) : nil
        let cost = try self.cost(bench, count, change)
        if let floor { changed[count] = (cost, floor) }
        rows.append(row(count, percent, cost, floor))
        if let instructions = cost.instructions {
          report.count("quota-sweep, \(count) sessions, \(percent) % changed", instructions)
        }
        if percent == 0 {
          report.expect(
            "writes of a sweep of \(count), none changed", Double(cost.writes.bytes), atMost: 0,
            " bytes")
        }
      }
    }
    report.add(
      BenchReport.Section(
        title: "A sweep",
        text: """
          Of one server with so many live sessions, each of a user of its own. The floor never \
          changes: the rows that a sweep of version 2 wrote, upserted by prepared statements in one \
          transaction and nothing else (`Tests/bench-floor`). The lock is the one that whoever writes needs, held for the \
          longest time as `strace` saw it. Times are the least of three runs.
          """,
        columns: [
          "sessions", "changed", "instructions", "× the floor", "CPU ms", "× the floor", "wall ms",
          "resident MB", "written KiB", "lock ms",
        ], rows: rows))
    try judge(changed, into: report)
  }

  private static func judge(
    _ changed: [Int: (cost: Cost, floor: FloorCost)], into report: BenchReport
  ) throws {
    guard let small = changed[10_000], let large = changed[100_000],
      let instructions = small.cost.instructions, let floor = small.floor.instructions
    else { return }
    report.expect(
      "quota-sweep, 10 000 changed, instructions", Double(instructions) / Double(floor),
      atMost: 1.5, " × the floor")
    report.expect(
      "quota-sweep, 10 000 changed, CPU time",
      small.cost.time.processor / small.floor.time.processor, atMost: 1.5, " × the floor")
    let growth = large.cost.time.processor / small.cost.time.processor
    let floorGrowth = large.floor.time.processor / small.floor.time.processor
    report.expect(
      "growth of CPU time from 10 000 to 100 000", growth / floorGrowth, atMost: 1.2,
      " × the floor's")
    report.expect(
      "quota-sweep, 10 000 changed, resident", Double(small.cost.resident) / 1_000_000,
      atMost: 16, " MB")
    report.expect(
      "quota-sweep, 100 000 changed, resident", Double(large.cost.resident) / 1_000_000,
      atMost: 64, " MB")
  }

  private static func cost(
    _ bench: SpeedBench, _ count: Int, _ change: () throws -> Void
  ) throws -> Cost {
    var times: [TimedProgram.Cost] = []
    for _ in 0..<3 {
      try change()
      times.append(try TimedProgram.run(bench.command("quota-sweep")))
    }
    try change()
    let resident = try bench.sweep(measuring: .residentBytes())
    try change()
    let writes = try bench.writesOfSweep()
    try change()
    let lock = try bench.longestLockOfSweep()
    try change()
    let instructions =
      count > largestCounted ? nil : try bench.sweep(measuring: .instructions())
    return Cost(
      instructions: instructions, time: times.least, resident: resident, writes: writes,
      lock: lock)
  }

  private static func floor(_ count: Int) throws -> FloorCost {
    let floor = try Floor(sessions: count, changed: count)
    var times: [TimedProgram.Cost] = []
    for _ in 0..<3 {
      let copy = try floor.copy()
      times.append(try withExtendedLifetime(copy) { try TimedProgram.run(floor.command(on: copy)) })
    }
    return FloorCost(
      instructions: count > largestCounted ? nil : try floor.instructions(), time: times.least)
  }

  private static func row(_ count: Int, _ percent: Int, _ cost: Cost, _ floor: FloorCost?)
    -> [String]
  {
    func ratio(_ one: Double?, _ other: Double?) -> String {
      if let one, let other { Decimal.text(one / other) } else { "" }
    }
    return [
      Figures.grouped(count), "\(percent) %", cost.instructions.map(Figures.grouped) ?? "",
      ratio(cost.instructions.map(Double.init), floor?.instructions.map(Double.init)),
      Decimal.text(cost.time.processor), ratio(cost.time.processor, floor?.time.processor),
      Decimal.text(cost.time.wall), Decimal.text(Double(cost.resident) / 1_000_000),
      Decimal.text(Double(cost.writes.bytes) / 1024), Decimal.text(cost.lock),
    ]
  }
}

extension [TimedProgram.Cost] {
  /// The least of each, for what else the machine does only adds.
  fileprivate var least: TimedProgram.Cost {
    TimedProgram.Cost(
      wall: map(\.wall).min() ?? .nan, processor: map(\.processor).min() ?? .nan)
  }
}
