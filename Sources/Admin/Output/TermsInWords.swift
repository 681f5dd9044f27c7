import Ledger
import Quota

extension Terms {
  /// What these terms say, each in a few words that go behind `has`.
  func inWords(in zone: Zone) -> [String] {
    [
      quota.map { "quota \(words(forQuota: $0))" },
      period.map { $0 == .none ? "no period" : "period \($0)" },
      lifetime.map { $0.inWords(in: zone) },
      maxSessions.map { $0 == 0 ? "any number of sessions" : "\(sessions(Int($0))) at once" },
      grace.map { "\($0 == .none ? "no grace" : "grace \($0.inWords)")" },
      isExempt.map { $0 ? "an exemption" : "no exemption" },
    ].compactMap(\.self)
  }
}

extension Lifetime {
  /// In a few words: `expires 2027-01-01 00:00`.
  func inWords(in zone: Zone) -> String {
    switch self {
    case .unlimited: "no expiry"
    case .until(let end): "expires \(words(forTime: end, in: zone))"
    case .lasting(let seconds, .atOnce): "expires after \(words(forSeconds: seconds))"
    case .lasting(let seconds, .firstConnection):
      "expires \(words(forSeconds: seconds)) after the first connection"
    }
  }
}

extension Grace {
  /// In a few words: `5%`, `1.00 GiB`, `1.00 GiB and 5%`.
  var inWords: String {
    if percent == 0 { return ByteSize.format(bytes) }
    return bytes == 0 ? "\(percent)%" : "\(ByteSize.format(bytes)) and \(percent)%"
  }
}

extension UserRecord {
  /// When the account expires, in a few words; nil for never.
  func expiryInWords(in zone: Zone) -> String? {
    if let end = entitlement.expiresAt { return words(forTime: end, in: zone) }
    return waitingLifetime.map { "\(words(forSeconds: $0)) after the first connection" }
  }

  /// What holds for a new user, each in a few words; what is as for everybody is left out.
  func termsInWords(in zone: Zone) -> [String] {
    var terms = Terms(quota: entitlement.quota)
    if period != .none { terms.period = period }
    if entitlement.maxSessions > 0 { terms.maxSessions = entitlement.maxSessions }
    if entitlement.grace != .none { terms.grace = entitlement.grace }
    if entitlement.isExempt { terms.isExempt = true }
    let expiry = expiryInWords(in: zone).map { "expires \($0)" }
    return terms.inWords(in: zone) + [expiry, plan.map { "plan \($0)" }].compactMap(\.self)
  }

  /// What a change was about, as it is now, each in a few words.
  func inWords(_ edit: TermsEdit, _ choice: PlanChoice, in zone: Zone) -> [String] {
    var terms = Terms()
    if edit.quota != .keep { terms.quota = entitlement.quota }
    if edit.period != .keep { terms.period = period }
    if edit.maxSessions != .keep { terms.maxSessions = entitlement.maxSessions }
    if edit.grace != .keep { terms.grace = entitlement.grace }
    if edit.isExempt != .keep { terms.isExempt = entitlement.isExempt }
    let expiry =
      edit.lifetime == .keep
      ? nil : expiryInWords(in: zone).map { "expires \($0)" } ?? "no expiry"
    let plan = choice == .same ? nil : plan.map { "plan \($0)" } ?? "no plan"
    return terms.inWords(in: zone) + [expiry, plan].compactMap(\.self)
  }
}

/// A time for people: `30 days`, `12 hours`.
func words(forSeconds seconds: Int64) -> String {
  let (unit, name): (Int64, String) = seconds % 86_400 == 0 ? (86_400, "day") : (3600, "hour")
  let count = seconds / unit
  return "\(count) \(name)\(count == 1 ? "" : "s")"
}
