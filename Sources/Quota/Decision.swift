/// The operator's settings that the rules go by.
package struct Rules: Equatable, Sendable {
  package var count: Count
  package var unknownUsers: UnknownUsers
  package var identifyBy: IdentifyBy
  package var names: Names
  /// The quota of a user created on first sight, in bytes, 0 for unlimited.
  package var defaultQuota: Int64
  /// Percentages of a quota that give notice.
  package var notifyAt: [Int]
  /// Days before an expiry that give notice, 0 for never.
  package var notifyDaysLeft: Int64
  /// Seconds between two sweeps.
  package var interval: Int64
  /// Whether users are to be held to their rates.
  package var fence: Bool
  /// Whether what should hold them has not been heard of for long.
  package var isFenceDown = false
  /// What is done about users with a quota once other hosts that share them were not heard of for long.
  package var staleness: Staleness
  /// Whether they were not heard of for that long.
  package var isUnheard = false

  package init(
    count: Count = .total, unknownUsers: UnknownUsers = .allow, identifyBy: IdentifyBy = .auto,
    names: Names = .exact, defaultQuota: Int64 = 0, notifyAt: [Int] = [], notifyDaysLeft: Int64 = 0,
    interval: Int64 = 45, fence: Bool = false, staleness: Staleness = Staleness()
  ) {
    self.count = count
    self.unknownUsers = unknownUsers
    self.identifyBy = identifyBy
    self.names = names
    self.defaultQuota = defaultQuota
    self.notifyAt = notifyAt
    self.notifyDaysLeft = notifyDaysLeft
    self.interval = interval
    self.fence = fence
    self.staleness = staleness
  }

  /// Whether something is done because they were not heard of.
  package var isStale: Bool { isUnheard && staleness.answer != .allow }

  /// Whether something holds users to their rates; where nothing does, there are none.
  package var isFenced: Bool { fence && !isFenceDown }

  /// Seconds without news after which nothing is taken for as it was: three sweeps that are missing.
  package var patience: Int64 { 3 * interval }
}

/// What is done about users with a quota while nobody can tell what they use on other hosts.
package struct Staleness: Equatable, Sendable {
  package enum Answer: Int, Sendable {
    /// What is known holds, and nobody waits for what is not known.
    case allow
    /// Their quota is taken to be used up.
    case reject
    /// The quota of those who have a rate for then is taken to be used up.
    case slow
  }

  /// Seconds without news after which it is done, 60 or more.
  package var seconds: Int64
  package var answer: Answer

  package init(after seconds: Int64 = 60, _ answer: Answer = .allow) {
    self.seconds = seconds
    self.answer = answer
  }
}

/// Whether a user may be in, and if not, why.
package enum Verdict: Equatable, Sendable {
  /// They may, at most at a rate; nil for as fast as it goes.
  case allowed(at: Rate?)
  case refused(Reason)

  package var isAllowed: Bool { if case .allowed = self { true } else { false } }
}

/// Why a user may not be in.
package enum Reason: String, CaseIterable, Sendable {
  /// The quota is used up.
  case quota
  /// Other hosts were not heard of for long, and `SYNC_STALE` takes the quota for used up.
  case stale
  case expired
  /// The user has as many sessions as they may have at once.
  case sessions
  case disabled
  /// The ledger does not know the user, and `UNKNOWN_USERS` is `reject`.
  case unknown
  /// The names are so long that OpenVPN would cut its listing at this client's row, and hide
  /// everybody listed after it.
  case nameTooLong = "name-too-long"
  /// An administrator disconnected the user; they may come back at once.
  case kicked
  /// The server's own script, which runs behind `--then`, refused the client.
  case script
  /// Nobody could tell, and `ON_ERROR` is `reject`.
  case undecided

  /// The reason in words, for a log and for people.
  package var text: String {
    switch self {
    case .quota: "traffic quota used up"
    case .stale: "no news of the other hosts"
    case .expired: "account expired"
    case .sessions: "too many sessions at once"
    case .disabled: "disabled by an administrator"
    case .unknown: "not a known user"
    case .nameTooLong: "name too long for a status listing"
    case .kicked: "disconnected by an administrator"
    case .script: "refused by the server's own script"
    case .undecided: "could not be decided"
    }
  }
}

/// The one rule: may this user be in?
///
/// Used by the connect hook and by the sweep, so that they cannot disagree.
///
/// - Parameter entitlement: what the ledger knows of the user, nil for a user it does not know.
package func decide(_ entitlement: Entitlement?, at time: Int64, by rules: Rules) -> Verdict {
  guard let entitlement else {
    return rules.unknownUsers == .reject ? .refused(.unknown) : .allowed(at: nil)
  }
  if !entitlement.isEnabled { return .refused(.disabled) }
  if entitlement.isExempt { return .allowed(at: nil) }
  if let end = entitlement.expiresAt, time >= end { return .refused(.expired) }
  let slowRate = entitlement.slowRate(by: rules)
  if slowRate == nil, entitlement.isOver(by: rules) {
    return .refused(entitlement.isPresumedOver(by: rules) ? .stale : .quota)
  }
  let maxSessions = entitlement.maxSessionsHere
  if maxSessions != 0, entitlement.sessionsBefore >= maxSessions {
    return .refused(.sessions)
  }
  return .allowed(at: slowRate ?? (rules.isFenced ? entitlement.rate : nil))
}
