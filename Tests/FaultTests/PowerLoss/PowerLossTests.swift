import Foundation
import TestSupport
import Testing

/// The power goes before each thing that is done to the disk: all that was not synchronized is lost,
/// or some of it, or parts of what was written.
@Suite struct PowerLossTests {
  let host: PoweredHost

  init() throws { host = try PoweredHost() }

  /// Twelve clients that have been swept, and moved something since.
  private func begin() throws {
    try host.sweep()
    for number in 0..<12 {
      try host.enter("user\(number)", number: number)
      try host.move(5_000_000 + Int64(number), to: "user\(number)")
    }
    try host.sweep()
    try host.disk.beginJournal()
    for user in host.users { try host.move(1_000_000, to: user) }
  }

  private func cut(hasAllHistory: Bool = true) throws {
    let clock = ContinuousClock.now
    var cuts = try PowerCuts(of: host, hasAllHistory: hasAllHistory)
    try cuts.run()
    let seconds = (ContinuousClock.now - clock).components.seconds
    say("power cut at \(cuts.places) places, \(cuts.states) states of the disk, \(seconds) s")
    #expect(cuts.places > 20)
    #expect(cuts.states > cuts.places)
  }

  @Test func `A sweep, the checkpoint at its end and hooks between two sweeps`() throws {
    try begin()
    try host.sweep()
    for user in ["user0", "user1", "user2"] { try host.leave(user) }
    for user in host.users { try host.move(300, to: user) }
    try host.leave("user3")
    try host.enter("late", number: 40)
    try host.move(70_000, to: "late")
    try host.sweep()
    try host.leave("user4")
    try cut()
  }

  @Test func `The pruning of a rotation, with hooks and a sweep after it`() throws {
    try begin()
    try host.leave("user0")
    try LedgerProbe(host.settings.database).addOldEvents(1200)
    try host.prune()
    try host.leave("user1")
    try host.sweep()
    try cut()
  }

  @Test func `The first sweep of all, which makes the database`() throws {
    try host.disk.beginJournal()
    try host.sweep()
    try host.enter("user0", number: 0)
    try host.move(1000, to: "user0")
    try host.sweep()
    try cut()
  }
}
