import TestSupport
import Testing

@Suite struct `A model of a VPN host` {
  @Test func `agrees with the ledger in thousands of lives in process`() throws {
    let folder = try TemporaryDirectory()
    let template = try InProcess.makeTemplate(in: folder)
    Campaign(of: "lives in process", count: 2000, length: 10...40) { run, tellsStory in
      run.play(tellsStory: tellsStory) { try InProcess($0, template: template) }
    }.run()
  }

  @Test(.enabled(if: FakedClock.isAvailable))
  func `agrees with the ledger in 50 lives with real programs`() {
    Campaign(of: "lives with real programs", count: 50, length: 8...25) { run, tellsStory in
      run.play(tellsStory: tellsStory) { try RealPrograms($0) }
    }.run()
  }

  @Test func `fails where a byte is missing or told twice`() throws {
    let folder = try TemporaryDirectory()
    let template = try InProcess.makeTemplate(in: folder)
    for error in [-1, 1] as [Int64] {
      let fails = (1...20 as ClosedRange<UInt64>).contains { seed in
        let run = Run(seed: seed, steps: 10...40)
        return !run.play { try Miscounting(InProcess($0, template: template), error) }.failures
          .isEmpty
      }
      #expect(fails, "\(error) bytes")
    }
  }
}

@Suite struct `A model of three hosts and their centre` {
  @Test func `agrees with all of them in 500 lives of several hosts`() throws {
    let folder = try TemporaryDirectory()
    let template = try InProcess.makeTemplate(in: folder)
    Campaign(of: "lives of several hosts", count: 500, length: 12...40) { run, tellsStory in
      run.playFleet(tellsStory: tellsStory, template: template)
    }.run()
  }
}

/// Programs under which OpenVPN's final counters are wrong by some bytes.
private final class Miscounting: Programs {
  private let programs: InProcess
  private let error: Int64

  init(_ programs: InProcess, _ error: Int64) {
    self.programs = programs
    self.error = error
  }

  var database: String { programs.database }
  var drift: Int64 { programs.drift }
  var knowsBoots: Bool { programs.knowsBoots }

  func possible(_ fault: Fault) -> Fault { programs.possible(fault) }

  func connect(
    _ call: HookCall, in world: World, _ fault: Fault, script: Int32?, pause: () -> Void
  ) throws -> Bool {
    try programs.connect(call, in: world, fault, script: script, pause: pause)
  }

  func disconnect(_ call: HookCall, in world: World, _ fault: Fault, pause: () -> Void) throws {
    var call = call
    if let counters = call.counters {
      call.counters = Usage(received: max(0, counters.received + error), sent: counters.sent)
    }
    try programs.disconnect(call, in: world, fault, pause: pause)
  }

  func sweep(_ world: World, _ fault: Fault, pause: @escaping () -> Void) throws -> Bool {
    try programs.sweep(world, fault, pause: pause)
  }

  func administer(_ change: Change, in world: World) throws -> Bool {
    try programs.administer(change, in: world)
  }

  func cutJournal(_ chance: inout SeededRandom) throws { try programs.cutJournal(&chance) }

  func spoilJournal(_ chance: inout SeededRandom) throws { try programs.spoilJournal(&chance) }
}
