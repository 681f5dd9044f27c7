import Foundation
import TestSupport
import Testing

/// What the hooks cost: the VPN stands still while one runs.
@Suite(.serialized, .printsFigures, .onReleasePrograms)
struct HookSpeedTests {
  init() throws { try requireReleasePrograms() }

  private func command(_ hook: String, _ bench: SpeedBench) -> [String] {
    bench.command(hook, "--server", "s0")
  }

  private func instructions(
    _ hook: String, _ bench: SpeedBench, _ environment: [String: String]
  ) throws -> Int {
    try Gauge.instructions().figure(of: command(hook, bench), environment: environment)
  }

  @Test(arguments: ["quota-connect", "quota-disconnect"])
  func `a hook takes 120 000 instructions, 40 system calls, 200 kB and 0.6 MB at most`(
    hook: String
  ) throws {
    let (bench, server) = try SpeedBench.filled()
    try bench.admin(
      "plan", "add", "basic", "--quota", "50GB", "--period", "month", "--reset-day", "5",
      "--expires", "+300d", "--grace", "5%")
    try bench.admin("set", "user7", "--plan", "basic", "--follow", "quota")
    try bench.admin("grant", "user7", "10GB", "--carry")
    let session = HookSession("user7", number: 1)
    let environment =
      hook == "quota-connect"
      ? session.connecting : session.disconnecting(received: 1000, sent: 2000)
    let command = command(hook, bench)
    try withExtendedLifetime(server) {
      expect("\(hook), instructions", try instructions(hook, bench, environment), atMost: 120_000)
      expect(
        "  system calls", try SystemCalls.count(of: command, environment: environment), atMost: 40)
      expect("  size", Int(try Program.size(command[0])), atMost: 200_000)
      let resident = try Gauge.residentBytes().figure(of: command, environment: environment)
      expect("  resident bytes", resident, atMost: 600_000)
      let times = try FreshCopies.median(
        of: [
          FreshCopies.Contender(command[0], Array(command.dropFirst())) { _ in environment },
          FreshCopies.Contender("/usr/bin/true", []) { _ in environment },
        ], rounds: 50)
      Figures.current.add("  milliseconds", ratio: times[0].wall)
      Figures.current.add("  of those of /usr/bin/true", ratio: times[0].wall / times[1].wall)
    }
  }

  @Test func `a user whom the quota slows down costs no more at the door`() throws {
    let (bench, server) = try SpeedBench.filled()
    try bench.fence()
    try bench.admin(
      "plan", "add", "basic", "--quota", "1kB", "--period", "month", "--then", "1Mbit", "--rate",
      "50Mbit/10Mbit")
    try bench.admin("set", "user7", "--plan", "basic", "--follow", "quota")
    let environment = HookSession("user7", number: 1).connecting
    try withExtendedLifetime(server) {
      expect(
        "quota-connect, slowed", try instructions("quota-connect", bench, environment),
        atMost: 120_000)
      try bench.admin("set", "user7", "--max-sessions", "5")
      Figures.current.add(
        "  with a limit of sessions", try instructions("quota-connect", bench, environment))
    }
  }

  @Test(arguments: ["quota-connect", "quota-disconnect"])
  func `a hook writes one line, and waits for nothing`(hook: String) throws {
    let (bench, server) = try SpeedBench.filled()
    let traces = try TemporaryDirectory()
    let session = HookSession("user7", number: 1)
    let environment =
      hook == "quota-connect"
      ? session.connecting : session.disconnecting(received: 1000, sent: 2000)
    let traced = WaitingCalls.tracing(into: traces.path) + command(hook, bench)
    try withExtendedLifetime(server) {
      let outcome = try Program.run(
        traced[0], Array(traced.dropFirst()), environment: environment)
      #expect(outcome.status == 0)
      let waits = try WaitingCalls.all(in: traces.path)
      #expect(waits.hooks == 1)
      #expect(waits.calls == [])
      let command = command(hook, bench)
      let calls = try SystemCalls().calls(
        of: command[0], Array(command.dropFirst()), environment: environment
      ).calls.filter(\.changesSomething)
      #expect(calls.map(\.name) == ["write", "exit_group"])
    }
  }

