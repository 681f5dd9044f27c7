/// What the ledger knows of a user that bears on whether he may be in.
package struct Standing: Equatable, Sendable {
  /// Whether an administrator lets him in at all.
  package var isEnabled: Bool
  /// Bytes he may use, 0 for as many as he likes.
  package var quota: Int64
  /// What he used in the present period, live sessions included as far as they were counted.
  package var used: Traffic

  package init(isEnabled: Bool = true, quota: Int64 = 0, used: Traffic = Traffic()) {
    self.isEnabled = isEnabled
    self.quota = quota
    self.used = used
  }
}

/// The operator's settings that bear on who may be in.
package struct Rules: Equatable, Sendable {
  /// What a quota counts.
  package var count: Count
  /// What becomes of somebody the ledger does not know.
  package var unknownUsers: UnknownUsers
  /// The quota of a user created on first sight, in bytes, 0 for unlimited.
  package var defaultQuota: Int64

  package init(
    count: Count = .total, unknownUsers: UnknownUsers = .allow, defaultQuota: Int64 = 0
  ) {
    self.count = count
    self.unknownUsers = unknownUsers
    self.defaultQuota = defaultQuota
  }
}

/// Whether a user may be in, and if not, why.
package enum Verdict: Equatable, Sendable {
  case allowed
  case refused(Reason)
}

/// Why a user may not be in.
package enum Reason: String, CaseIterable, Sendable {
  /// He used as much as his quota, or more.
  case quota
  /// An administrator disabled him.
  case disabled
  /// The ledger does not know him, and `UNKNOWN_USERS` is `reject`.
  case unknown
  /// His names are so long that OpenVPN would cut its listing at his row, and with it everybody
  /// who is listed behind him.
  case nameTooLong = "name-too-long"
  /// An administrator disconnected him; he may come back at once.
  case kicked
  /// Nobody could tell, and `ON_ERROR` is `reject`.
  case undecided

  /// The reason in words, for a log and for people.
  package var text: String {
    switch self {
    case .quota: "traffic quota used up"
    case .disabled: "disabled by an administrator"
    case .unknown: "not a known user"
    case .nameTooLong: "name too long for a status listing"
    case .kicked: "disconnected by an administrator"
    case .undecided: "could not be decided"
    }
  }
}

/// The one rule: may this user be in?
///
/// The hook at the door and the sweep over live sessions both ask here, so that nobody is let in
/// only to be thrown out, nor kept out by one and suffered by the other.
///
/// - Parameter standing: what the ledger knows of the user, nil for somebody it does not know.
package func decide(_ standing: Standing?, by rules: Rules) -> Verdict {
  guard let standing else {
    return rules.unknownUsers == .reject ? .refused(.unknown) : .allowed
  }
  if !standing.isEnabled { return .refused(.disabled) }
  if standing.quota > 0, rules.count.bytes(of: standing.used) >= standing.quota {
    return .refused(.quota)
  }
  return .allowed
}
