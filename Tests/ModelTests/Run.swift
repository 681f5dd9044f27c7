import TestSupport

/// One run of a host's life, made from a seed.
struct Run {
  let seed: UInt64
  /// The seed of each step; each is a whole of its own, so that some can be left out.
  var steps: [UInt64]

  init(seed: UInt64, steps range: ClosedRange<Int>) {
    self.seed = seed
    var chance = SeededRandom(seed: seed)
    let count = Int.random(in: range, using: &chance)
    steps = (0..<count).map { _ in chance.next() }
  }

  /// What came of one.
  struct Result {
    var failures: [String]
    /// What happened, if it is to be read.
    var story: [String] = []
    /// How often each thing happened.
    var counts: [String: Int] = [:]
  }

  /// Lets it happen, and holds the ledger against the truth.
  func play(
    tellsStory: Bool = false, _ make: (HostTerms) throws -> any Programs
  ) -> Result {
    var chance = SeededRandom(seed: ~seed)
    let terms = HostTerms(&chance)
    do {
      let world = World(terms, programs: try make(terms), tellsStory: tellsStory)
      do {
        for seed in steps {
          var chance = SeededRandom(seed: seed)
          try world.step(&chance)
          if !world.failures.isEmpty { break }
        }
        if world.failures.isEmpty { try world.windUp() }
      } catch {
        world.fail("\(error)")
      }
      let counts = world.counts.map { ($0.key.rawValue, $0.value) }
      return Result(
        failures: world.failures, story: world.story,
        counts: Dictionary(uniqueKeysWithValues: counts))
    } catch {
      return Result(failures: ["\(error)"])
    }
  }

  /// The same failure in fewer steps, as far as leaving some out finds it.
  func shrunk(_ fails: (Run) -> Bool) -> Run {
    var best = self
    var size = max(1, steps.count / 2)
    while true {
      var start = 0
      while start < best.steps.count {
        var fewer = best
        fewer.steps.removeSubrange(start..<min(start + size, best.steps.count))
        if fails(fewer) { best = fewer } else { start += size }
      }
      if size == 1 { return best }
      size = max(1, size / 2)
    }
  }
}

extension World {
  /// Faults are over: what is live is swept, then all leave, and what crashes left is swept up.
  func windUp() throws {
    note("all faults are over")
    isCalm = true
    for server in servers { start(server) }
    var chance = SeededRandom(seed: 0)
    try advance(90, &chance)
    try sweep(&chance)
    try Checks(self).run()
    if !failures.isEmpty { return }
    while !late.isEmpty { try runLateHook(&chance) }
    for server in servers { try stop(server, &chance) }
    for server in servers { start(server) }
    try advance(90, &chance)
    try sweep(&chance)
    try Checks(self).run(afterAllLeft: true)
  }
}
