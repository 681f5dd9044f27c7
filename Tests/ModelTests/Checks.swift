import Ledger
import Quota
import TestSupport

/// What the ledger says, against what is true.
struct Checks {
  private let world: World
  private let probe: LedgerProbe

  init(_ world: World) {
    self.world = world
    probe = LedgerProbe(world.programs.database)
  }

  /// - Parameter afterAllLeft: whether no session may be open any more.
  func run(afterAllLeft: Bool = false) throws {
    if afterAllLeft {
      let open = try probe.openSessions.count
      if open > 0 { world.fail("\(open) sessions are open after all have left") }
      let left = try Spool(besideDatabase: world.programs.database).readAll().reports.count
      if left > 0 { world.fail("\(left) final reports are in the spool after two sweeps") }
    }
    try compareTotals()
    for name in world.everybody { try compareDays(of: name) }
    try compareEverybody()
    for fault in try probe.faults(counting: world.terms.rules.count) { world.fail(fault) }
  }

  /// The total of each direction, by every measure that has it.
  private func compareTotals() throws {
    for measure in [LedgerProbe.Measure.sessions, .periods, .history] {
      let sums = try probe.usage(by: measure)
      for name in world.everybody {
        let (least, most) = world.total(of: name)
        let sum = sums[name] ?? Usage()
        if !isBetween(least, sum, most) {
          world.fail("\(name) has \(sum) by \(measure), and moved \(words(least, most))")
        }
      }
    }
  }

  private func compareDays(of name: String) throws {
    let days = world.days(of: name)
    let found = try probe.days(of: name, in: Zone { [offset = world.terms.offset] _ in offset })
      .reduce(into: [Int64: Usage]()) {
        $0[Day.parse($1.key)?.number ?? .min] = $1.value
      }
    for day in Set(days.keys).union(found.keys) {
      let (least, most) = days[day] ?? (Usage(), Usage())
      let sum = found[day] ?? Usage()
      if !isBetween(least, sum, most) {
        world.fail("\(name) has \(sum) on day \(day), and moved \(words(least, most))")
      }
    }
    if world.terms.user(name).isDaily { try comparePeriods(of: name, found) }
  }

  /// Where usage starts over each day, periods are days.
  private func comparePeriods(of name: String, _ days: [Int64: Usage]) throws {
    for period in try probe.periods(of: name) {
      let sum = period.usage
      let day = world.terms.day(period.start)
      if sum != days[day] ?? Usage() {
        world.fail("\(name) has \(sum) in the period of day \(day), and \(days[day] ?? Usage())")
      }
    }
  }

  /// Whoever it was: no byte twice, and none lost but what a crash may cost.
  private func compareEverybody() throws {
    var (least, most) = (Usage(), Usage())
    for session in world.sessions where !session.isNoSession {
      guard session.payers.contains(where: world.terms.isMetered) else { continue }
      most += session.moved
      let isMetered = session.payers.allSatisfy(world.terms.isMetered)
      if isMetered, !session.isConfused {
        least = session.parts.reduce(least) { $1.isSure ? $0 + $1.bytes : $0 }
      }
    }
    let sum = try probe.totalUsage(by: .sessions)
    if !isBetween(least, sum, most) {
      world.fail("all have \(sum), and moved \(words(least, most))")
    }
  }

  private func isBetween(_ least: Usage, _ sum: Usage, _ most: Usage) -> Bool {
    (least.received...most.received).contains(sum.received)
      && (least.sent...most.sent).contains(sum.sent)
  }

  private func words(_ least: Usage, _ most: Usage) -> String {
    least == most ? "\(most)" : "\(least) at least and \(most) at most"
  }
}
