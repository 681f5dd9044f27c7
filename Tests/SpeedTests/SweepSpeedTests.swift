import TestSupport
import Testing

/// What sweeps and changes cost: a sweep runs on every host twice a minute.
///
/// The bounds are what was reached, and some are above the goals: those and where the time goes are in
/// docs/benchmarks.md.
@Suite(.serialized, .printsFigures, .onReleasePrograms)
struct SweepSpeedTests {
  init() throws { try requireReleasePrograms() }

  private func sweep(_ bench: SpeedBench, _ gauge: Gauge) throws -> Int {
    try gauge.figure(of: bench.command("quota-sweep"))
  }

  @Test
  func `a sweep's cost grows with the sessions and not faster, and is near the yardstick`() throws {
    let counts = [1, 1000, 10_000]
    let costs = try counts.map { count in
      let (bench, server) = try SpeedBench.filled(count)
      try server.addTraffic(received: 10, sent: 20)
      let cost = try sweep(bench, .instructions())
      #expect(try bench.probe.sessions.count { $0.usage.received == 1010 } == count)
      Figures.current.add("quota-sweep, \(count) sessions changed", cost)
      try server.addTraffic(received: 10, sent: 20)
      let time = try TimedProgram.run(bench.command("quota-sweep"))
      Figures.current.add("  milliseconds of the processor", ratio: time.processor)
      return cost
    }
    let floor = try Floor(sessions: counts[2]).instructions()
    Figures.current.add("version 2's rows, upserted and nothing else", floor)
    expect("  of that, 10000", ratio: Double(costs[2]) / Double(floor), atMost: 0.64)
    let small = (costs[1] - costs[0]) / counts[1]
    Figures.current.add("  a session, of 1000", small)
    expect(
      "  a session, of 10000", (costs[2] - costs[0]) / counts[2], atMost: small * 13 / 10)
  }

  @Test func `ends of one second that nothing else tells of cost one look each`() throws {
    let (bench, server) = try SpeedBench.filled(100)
    try withExtendedLifetime(server) {
      let quiet = try sweep(bench, .instructions())
      let costs = try [500, 1500].map { count in
        try bench.appendEndsOfOneSecond(of: (1...count).map { "user\($0 % 100)" }, from: count * 10)
        return (try sweep(bench, .instructions()) - quiet) / count
      }
      Figures.current.add("quota-sweep, an end of one second, of 500", costs[0])
      expect("  of 1500 more", costs[1], atMost: costs[0] * 3 / 2)
    }
  }

  @Test func `sessions of one second that come and go cost one look each`() throws {
    let (bench, server) = try SpeedBench.filled(100)
    try withExtendedLifetime(server) {
      let quiet = try sweep(bench, .instructions())
      let costs = try [500, 2000].map { count in
        try bench.appendSessionsOfOneSecond(
          of: (1...count).map { "user\($0 % 100)" }, from: count * 10)
        return (try sweep(bench, .instructions()) - quiet) / count
      }
      Figures.current.add("quota-sweep, a session of one second, of 500", costs[0])
      expect("  of 2000 more", costs[1], atMost: costs[0] * 3 / 2)
    }
  }

  /// 14.9 to 15.4 MB were seen; most of it are files of the program and of the libraries, which are
  /// others on another machine.
  @Test func `a sweep of ten thousand sessions takes less than 18 MB`() throws {
    let bench = try SpeedBench()
    let server = try bench.server()
    try server.populate(10_000, prefix: "user", received: 1000, sent: 2000)
    let first = try sweep(bench, .residentBytes())
    expect("quota-sweep, 10000 new, resident bytes", first, atMost: 18_000_000)
    try server.addTraffic(received: 10, sent: 20)
    let second = try sweep(bench, .residentBytes())
    expect("quota-sweep, 10000 changed, resident bytes", second, atMost: 18_000_000)
  }

  @Test
  func `a sweep writes what changed, and where nothing did nothing`() throws {
    let (bench, server) = try SpeedBench.filled(10_000)
    let unchanged = try bench.writesOfSweep()
    expect("quota-sweep, nothing changed, bytes of the database", unchanged.database, atMost: 0)
    expect("  bytes of the access table", unchanged.access, atMost: 0)
    try server.addTraffic(received: 10, sent: 20)
    let changed = try bench.writesOfSweep()
    #expect(changed.calls > 0)
    expect("quota-sweep, 10000 changed, bytes of the database", changed.database, atMost: 2_500_000)
    expect("  bytes of the access table", changed.access, atMost: 1_500_000)
  }

  @Test func `a sweep writes no more to a database with 400 days of history`() throws {
    // As large as what the past has: a larger number takes more bytes.
    let (bench, server) = try SpeedBench.filled(
      2000, received: 8_000_000_000, sent: 160_000_000_000)
    func written() throws -> Int {
      // The first sweep after a change of the database by hand is not like the others.
      try server.addTraffic(received: 10, sent: 20)
      try bench.sweep()
      try server.addTraffic(received: 10, sent: 20)
      return try bench.writesOfSweep().database
    }
    let young = try written()
    try LongPast.addDays(400, to: bench.probe, users: 2000, sessions: 1)
    let aged = try written()
    Figures.current.add("quota-sweep, 2000 changed, bytes", young)
    Figures.current.add("  after 400 days", aged)
    expect("  of the young one's", ratio: Double(aged) / Double(young), atMost: 1.1)
  }

  @Test func `a plan's change costs little, however many follow it`() throws {
    let followers = 10_000
    let bench = try SpeedBench()
    try bench.admin("plan", "add", "basic", "--quota", "50GB", "--period", "month")
    let names = (1...followers).map { "user\($0),basic\n" }.joined()
    try bench.admin("import", try bench.write("name,plan\n" + names, to: "users.csv"))
    for (words, bound) in [(["plan", "set", "basic"], 36_000), (["set", "user7"], 6000)] {
      let command = [Program.path("quota-admin")] + words + ["--config", bench.config, "--quota"]
      let cost = try Gauge.instructions().figure(of: command + ["60GB"])
      expect("quota-admin \(words[0]), instructions a follower", cost / followers, atMost: bound)
      let time = try TimedProgram.run(command + ["70GB"])
      Figures.current.add("  milliseconds", ratio: time.wall)
    }
    #expect(try bench.probe.count(.history) == 0)
  }
}
