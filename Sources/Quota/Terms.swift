/// What an operator lays down for a user, or for everybody who follows a plan; nil where nothing
/// is said.
package struct Terms: Equatable, Sendable {
  /// Bytes in a period, 0 for unlimited.
  package var quota: Int64?
  package var period: Period?
  /// How long the user may be one.
  package var lifetime: Lifetime?
  /// Sessions at once, 0 for any number.
  package var maxSessions: Int64?
  /// How far past the quota before anything is done about it.
  package var grace: Grace?
  /// Whether the user is metered only.
  package var isExempt: Bool?
  /// How fast the user may ever be.
  package var rate: RateTerm?
  /// How fast the user may be once the quota is used up; without one they are refused then.
  package var thenRate: RateTerm?

  package init(
    quota: Int64? = nil, period: Period? = nil, lifetime: Lifetime? = nil,
    maxSessions: Int64? = nil, grace: Grace? = nil, isExempt: Bool? = nil,
    rate: RateTerm? = nil, thenRate: RateTerm? = nil
  ) {
    self.quota = quota
    self.period = period
    self.lifetime = lifetime
    self.maxSessions = maxSessions
    self.grace = grace
    self.isExempt = isExempt
    self.rate = rate
    self.thenRate = thenRate
  }

  /// These terms, with those of a plan where these say nothing.
  package func following(_ plan: Terms) -> Terms {
    Terms(
      quota: quota ?? plan.quota, period: period ?? plan.period,
      lifetime: lifetime ?? plan.lifetime, maxSessions: maxSessions ?? plan.maxSessions,
      grace: grace ?? plan.grace, isExempt: isExempt ?? plan.isExempt,
      rate: rate ?? plan.rate, thenRate: thenRate ?? plan.thenRate)
  }

  /// What makes no sense together, as the end of a message; nil if all of it does.
  package var contradiction: String? {
    if let grace, grace != .none {
      if isExempt == true {
        return "grace is for users whose quota is enforced, and an exempt one's is not; "
          + "allowed is grace or exempt, not both"
      }
      if quota == 0 {
        return "grace is what may be used past a quota, and the quota is unlimited; "
          + "allowed is grace with a quota"
      }
    }
    if isExempt == true, rate?.rate != nil || thenRate?.rate != nil {
      return "an exempt user is never slowed down; allowed is a rate or exempt, not both"
    }
    if quota == 0, thenRate?.rate != nil {
      return "a rate for then holds once the quota is used up, and the quota is unlimited; "
        + "allowed is then with a quota, or a rate for always"
    }
    if let then = thenRate?.rate, let rate = rate?.rate, then.atMost(rate) != then {
      return "the rate past the quota, \(then), is faster than the one for always, \(rate); "
        + "allowed is then with the same rate or a slower one"
    }
    return nil
  }
}

/// How long an account lasts.
package enum Lifetime: Equatable, Sendable {
  case unlimited
  case until(Int64)
  case lasting(Int64, from: Beginning)

  /// When it begins to run.
  package enum Beginning: Sendable {
    /// As soon as it holds for the user.
    case atOnce
    /// With the first session from then on.
    case firstConnection
  }
}

extension Lifetime {
  /// When a user's time began and when it is over, as far as either is known yet.
  ///
  /// - Parameters:
  ///   - begun: when it began, if it has already.
  ///   - isConnected: whether the user has a session now; then this moment is the first connection.
  package func course(
    begunAt begun: Int64?, isConnected: Bool, at time: Int64
  ) -> (begunAt: Int64?, endsAt: Int64?) {
    switch self {
    case .unlimited: return (nil, nil)
    case .until(let end): return (nil, end)
    case .lasting(let seconds, let beginning):
      let begun = begun ?? (beginning == .atOnce || isConnected ? time : nil)
      return (begun, begun.map { saturatingSum($0, seconds) })
    }
  }

  /// The seconds that it lasts, where it is not bound to a date.
  package var seconds: Int64? {
    if case .lasting(let seconds, _) = self { seconds } else { nil }
  }
}

/// What is to become of one term.
package enum Edit<Value: Equatable & Sendable>: Equatable, Sendable {
  case keep
  case set(Value)
  /// It has no value of its own any more: what the plan says holds, or the default.
  case follow

  package func applied(to value: Value?) -> Value? {
    switch self {
    case .keep: value
    case .set(let new): new
    case .follow: nil
    }
  }
}

/// A change of some of the terms of a user or a plan.
package struct TermsEdit: Equatable, Sendable {
  package var quota = Edit<Int64>.keep
  package var period = Edit<Period>.keep
  package var lifetime = Edit<Lifetime>.keep
  package var maxSessions = Edit<Int64>.keep
  package var grace = Edit<Grace>.keep
  package var isExempt = Edit<Bool>.keep
  package var rate = Edit<RateTerm>.keep
  package var thenRate = Edit<RateTerm>.keep

  package init() {}

  package func applied(to terms: Terms) -> Terms {
    Terms(
      quota: quota.applied(to: terms.quota), period: period.applied(to: terms.period),
      lifetime: lifetime.applied(to: terms.lifetime),
      maxSessions: maxSessions.applied(to: terms.maxSessions),
      grace: grace.applied(to: terms.grace), isExempt: isExempt.applied(to: terms.isExempt),
      rate: rate.applied(to: terms.rate), thenRate: thenRate.applied(to: terms.thenRate))
  }
}

