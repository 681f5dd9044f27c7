import TestSupport

/// What follows from what really happened: the least and the most that each may come to.
extension World {
  /// The sessions that only addresses and the order of records tell from one, itself included.
  func second(of session: Session) -> [Session] {
    sessions.filter { $0.isOfOneSecond(with: session) }
  }

  /// Whether a session may be taken for another one of its second: a record of one of them was
  /// lost, or one is neither where it was nor has its address of then.
  func isBlurred(_ session: Session) -> Bool {
    let second = second(of: session)
    return second.count > 1 && second.contains { $0.lostRecord || $0.hasMovedAltogether }
  }

  /// All accounts that may be billed for a session.
  func payers(of session: Session) -> Set<Int> {
    guard isBlurred(session) else { return session.payers }
    return second(of: session).reduce(into: []) { $0.formUnion($1.payers) }
  }

  /// Whether all of a session surely is an account's, where it was told.
  func isSurely(_ session: Session, of account: Account) -> Bool {
    account.isMetered && session.payers == [account.number] && !isBlurred(session)
  }

  /// The parts of sessions that may be an account's, and whether each surely is.
  private func parts(
    of account: Account
  ) -> [(bytes: Usage, clock: ClosedRange<Int64>, isSure: Bool, isReadable: Bool)] {
    guard account.isMetered else { return [] }
    return sessions.filter { !$0.isNoSession && payers(of: $0).contains(account.number) }
      .flatMap { session in
        let isSure = isSurely(session, of: account)
        // An end whose beginning is in no record is nobody's to a hook.
        let isReadable = session.known != .no && !isJournalCut && !session.isMisspelled
        return session.parts.map {
          ($0.bytes, $0.clock, $0.isSure && isSure, $0.isInLedger || isReadable)
        }
      }
  }

  /// What an account has to be billed for, at least and at most.
  func total(of account: Account) -> (least: Usage, most: Usage) {
    var (least, most) = (Usage(), Usage())
    for part in parts(of: account) {
      most += part.bytes
      if part.isSure { least += part.bytes }
    }
    return (least, most)
  }

  /// The same by the number of the day. What moved between two looks at the counters with a midnight
  /// between them may be of either day.
  func days(of account: Account) -> [Int64: (least: Usage, most: Usage)] {
    var days: [Int64: (least: Usage, most: Usage)] = [:]
    for part in parts(of: account) where !part.bytes.isZero {
      let (first, last) = (terms.day(part.clock.lowerBound), terms.day(part.clock.upperBound))
      for day in first...last {
        days[day, default: (Usage(), Usage())].most += part.bytes
        if part.isSure, first == last { days[day, default: (Usage(), Usage())].least += part.bytes }
      }
    }
    return days
  }

  /// What an account's quota has surely counted in the present period, as far as programs can know,
  /// and what it may have counted at most.
  func used(by account: Account) -> (least: Int64, most: Int64) {
    let today = terms.day(clock)
    // Which day it is to a program that runs around midnight nobody can tell.
    if account.isDaily, terms.day(clock + programs.drift) != today { return (0, .max) }
    if account.isBlurred { return (0, .max) }
    var (least, most) = (Usage(), Usage())
    for part in parts(of: account) {
      let days = terms.day(part.clock.lowerBound)...terms.day(part.clock.upperBound)
      if account.isDaily, !days.contains(today) { continue }
      if let reset = account.resetAt, part.clock.upperBound < reset { continue }
      most += part.bytes
      let isAfterReset = account.resetAt.map { part.clock.lowerBound > $0 } ?? true
      let isOfToday = !account.isDaily || days.count == 1
      if part.isSure, part.isReadable, isOfToday, isAfterReset { least += part.bytes }
    }
    return (terms.counted(least), terms.counted(most))
  }

  /// Why an account surely may not be in, as far as programs can know; nil if it may.
  func bar(on account: Account) -> String? {
    if !account.isKnown, terms.rules.unknownUsers == .reject { return "is not a known user" }
    if !account.isMetered { return nil }
    if account.isDisabled { return "is disabled" }
    if let end = account.expiresAt, clock >= end { return "has expired" }
    let used = used(by: account).least
    if !account.isSlowed, let limit = account.limit, used >= limit.most {
      return "has surely used \(used) of \(limit.most)"
    }
    return nil
  }

  /// Whether an account may be kept out.
  func mayBeBarred(_ account: Account) -> Bool {
    if bar(on: account) != nil { return true }
    if let end = account.expiresAt, clock + programs.drift >= end { return true }
    guard account.isMetered, !account.isSlowed, let limit = account.limit else { return false }
    return used(by: account).most >= limit.least
  }

  /// How many sessions an account surely has by what programs know, and how many it may seem to have.
  ///
  /// - Parameters:
  ///   - inLedger: whether to go by the ledger alone, as a sweep does, which may have read the
  ///     journal before the last ends.
  ///   - new: a session that is about to begin: what hooks cannot tell from it may be it.
  func liveSessions(
    of account: Account, inLedger: Bool = false, besides new: Session? = nil
  ) -> (least: Int, most: Int) {
    var (least, most) = (0, 0)
    for session in sessions where payers(of: session).contains(account.number) {
      let isKnown =
        session.known == .ledger
        || session.known == .journal && !isJournalCut && !session.isMisspelled
      let isNew = new.map { $0.isSameAtConnect(as: session) } ?? false
      if session.isLive, isKnown, !isNew, isSurely(session, of: account) { least += 1 }
      let isOver =
        session.isEndSettled || session.isEndTold && !inLedger && !isJournalCut
        || session.isNoSession
      if session.isLive || !isOver { most += 1 }
    }
    return (least, most)
  }
}
