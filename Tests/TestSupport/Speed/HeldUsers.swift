import Foundation
import Gate
import System

/// Users online, each with a quota, whom a kernel holds: a bench for `quota-fence`.
package final class HeldUsers {
  package let bench: SpeedBench
  private let server: SimulatedServer
  private let kernel: HeldKernel
  private let count: Int

  /// - Parameter count: how many, each with one session.
  package init(_ count: Int) throws {
    self.count = count
    kernel = try HeldKernel()
    bench = try SpeedBench()
    server = try bench.server(runsHooks: false)
    try bench.fence()
    try setQuota(50_000_000_000, ofFirst: count)
    // They came in over some minutes. Hooks that are started for each of them would take as long.
    let first = Int64(Date().timeIntervalSince1970) - 300
    var lines: [UInt8] = []
    for number in 1...count {
      let (high, low) = (number / 250, number % 250 + 1)
      let (address, port) = ("10.9.\(high).\(low)", 20_000 + number)
      let since = first + Int64(number / 100)
      _ = try server.enter(
        "user\(number)", address: address, real: "192.0.2.1:\(port)", since: since)
      lines += JournalRecord(
        kind: .in, mark: UInt64(number), boot: Boot.current(), serverStart: 1,
        server: Array("s0".utf8), pid: Int64(server.processID), connectedSince: since,
        realtime: Clock.realtime, boottime: Clock.boottime, ipv4: Array(address.utf8),
        device: Array("tun0".utf8), clientHost: Array("192.0.2.1".utf8),
        clientPort: Array("\(port)".utf8), commonName: Array("user\(number)".utf8),
        owner: Array("user\(number)".utf8)
      ).encoded()
    }
    try bench.appendToJournal(lines)
    try sweep()
  }

  /// Everybody moves something, and a sweep counts it, in another second than the one before: a fence tells
  /// sweeps apart by these.
  package func sweep() throws {
    let second = time(nil)
    while time(nil) == second { usleep(10_000) }
    try server.addTraffic(received: 100_000, sent: 200_000)
    try bench.sweep()
  }

  /// Sets the quota of the first so many users, in bytes.
  package func setQuota(_ quota: Int, ofFirst number: Int) throws {
    let lines = (1...number).map { "user\($0),\(quota)\n" }
    let file = try bench.write("name,quota_bytes\n" + lines.joined(), to: "quotas.csv")
    try bench.admin("import", file)
  }

  /// The command that tells the kernel.
  package var command: [String] { kernel.wrapper + bench.command("quota-fence", "--verbose") }

  package static let environment = ["PATH": "/usr/sbin:/usr/bin:/bin"]

  /// Tells the kernel, and gives what that took, nft included.
  package func run() throws -> TimedProgram.Cost {
    try TimedProgram.run(command, environment: HeldUsers.environment)
  }

  /// Instructions of `quota-fence` alone.
  package func instructions() throws -> Int {
    let gauge = try Gauge.instructions()
    let outcome = try Program.run(
      kernel.wrapper[0],
      Array(kernel.wrapper.dropFirst()) + gauge.prefix
        + bench.command("quota-fence", "--verbose"), environment: HeldUsers.environment,
      timeout: 120)
    try outcome.requireSuccess()
    guard let figure = try gauge.take().last else {
      throw Gauge.Missing(description: outcome.errors)
    }
    guard outcome.output.hasPrefix("\(count) users held at \(count) addresses, 0 refused\n") else {
      throw Gauge.Missing(description: outcome.output)
    }
    return figure
  }
}