// The words that the record of a change has for terms: exact, unlike what people are shown.

extension Terms {
  /// A quota in an event.
  package static func exactWords(forQuota quota: Int64) -> String {
    quota == 0 ? "unlimited" : "\(quota) bytes"
  }

  /// What is other than in earlier terms, each as `period month from day 5`.
  ///
  /// - Parameter butQuota: leaves the quota out.
  package func differences(from earlier: Terms, butQuota: Bool = false) -> [String] {
    let differences: [(isOther: Bool, words: String)] = [
      (
        !butQuota && quota != earlier.quota,
        "quota \(quota.map { Terms.exactWords(forQuota: $0) } ?? Terms.unsaid)"
      ),
      (period != earlier.period, "period \(period.map { $0.description } ?? Terms.unsaid)"),
      (lifetime != earlier.lifetime, "expires \(lifetime.map { $0.words } ?? Terms.unsaid)"),
      (
        maxSessions != earlier.maxSessions,
        "sessions \(maxSessions.map { $0 == 0 ? "unlimited" : "\($0)" } ?? Terms.unsaid)"
      ),
      (grace != earlier.grace, "grace \(grace.map { $0.words } ?? Terms.unsaid)"),
      (
        isExempt != earlier.isExempt, "exempt \(isExempt.map { $0 ? "yes" : "no" } ?? Terms.unsaid)"
      ),
      (rate != earlier.rate, "rate \(rate.map { $0.words(for: "none") } ?? Terms.unsaid)"),
      (
        thenRate != earlier.thenRate,
        "then \(thenRate.map { $0.words(for: "cut") } ?? Terms.unsaid)"
      ),
    ]
    return differences.filter { $0.isOther }.map { $0.words }
  }

  private static let unsaid = "default"
}

extension Lifetime {
  fileprivate var words: String {
    switch self {
    case .unlimited: "never"
    case .until(let end): "at \(end)"
    case .lasting(let seconds, .atOnce): "after \(seconds) s"
    case .lasting(let seconds, .firstConnection): "\(seconds) s after the first connection"
    }
  }
}

extension Grace {
  fileprivate var words: String {
    self == .none ? "none" : "\(bytes) bytes and \(percent) %"
  }
}

/// When a user's time is over.
package enum Expiry: Equatable, Sendable {
  case never
  /// At the end of a day.
  case on(Day)
  /// So many seconds from now on.
  case within(Int64)

  /// The hours that a time from now may have: up to 3650 days.
  private static let hours: ClosedRange<Int64> = 1...87_600

  /// Reads `never`, a date such as `2026-12-31`, or a time from now such as `+12h`, `+30d` or
  /// `+2w`, in any case. Whether a date is past is not asked here.
  ///
  /// - Throws: `ExpiryError`, whose description says what is allowed.
  package static func parse(_ text: String) throws(ExpiryError) -> Expiry {
    let word = text.lowercased()
    if word == "never" { return .never }
    if let day = Day.parse(word) { return .on(day) }
    guard word.first == "+" else { throw .malformed(text) }
    let unit: Int64
    switch word.last {
    case "h": unit = 1
    case "d": unit = 24
    case "w": unit = 168
    default: throw .malformed(text)
    }
    let digits = word.dropFirst().dropLast()
    guard !digits.isEmpty, digits.utf8.allSatisfy({ 48...57 ~= $0 }) else { throw .malformed(text) }
    guard let count = decimal(digits), count <= hours.upperBound, hours ~= count * unit else {
      throw .length(text)
    }
    return .within(count * unit * 3600)
  }

  /// The UTC second from which on the time is over; nil for never.
  package func moment(from now: Int64, in zone: Zone) -> Int64? {
    switch self {
    case .never: nil
    case .on(let day): zone.end(of: day)
    case .within(let seconds): saturatingSum(now, seconds)
    }
  }
}

/// Why a text says no expiry; its description is one line that ends with what is allowed.
package enum ExpiryError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A time from now that is too short or too long.
  case length(String)
  /// Anything else, a date that the calendar does not have included.
  case malformed(String)

  package var description: String {
    switch self {
    case .length(let text):
      "\(shown(text)) is too short or too long; allowed are 1 hour to 3650 days, +1h to +3650d"
    case .malformed(let text):
      "\(shown(text)) is no expiry; allowed are never, a date such as 2026-12-31, and 1 hour to "
        + "3650 days from now such as +12h, +30d or +2w"
    }
  }
}
