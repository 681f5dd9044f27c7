import TestSupport

/// What hooks cost while nobody sweeps.
enum StormCosts {
  private static let moments = [1, 10, 100, 1000]

  static func measure(into report: BenchReport) throws {
    let bench = try SpeedBench()
    try bench.fill(try bench.server())
    var rows: [[String]] = []
    var costs: [(connect: Int, disconnect: Int)] = []
    for number in 1...(moments.last ?? 0) {
      let session = HookSession(
        name: "user\(number % 1000 + 1)", process: 4711, since: Int64(1000 + number),
        address: "10.98.0.7")
      guard moments.contains(number) else {
        try run(session, bench)
        continue
      }
      let cost = try count(session, bench)
      costs.append(cost)
      rows.append(["\(number)", Figures.grouped(cost.connect), Figures.grouped(cost.disconnect)])
    }
    report.add(
      BenchReport.Section(
        title: "Hooks without sweeps",
        text: """
          \(moments.last ?? 0) clients come and go in a row, and no sweep runs. The write-ahead log \
          grows until hooks leave their records in the spool instead.
          """,
        columns: ["client", "quota-connect, instructions", "quota-disconnect, instructions"],
        rows: rows))
    report.count("quota-connect, 1 000th client without a sweep", costs[3].connect)
    report.count("quota-disconnect, 1 000th client without a sweep", costs[3].disconnect)
    report.expect(
      "quota-connect, 1 000th client without a sweep",
      Double(costs[3].connect) / Double(costs[1].connect), atMost: 1.1, " × the 10th")
    report.expect(
      "quota-disconnect, 1 000th client without a sweep",
      Double(costs[3].disconnect) / Double(costs[1].disconnect), atMost: 1.1, " × the 10th")
  }

  private static func run(_ session: HookSession, _ bench: SpeedBench) throws {
    _ = try TimedProgram.run(bench.command("quota-connect"), environment: session.connecting)
    _ = try TimedProgram.run(
      bench.command("quota-disconnect"),
      environment: session.disconnecting(received: 1000, sent: 2000))
  }

  private static func count(
    _ session: HookSession, _ bench: SpeedBench
  ) throws -> (connect: Int, disconnect: Int) {
    func instructions(_ program: String, _ environment: [String: String]) throws -> Int {
      try Gauge.instructions().figure(of: bench.command(program), environment: environment)
    }
    let connect = try instructions("quota-connect", session.connecting)
    return (
      connect,
      try instructions("quota-disconnect", session.disconnecting(received: 1000, sent: 2000))
    )
  }
}
