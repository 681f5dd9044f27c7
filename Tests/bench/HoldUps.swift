import Foundation
import System
import TestSupport

/// How long the VPN stands still for hooks while sweeps of 10 000 sessions run back to back, and at
/// its end.
enum HoldUps {
  private static let clients = 1000

  static func measure(into report: BenchReport) throws {
    try latencies(into: report)
    try stop(into: report)
  }

  private static func latencies(into report: BenchReport) throws {
    let bench = try SpeedBench()
    let server = try bench.server()
    try server.populate(10_000, prefix: "user", received: 1000, sent: 2000)
    try bench.sweep()
    var number = 0
    let idle = try run(bench, &number) {}
    let sweeps = Sweeps(of: server, bench)
    let busy = try run(bench, &number, meanwhile: sweeps.goOn)
    let count = sweeps.count
    let waits = try self.waits(bench, &number, meanwhile: sweeps.goOn)
    try sweeps.end()
    func row(_ name: String, _ times: [Double]) -> [String] {
      [name] + [0.5, 0.99, 1].map { Decimal.text(times.quantile($0)) }
    }
    report.add(
      BenchReport.Section(
        title: "Hooks while sweeps run",
        text: """
          \(clients) clients come and go, first on an idle host, then while sweeps of 10 000 changed \
          sessions run back to back (\(count) of them), in milliseconds by the clock. Waits are \
          those that `strace` saw a hook ask for, of \(waits.count) hooks.
          """,
        columns: ["", "p50", "p99", "max"],
        rows: [
          row("quota-connect, idle", idle.connect), row("quota-connect, busy", busy.connect),
          row("quota-disconnect, idle", idle.disconnect),
          row("quota-disconnect, busy", busy.disconnect), row("waits for a lock, busy", waits),
        ]))
    report.expect(
      "quota-connect, p99 while sweeps run",
      busy.connect.quantile(0.99) / idle.connect.quantile(0.99), atMost: 5, " × idle")
    report.expect("longest wait of a hook for a lock", waits.max() ?? .nan, atMost: 30, " ms")
  }

  /// Sweeps that run one after another, each of sessions that have all changed.
  private final class Sweeps {
    private let server: SimulatedServer
    private let bench: SpeedBench
    private var present: TimedProgram?
    private(set) var count = 0

    init(of server: SimulatedServer, _ bench: SpeedBench) {
      self.server = server
      self.bench = bench
    }

    /// Starts the next one, if the last has ended.
    func goOn() throws {
      guard try present?.hasEnded() ?? true else { return }
      try server.addTraffic(received: 10, sent: 20)
      present = try TimedProgram(bench.command("quota-sweep"))
      count += 1
    }

    func end() throws { _ = try present?.hasEnded(waiting: true) }
  }

  /// Lets clients come and go, one after another as OpenVPN does.
  private static func run(
    _ bench: SpeedBench, _ number: inout Int, meanwhile: () throws -> Void
  ) throws -> (connect: [Double], disconnect: [Double]) {
    var times: (connect: [Double], disconnect: [Double]) = ([], [])
    for _ in 0..<clients {
      try meanwhile()
      let session = session(&number)
      times.connect.append(
        try TimedProgram.run(bench.command("quota-connect"), environment: session.connecting).wall)
      times.disconnect.append(
        try TimedProgram.run(
          bench.command("quota-disconnect"),
          environment: session.disconnecting(received: 1000, sent: 2000)
        ).wall)
    }
    return times
  }

  private static func session(_ number: inout Int) -> HookSession {
    number += 1
    return HookSession(
      name: "user\(number)", process: 4711, since: Int64(1000 + number), address: "10.98.0.7")
  }

  /// How long hooks waited for a lock while sweeps ran, in milliseconds.
  private static func waits(
    _ bench: SpeedBench, _ number: inout Int, meanwhile: () throws -> Void
  ) throws -> [Double] {
    var waits: [Double] = []
    for _ in 0..<clients {
      try meanwhile()
      let session = session(&number)
      for (hook, environment) in [
        ("quota-connect", session.connecting),
        ("quota-disconnect", session.disconnecting(received: 1000, sent: 2000)),
      ] {
        waits.append(
          try LockWait.of(bench.command(hook), environment: environment).asked)
      }
    }
    return waits
  }

  /// A server with a thousand clients is told to stop.
  private static func stop(into report: BenchReport) throws {
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
    report.add(
      BenchReport.Section(
        title: "A server with 1 000 clients stops",
        text: "On SIGTERM, with a disconnect hook for each client; the server is the simulator.",
        columns: ["", "seconds"],
        rows: [["without hooks", Decimal.text(without)], ["with hooks", Decimal.text(with)]]))
    report.expect("a server with 1 000 clients stops", with - without, atMost: 5, " s more")
  }
}
