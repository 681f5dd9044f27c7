import TestSupport

/// What follows from what really happened: the least and the most that each may come to.
extension World {
  /// Who may have been billed: everybody who was ever shown as a name.
  var everybody: [String] {
    Set(terms.users.map(\.name) + sessions.flatMap(\.payers)).sorted()
  }

  /// Whether all of a session surely is a user's, where it was told.
  func isSurely(_ session: Session, of name: String) -> Bool {
    session.payers == [name] && !session.isConfused && terms.isMetered(name)
  }

  /// The parts of sessions that may be a user's, and whether each surely is.
  private func parts(
    of name: String
  ) -> [(bytes: Usage, clock: ClosedRange<Int64>, isSure: Bool, isInLedger: Bool)] {
    guard terms.isMetered(name) else { return [] }
    return sessions.filter { $0.payers.contains(name) && !$0.isNoSession }.flatMap { session in
      let isSure = isSurely(session, of: name)
      return session.parts.map { ($0.bytes, $0.clock, $0.isSure && isSure, $0.isInLedger) }
    }
  }

  /// What a user has to be billed for, at least and at most.
  func total(of name: String) -> (least: Usage, most: Usage) {
    var (least, most) = (Usage(), Usage())
    for part in parts(of: name) {
      most += part.bytes
      if part.isSure { least += part.bytes }
    }
    return (least, most)
  }

  /// The same by the number of the day. What moved between two looks at the counters with a midnight
  /// between them may be of either day.
  func days(of name: String) -> [Int64: (least: Usage, most: Usage)] {
    var days: [Int64: (least: Usage, most: Usage)] = [:]
    for part in parts(of: name) where !part.bytes.isZero {
      let (first, last) = (terms.day(part.clock.lowerBound), terms.day(part.clock.upperBound))
      for day in first...last {
        days[day, default: (Usage(), Usage())].most += part.bytes
        if part.isSure, first == last { days[day, default: (Usage(), Usage())].least += part.bytes }
      }
    }
    return days
  }

  /// What a user's quota has surely counted in the present period, as the ledger knows it, and what
  /// it may have counted at most.
  func used(by name: String) -> (least: Int64, most: Int64) {
    let isDaily = terms.user(name).isDaily
    let today = terms.day(clock)
    // Which day it is to a program that runs around midnight nobody can tell.
    if isDaily, terms.day(clock + programs.drift) != today { return (0, .max) }
    var (least, most) = (Usage(), Usage())
    for part in parts(of: name) {
      let days = terms.day(part.clock.lowerBound)...terms.day(part.clock.upperBound)
      if isDaily, !days.contains(today) { continue }
      most += part.bytes
      if part.isSure, part.isInLedger, !isDaily || days.count == 1 { least += part.bytes }
    }
    return (terms.counted(least), terms.counted(most))
  }

  /// Whether a user has surely used his quota up, as far as the ledger can know.
  func isSurelyOver(_ name: String) -> Bool {
    let quota = terms.user(name).quota
    return terms.isMetered(name) && quota > 0 && used(by: name).least >= quota
  }

  /// Whether a user may have used his quota up.
  func mayBeOver(_ name: String) -> Bool {
    let quota = terms.user(name).quota
    return terms.isMetered(name) && quota > 0 && used(by: name).most >= quota
  }
}
