import TestSupport
import Testing

/// What it costs to tell the kernel whom it has to hold: `quota-fence` runs after each sweep, and for each
/// client that comes.
@Suite(.serialized, .printsFigures, .onReleasePrograms, .enabled(if: HeldKernel.isAvailable))
struct FenceSpeedTests {
  init() throws { try requireReleasePrograms() }

  @Test func `with ten thousand users online a run costs little but after a sweep`() throws {
    let users = try HeldUsers(10_000)
    func measure(_ what: String, atMost bound: Int, _ change: () throws -> Void) throws {
      try change()
      let time = try users.run()
      Figures.current.add(
        "\(what), milliseconds of the processor, nft's too", ratio: time.processor)
      try change()
      expect("  instructions of quota-fence", try users.instructions(), atMost: bound)
    }
    Figures.current.add(
      "all is told, milliseconds of the processor", ratio: try users.run().processor)
    try measure("nothing changed", atMost: 174_000_000) {}
    var quota = 50_000_000_000
    try measure("1 % changed", atMost: 286_000_000) {
      quota += 1_000_000_000
      try users.setQuota(quota, ofFirst: 100)
    }
    try measure("after a sweep", atMost: 234_000_000) { try users.sweep() }
  }

  @Test func `without FENCE there is nothing to do`() throws {
    let (bench, server) = try SpeedBench.filled(100)
    let command = bench.command("quota-fence")
    try withExtendedLifetime(server) {
      expect(
        "quota-fence, FENCE=no, instructions", try Gauge.instructions().figure(of: command),
        atMost: 10_500_000)
      #expect(
        try SystemCalls().calls(of: command[0], Array(command.dropFirst()), environment: [:]).calls
          .allSatisfy { !$0.name.contains("fork") && !$0.name.contains("clone") })
    }
  }
}
