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
  /// The account has expired.
  case expired
  /// The user has as many sessions as they may have at once.
  case sessions
  /// An administrator disabled the user.
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
/// - Parameters:
///   - entitlement: what the ledger knows of the user, nil for a user it does not know.
///   - time: seconds since 1970 in UTC.
package func decide(_ entitlement: Entitlement?, at time: Int64, by rules: Rules) -> Verdict {
  guard let entitlement else {
    return rules.unknownUsers == .reject ? .refused(.unknown) : .allowed(at: nil)
  }
  if !entitlement.isEnabled { return .refused(.disabled) }
  if entitlement.isExempt { return .allowed(at: nil) }
  if let end = entitlement.expiresAt, time >= end { return .refused(.expired) }
  let slowRate = entitlement.slowRate(by: rules)
  if slowRate == nil, entitlement.isOver(by: rules.count) { return .refused(.quota) }
  if entitlement.maxSessions > 0, entitlement.sessionsBefore >= entitlement.maxSessions {
    return .refused(.sessions)
  }
  return .allowed(at: slowRate ?? (rules.fence ? entitlement.rate : nil))
}
