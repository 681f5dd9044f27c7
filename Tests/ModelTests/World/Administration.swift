import TestSupport

/// What an administrator does.
extension World {
  func administer(_ chance: inout SeededRandom) throws {
    // The programs take the ledger for themselves while they change it.
    guard depth == 0 else { return }
    let known = accounts.filter(\.isKnown)
    guard let account = known.randomElement(using: &chance) else { return }
    let change = change(of: account, &chance)
    note("an administrator: \(change)")
    count(.changes)
    if case .rename = change { wait(1) }
    if try programs.administer(change, in: self) { apply(change, to: account) }
    if case .rename = change { wait(1) }
  }

  private func change(of account: Account, _ chance: inout SeededRandom) -> Change {
    let name = account.name
    let bytes = Int64.random(in: 1...300_000, using: &chance)
    switch Int.random(in: 0..<11, using: &chance) {
    case 0: return .quota(name, Bool.random(using: &chance) && !account.isSlowed ? 0 : bytes)
    case 1: return .maxSessions(name, Int.random(in: 0...2, using: &chance))
    case 2:
      let seconds = Int64.random(in: -100...1000, using: &chance)
      return .expiry(name, Bool.random(using: &chance) ? nil : clock + seconds)
    case 3: return .enabled(name, account.isDisabled)
    case 4 where account.quota > 0, 5 where account.quota > 0:
      return .grant(name, bytes, isCarried: Bool.random(using: &chance))
    case 6: return .reset(name)
    case 7 where !terms.setsClock: return .rename(name, to: "user\(fresh())")
    case 8: return .plan(bytes)
    case 9 where planQuota > 0: return .follow(name)
    case 10 where terms.rules.fence && account.quota > 0: return .slow(name, !account.isSlowed)
    default: return .quota(name, bytes)
    }
  }

  private func apply(_ change: Change, to account: Account) {
    switch change {
    case .quota(_, let bytes):
      account.quota = bytes
      followers.remove(account.number)
    case .maxSessions(_, let count): account.maxSessions = count
    case .slow(_, let isSlowed): account.isSlowed = isSlowed
    case .expiry(_, let time): account.expiresAt = time
    case .enabled(_, let isEnabled): account.isDisabled = !isEnabled
    case .grant(_, let bytes, let isCarried):
      if isCarried { account.carried += bytes } else { account.granted += bytes }
    case .reset: account.reset(at: clock)
    case .rename(_, let name): account.rename(to: name, at: clock)
    case .plan(let bytes):
      planQuota = bytes
      for account in accounts where followers.contains(account.number) { account.quota = bytes }
    case .follow:
      followers.insert(account.number)
      account.quota = planQuota
    }
  }

  /// Somebody of the hooks' group, or a loss of power, spoils the journal.
  func spoilJournal(_ chance: inout SeededRandom) throws {
    guard depth == 0 else { return }
    if Bool.random(using: &chance) {
      note("the journal gets lines that no hook wrote")
      return try programs.spoilJournal(&chance)
    }
    note("the journal is cut short")
    try programs.cutJournal(&chance)
    isJournalCut = true
    for session in sessions {
      session.loseRecords()
      if session.lostRecord { addClaimant(of: session) }
    }
  }
}
