import Foundation
import TestSupport
import Testing

/// What the programs cost, counted in instructions of the whole process: the VPN stands still while
/// a hook runs, and a sweep runs on every host twice a minute.
///
/// Only release programs are measured; `QUOTA_PROGRAMS` says where they are. With `CI=true` their
/// absence is a failure.
@Suite(
  .serialized, .printsFigures,
  .enabled("needs release programs in QUOTA_PROGRAMS") {
    try Program.isStatic("quota-connect")
      || ProcessInfo.processInfo.environment["CI"] == "true"
  })
struct ProgramSpeedTests {
  init() throws {
    try #require(
      try Program.isStatic("quota-connect"), "\(Program.directory) has no release programs")
  }

  private var figures: Figures { Figures.current }

  /// Gives a figure a row in the table and expects it to stay within its bound.
  private func expect(
    _ what: String, _ value: Int, atMost bound: Int, at location: SourceLocation = #_sourceLocation
  ) {
    figures.add(what, value, atMost: bound)
    #expect(value <= bound, "\(what)", sourceLocation: location)
  }

  private func expect(
    _ what: String, ratio: Double, atMost bound: Double,
    at location: SourceLocation = #_sourceLocation
  ) {
    figures.add(what, ratio: ratio, atMost: bound)
    #expect(ratio <= bound, "\(what)", sourceLocation: location)
  }

  @Test func `the connect hook costs less than the SQLite shell's lookup`() throws {
    let bench = try SpeedBench()
    let gauge = try Gauge.instructions()
    let server = try bench.server(measuring: gauge)
    try bench.fill(server)
    let shell = try bench.shell(HookStatements.lookup(of: "user7"))
    #expect(shell.output.contains("|active|0|0|0|||1000|2000|"))
    #expect(try !server.enter("user7").isRefused)
    let hook = try #require(try gauge.take().last)
    figures.add("sqlite3, lookup of a user", shell.instructions)
    expect("quota-connect, known user", hook, atMost: 1_400_000)
    expect("  of the shell's", ratio: Double(hook) / Double(shell.instructions), atMost: 0.5)
  }

  @Test
  func `plan, period and grants cost the connect hook next to nothing, and it writes nothing`()
    throws
  {
    let bench = try SpeedBench()
    let gauge = try Gauge.instructions()
    let server = try bench.server(measuring: gauge)
    try bench.fill(server)
    try bench.admin(
      "plan", "add", "basic", "--quota", "50GB", "--period", "month", "--reset-day", "5",
      "--expires", "+300d", "--grace", "5%")
    try bench.admin("set", "user7", "--plan", "basic", "--follow", "quota")
    for kind in [[], ["--carry"]] {
      try bench.admin(arguments: ["grant", "user7", "10GB"] + kind)
    }
    try bench.sweep()
    let before = try bench.databaseFile
    let shell = try bench.shell(HookStatements.lookup(of: "user7"))
    #expect(shell.output.contains("|active|50000000000|10000000000|10000000000|0|5|"))
    #expect(try !server.enter("user7").isRefused)
    let hook = try #require(try gauge.take().last)
    figures.add("sqlite3, lookup of a user with plan, period and grants", shell.instructions)
    figures.add("quota-connect, with plan, period and grants", hook)
    expect("  of the shell's", ratio: Double(hook) / Double(shell.instructions), atMost: 0.5)
    #expect(bench.logSize == 0, "what is written goes to the write-ahead log, and that is empty")
    #expect(try bench.databaseFile == before)
  }

  @Test func `a limit of sessions costs the connect hook a look at the spool`() throws {
    let bench = try SpeedBench()
    let gauge = try Gauge.instructions()
    let measured = try bench.server(measuring: gauge)
    let server = try bench.server()
    try bench.fill(server)
    try bench.admin("set", "user7", "--max-sessions", "5")
    _ = try measured.enter("user7")
    let quiet = try #require(try gauge.take().last)
    figures.add("quota-connect, with a limit of sessions", quiet)
    for number in 0..<200 { _ = try server.enter("user\(number + 100)") }
    _ = try measured.enter("user7")
    let busy = try #require(try gauge.take().last)
    let each = (busy - quiet) / 200
    figures.add("  a record of somebody else in the spool", each)
    expect("  a record of somebody else in the spool", each, atMost: 20_000)
  }

  @Test func `the disconnect hook costs less than the SQLite shell with its statements`()
    throws
  {
    let bench = try SpeedBench()
    let gauge = try Gauge.instructions()
    let server = try bench.server(measuring: gauge)
    try bench.fill(server)
    let alice = try server.enter("alice", address: "10.99.0.7", since: SpeedBench.since)
    try bench.sweep()
    let shell = try bench.shell(HookStatements.closing(on: server))
    #expect(shell.output.contains("\n101000|202000\n"))
    try alice.setCounters(received: 101_000, sent: 202_000)
    _ = try gauge.take()
    try alice.leave()
    let hook = try #require(try gauge.take().last)
    #expect(
      try bench.probe.sessions.first { $0.endedBy == "hook" }?.usage.received == 101_000)
    figures.add("sqlite3, the statements of a closing", shell.instructions)
    expect("quota-disconnect, swept session", hook, atMost: 2_700_000)
    expect("  of the shell's", ratio: Double(hook) / Double(shell.instructions), atMost: 0.75)
  }

  @Test func `the hooks take less than 8 MB`() throws {
    let bench = try SpeedBench()
    let gauge = try Gauge.residentBytes()
    let server = try bench.server(measuring: gauge)
    try bench.fill(server)
    let alice = try server.enter("alice")
    let connect = try #require(try gauge.take().last)
    expect("quota-connect, resident bytes", connect, atMost: 8_000_000 - 1)
    try bench.sweep()
    try alice.upload(1000)
    try alice.leave()
    let disconnect = try #require(try gauge.take().last)
    expect("quota-disconnect, resident bytes", disconnect, atMost: 8_000_000 - 1)
  }

  @Test func `hooks cost no more after hundreds of sessions without a sweep`() throws {
    let bench = try SpeedBench()
    let gauge = try Gauge.instructions()
    let busy = try bench.server()
    let measured = try bench.server(measuring: gauge)
    try bench.fill(busy)
    /// The costs of one session's two hooks.
    func cost() throws -> (connect: Int, disconnect: Int) {
      let client = try measured.enter("user7")
      let connect = try #require(try gauge.take().last)
      try client.upload(1000)
      try client.leave()
      return (connect, try #require(try gauge.take().last))
    }
    func close(_ count: Int) throws {
      for number in 0..<count {
        let client = try busy.enter("user\(number % 500 + 1)")
        try client.upload(1000)
        try client.leave()
      }
    }
    let fresh = try cost()
    figures.add("quota-connect after a sweep", fresh.connect)
    figures.add("quota-disconnect after a sweep", fresh.disconnect)
    // The write-ahead log grows up to where hooks no longer add to it, and the spool takes over.
    try close(10)
    let early = try cost()
    try close(490)
    let late = try cost()
    #expect(try bench.probe.openSessions.count == 1000)
    figures.add("quota-connect after 10 closings", early.connect)
    figures.add("quota-disconnect after 10 closings", early.disconnect)
    expect("quota-connect after 500 closings", late.connect, atMost: early.connect * 11 / 10)
    expect(
      "quota-disconnect after 500 closings", late.disconnect, atMost: early.disconnect * 11 / 10)
    try bench.sweep()
    #expect(try bench.probe.loggedSessions.count == 503)
  }

  @Test func `variables that a hook does not read cost it one look at their bytes`() throws {
    let bench = try SpeedBench()
    try bench.admin("add", "alice")
    try bench.sweep()
    let costs = try [10, 100_000].map { size in
      let environment = try HugeEnvironment(
        size: size,
        session: [
          "script_type": "client-connect", "common_name": "alice", "daemon_pid": "4711",
          "time_unix": "\(SpeedBench.since)", "ifconfig_pool_remote_ip": "10.99.0.7",
        ])
      let cost = try bench.connect(in: environment)
      figures.add("quota-connect, variables of \(size) bytes", cost)
      return cost
    }
    expect("  of the small ones'", ratio: Double(costs[1]) / Double(costs[0]), atMost: 1.5)
  }

  @Test
  func `a sweep's cost grows with the number of sessions and not faster, and is near its floor`()
    throws
  {
    let counts = [0, 1000, 10_000]
    let costs = try counts.map { count in
      let bench = try SpeedBench()
      let server = try bench.server()
      try server.populate(count, prefix: "user", received: 1000, sent: 2000)
      try bench.sweep()
      try server.addTraffic(received: 10, sent: 20)
      let cost = try bench.sweep(measuring: .instructions())
      #expect(try bench.probe.sessions.count { $0.usage.received == 1010 } == count)
      figures.add("quota-sweep, \(count) sessions changed", cost)
      if count == counts.last {
        let floor = try Floor(sessions: count, changed: count).instructions()
        figures.add("  the yardstick: version 2's rows, upserted and nothing else", floor)
        expect("  of that", ratio: Double(cost) / Double(floor), atMost: 1.5)
      }
      return cost
    }
    let small = (costs[1] - costs[0]) / counts[1]
    let large = (costs[2] - costs[0]) / counts[2]
    figures.add("  a session, of 1000", small)
    expect("  a session, of 10000", large, atMost: small * 13 / 10)
  }

  @Test func `a sweep of ten thousand sessions takes less than 16 MB`() throws {
    let bench = try SpeedBench()
    let server = try bench.server()
    try server.populate(10_000, prefix: "user", received: 1000, sent: 2000)
    let first = try bench.sweep(measuring: .residentBytes())
    expect("quota-sweep, 10000 new, resident bytes", first, atMost: 16_000_000 - 1)
    try server.addTraffic(received: 10, sent: 20)
    let second = try bench.sweep(measuring: .residentBytes())
    expect("quota-sweep, 10000 changed, resident bytes", second, atMost: 16_000_000 - 1)
  }

  @Test func `a sweep writes the same to 400 days of history as to a young database`() throws {
    let bytes = try [0, 400].map { days in
      let bench = try SpeedBench()
      let server = try bench.server()
      try server.populate(2000, prefix: "user", received: 1000, sent: 2000)
      try bench.sweep()
      if days > 0 { try LongPast.age(bench.probe, users: 2000, days: days) }
      try server.addTraffic(received: 10, sent: 20)
      try bench.sweep()
      try server.addTraffic(received: 10, sent: 20)
      let bytes = try bench.writesOfSweep().bytes
      figures.add("quota-sweep, 2000 changed, \(days) days of history, bytes", bytes)
      return bytes
    }
    expect("  of the young one's", ratio: Double(bytes[1]) / Double(bytes[0]), atMost: 1.1)
  }

  @Test func `a change of a plan that a hundred thousand follow takes less than a second`() throws {
    let bench = try SpeedBench()
    try bench.admin("plan", "add", "basic", "--quota", "50GB", "--period", "month")
    try bench.probe.addFollowers(100_000, of: "basic")
    try LongPast.age(bench.probe, users: 100_000, days: 2)
    for change in [["--quota", "60GB"], ["--max-sessions", "3"], ["--period", "week"]] {
      let words = ["plan", "set", "basic"] + change
      let outcome = try Program.run(
        "/usr/bin/time",
        ["--format=%U %S", Program.path("quota-admin")] + words + ["--config", bench.config],
        environment: [:])
      let times = outcome.errors.split { $0 == " " || $0 == "\n" }.compactMap { Double($0) }
      try #require(outcome.status == 0 && times.count == 2, "\(outcome.errors)")
      expect(
        "\(words.joined(separator: " ")), 100000 followers, seconds", ratio: times[0] + times[1],
        atMost: 1)
    }
    #expect(try bench.probe.users.count { $0.quota == 60_000_000_000 } == 100_000)
  }

  @Test func `a sweep that finds nothing new writes nothing to the database`() throws {
    let bench = try SpeedBench()
    let server = try bench.server()
    try server.populate(10_000, prefix: "user", received: 1000, sent: 2000)
    try bench.sweep()
    let unchanged = try bench.writesOfSweep().calls
    #expect(unchanged == 0)
    figures.add("quota-sweep, nothing changed, writes", unchanged, atMost: 0)
    try server.addTraffic(received: 10, sent: 20, percent: 1)
    let changed = try bench.writesOfSweep().calls
    #expect(changed > 0)
    figures.add("quota-sweep, 100 changed, writes", changed)
  }
}
