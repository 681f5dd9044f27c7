import Gate
import Quota
import System
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
    }
    try compareTotals()
    for account in world.accounts where account.isMetered { try compareDays(of: account) }
    try compareEverybody()
    for fault in try probe.faults(counting: world.terms.rules.count) { world.fail(fault) }
  }

  /// After a sweep that came to its end no session is closed that is live.
  func runAfterSweep() throws {
    try compareRates()
    let closed = try probe.sessions.filter { !$0.isOpen }
    for account in world.accounts where account.isMetered {
      let own = world.sessions.filter { world.payers(of: $0).contains(account.number) }
      guard own.allSatisfy({ world.isSurely($0, of: account) }) else { continue }
      let ended = own.count { !$0.isLive }
      let found = closed.count { $0.user == account.name }
      if found > ended {
        world.fail("\(found) sessions of \(account.name) are closed, and \(ended) have ended")
      }
    }
  }

  /// By the table that the sweep published, those who have used up their quota are slow where that is
  /// theirs, and those who surely have not are fast.
  private func compareRates() throws {
    let time = world.clock
    guard world.programs.drift == 0 else { return }
    var table = try AccessTable(in: Directory(directory(of: world.programs.database)))
    let header = table.header
    for account in world.accounts where account.isSlowed && account.isMetered {
      guard let limit = account.limit,
        let user = try table.user(named: header.names.key(of: Array(account.name.utf8))),
        let number = user.rates
      else { continue }
      let boundaries = try user.rule.map { rule throws in try table.boundaries(of: rule) } ?? []
      let verdict = try decide(
        user.entitlement(
          at: time, boundaries: boundaries, rates: table.rates(of: number), count: header.count),
        at: time, by: Rules(fence: header.fence))
      guard case .allowed(let rate) = verdict else { continue }
      let used = world.used(by: account)
      if used.least >= limit.most, rate == nil {
        world.fail("\(account.name) is fast, having used \(used.least) of \(limit.most)")
      }
      if used.most < limit.least, rate != nil {
        world.fail("\(account.name) is slow, having used \(used.most) of \(limit.least)")
      }
    }
  }

  /// The total of each direction, by every measure that has it.
  private func compareTotals() throws {
    for measure in [LedgerProbe.Measure.sessions, .periods, .history] {
      let sums = try probe.usage(by: measure)
      for account in world.accounts {
        let (least, most) = world.total(of: account)
        let sum = sums[account.name] ?? Usage()
        if !isBetween(least, sum, most) {
          world.fail("\(account.name) has \(sum) by \(measure), and moved \(words(least, most))")
        }
      }
    }
  }

  private func compareDays(of account: Account) throws {
    let days = world.days(of: account)
    let found = try probe.days(of: account.name, in: world.terms.zone).reduce(
      into: [Int64: Usage]()
    ) {
      $0[Day.parse($1.key)?.number ?? .min] = $1.value
    }
    for day in Set(days.keys).union(found.keys) {
      let (least, most) = days[day] ?? (Usage(), Usage())
      let sum = found[day] ?? Usage()
      if !isBetween(least, sum, most) {
        world.fail("\(account.name) has \(sum) on day \(day), and moved \(words(least, most))")
      }
    }
    if account.isDaily { try comparePeriods(of: account, found) }
  }

  /// Where usage starts over each day, periods are days, or parts of days where it was reset.
  private func comparePeriods(of account: Account, _ days: [Int64: Usage]) throws {
    var sums: [Int64: Usage] = [:]
    for period in try probe.periods(of: account.name) {
      sums[world.terms.day(period.start), default: Usage()] += period.usage
    }
    for day in Set(sums.keys).union(days.keys) where sums[day] ?? Usage() != days[day] ?? Usage() {
      world.fail(
        "\(account.name) has \(sums[day] ?? Usage()) in periods of day \(day), and "
          + "\(days[day] ?? Usage())")
    }
  }

  /// All users together: no byte twice, and none lost but what a crash may cost.
  private func compareEverybody() throws {
    var (least, most) = (Usage(), Usage())
    for session in world.sessions where !session.isNoSession {
      let payers = world.accounts.filter { world.payers(of: session).contains($0.number) }
      guard payers.contains(where: \.isMetered) else { continue }
      most += session.moved
      if payers.allSatisfy(\.isMetered), !world.isBlurred(session) {
        least = session.parts.reduce(least) { $1.isSure ? $0 + $1.bytes : $0 }
      }
    }
    let sum = try probe.totalUsage(by: .periods)
    if !isBetween(least, sum, most) {
      world.fail("all have \(sum), and moved \(words(least, most))")
    }
  }

  private func isBetween(_ least: Usage, _ sum: Usage, _ most: Usage) -> Bool {
    (least.received...max(least.received, most.received)).contains(sum.received)
      && (least.sent...max(least.sent, most.sent)).contains(sum.sent)
  }

  private func words(_ least: Usage, _ most: Usage) -> String {
    least == most ? "\(most)" : "\(least) at least and \(most) at most"
  }
}