  @Test func `a hook costs the same with a hundred times as many users`() throws {
    let costs = try [1000, 100_000].map { users in
      let bench = try SpeedBench()
      try ManyUsers.fill(bench.probe, users: users, days: 1)
      // What was changed by hand is published with what a program changes.
      try FileManager.default.removeItem(atPath: bench.state + "/access")
      try bench.admin("add", "newcomer")
      let session = HookSession("user0501@example.org", number: 1)
      let cost = try instructions("quota-connect", bench, session.connecting)
      Figures.current.add("quota-connect, \(users) users", cost)
      return cost
    }
    expect("  of each other", ratio: Double(costs[1]) / Double(costs[0]), atMost: 1.1)
  }

  @Test func `lines that wait in the journal cost one look each, and only where they matter`()
    throws
  {
    let (bench, server) = try SpeedBench.filled()
    for name in ["user7", "user9"] { try bench.admin("set", name, "--max-sessions", "5") }
    try bench.sweep()
    try withExtendedLifetime(server) {
      func cost(_ name: String) throws -> Int {
        try instructions("quota-connect", bench, HookSession(name, number: 1).connecting)
      }
      let quiet = (limited: try cost("user7"), free: try cost("user8"))
      try bench.appendWaitingLines(of: (0..<5000).map { "user\($0 % 500 + 100)" })
      // One of whom the journal has no line yet.
      let busy = (limited: try cost("user9"), free: try cost("user8"))
      Figures.current.add("quota-connect, with a limit of sessions", quiet.limited)
      // Between 280 and 630 were seen: how far the search may skip hangs on the digits of the second.
      expect(
        "  a line of another client that waits", (busy.limited - quiet.limited) / 10_000,
        atMost: 700)
      Figures.current.add("quota-connect, without a limit", quiet.free)
      expect(
        "  after 10 000 lines", ratio: Double(busy.free) / Double(quiet.free), atMost: 1.05)
      // What looks for a few of the user's own in between looks at numbers.
      try bench.appendWaitingLines(of: ["user7", "user1", "user7", "user1"], from: 9000)
      expect(
        "  a line of another client, where some are the user's own",
        (try cost("user7") - quiet.limited) / 10_000, atMost: 600)
    }
  }

  @Test func `the user's own lines that wait cost one look each, however many they are`() throws {
    let (bench, server) = try SpeedBench.filled()
    try bench.admin("set", "user7", "--max-sessions", "5")
    try bench.sweep()
    try withExtendedLifetime(server) {
      func cost() throws -> Int {
        try instructions("quota-connect", bench, HookSession("user7", number: 1).connecting)
      }
      let quiet = try cost()
      let costs = try [1000, 2000].map { start in
        try bench.appendWaitingLines(of: Array(repeating: "user7", count: 1000), from: start)
        return try cost() - quiet
      }
      expect("quota-connect, a line of the user's own", costs[0] / 2000, atMost: 11_000)
      expect(
        "  twice as many", ratio: Double(costs[1]) / Double(costs[0]), atMost: 2.1)
    }
  }

  @Test func `variables that a hook does not read cost it one look at their bytes`() throws {
    let bench = try SpeedBench()
    try bench.admin("add", "alice")
    let costs = try [10, 100_000].map { size in
      let environment = try HugeEnvironment(
        size: size, session: HookSession("alice", number: 1).connecting)
      let gauge = try Gauge.instructions()
      let command = environment.prefix + gauge.prefix + command("quota-connect", bench)
      try Program.run(command[0], Array(command.dropFirst()), environment: [:]).requireSuccess()
      let cost = try #require(try gauge.take().last)
      Figures.current.add("quota-connect, variables of \(size) bytes", cost)
      return cost
    }
    expect("  of the small ones'", ratio: Double(costs[1]) / Double(costs[0]), atMost: 1.5)
  }
}
