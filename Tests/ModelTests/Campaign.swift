import Foundation
import Synchronization
import TestSupport
import Testing

/// Many runs, one after another, up to the first that fails: it is told as a story, in as few steps
/// as it takes.
///
/// `MODEL_SEED=N` replays one run and tells its story whatever comes of it. With `SOAK=SECONDS` they go
/// on for so long, 0 for without end, from a seed that the clock chooses or `SOAK_SEED=N` names.
struct Campaign {
  private let name: String
  private let count: UInt64
  private let length: ClosedRange<Int>
  private let play: @Sendable (Run, _ tellsStory: Bool) -> Run.Result

  /// - Parameters:
  ///   - name: what the runs are called in the one line that is printed.
  ///   - length: how many steps one has.
  ///   - play: lets one happen.
  init(
    of name: String, count: UInt64, length: ClosedRange<Int>,
    _ play: @escaping @Sendable (Run, _ tellsStory: Bool) -> Run.Result
  ) {
    self.name = name
    self.count = count
    self.length = length
    self.play = play
  }

  func run() {
    if let seed = Campaign.number("MODEL_SEED") { return replay(seed) }
    if let seconds = Campaign.number("SOAK") { return soak(seconds == 0 ? .max : seconds) }
    let begun = Date()
    let results = Mutex((failed: [UInt64](), counts: [String: Int]()))
    DispatchQueue.concurrentPerform(iterations: Int(count)) { index in
      let seed = UInt64(index + 1)
      guard results.withLock({ $0.failed.isEmpty }) else { return }
      let result = play(Run(seed: seed, steps: length), false)
      results.withLock {
        if !result.failures.isEmpty { $0.failed.append(seed) }
        $0.counts.merge(result.counts, uniquingKeysWith: +)
      }
    }
    if let seed = results.withLock({ $0.failed.min() }) {
      let run = Run(seed: seed, steps: length)
      return report(run, play(run, false).failures)
    }
    let counts = results.withLock { $0.counts }
    let seconds = Date().timeIntervalSince(begun)
    let figures = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    print(
      "\(count) \(name): \(figures.joined(separator: ", ")); "
        + String(format: "%.0f s, %.1f a second", seconds, Double(count) / seconds))
  }

  private func soak(_ seconds: UInt64) {
    let begun = Date()
    let start = Campaign.number("SOAK_SEED") ?? UInt64(begun.timeIntervalSince1970) * 1_000_000
    var (seed, told) = (start, begun)
    while Date().timeIntervalSince(begun) < Double(seconds) {
      let run = Run(seed: seed, steps: length)
      let failures = play(run, false).failures
      if !failures.isEmpty { return report(run, failures) }
      seed += 1
      if Date().timeIntervalSince(told) < 5 { continue }
      told = Date()
      let line = "\(name): at seed \(seed), \(seed - start) without a failure\n"
      FileHandle.standardOutput.write(Data(line.utf8))
    }
  }

  private func replay(_ seed: UInt64) {
    let run = Run(seed: seed, steps: length)
    let result = play(run, true)
    if !result.failures.isEmpty { return report(run, result.failures) }
    print(result.story.joined(separator: "\n"))
  }

  private func report(_ run: Run, _ failures: [String]) {
    let small = run.shrunk { !play($0, false).failures.isEmpty }
    let story = play(small, true).story
    Issue.record(
      """
      \(failures.first ?? "a failure that did not come again")
      seed \(run.seed) fails, also in \(small.steps.count) of its \(run.steps.count) steps:
      \(story.joined(separator: "\n"))
      again: MODEL_SEED=\(run.seed) swift test --disable-xctest --filter '\(name)'
      """)
  }

  private static func number(_ name: String) -> UInt64? {
    ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
  }
}
