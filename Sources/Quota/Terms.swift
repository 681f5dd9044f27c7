/// What an operator lays down for a user, or for everybody who follows a plan; nil where nothing
/// is said.
package struct Terms: Equatable, Sendable {
  /// Bytes in a period, 0 for unlimited.
  package var quota: Int64?
  /// When usage starts over.
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
  /// For good.
  case unlimited
  /// Up to a second of UTC.
  case until(Int64)
  /// For some seconds.
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
  ///   - time: now, in seconds since 1970 in UTC.
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
  /// It stays as it is.
  case keep
  /// It gets a value of its own.
  case set(Value)
  /// It has no value of its own any more: what the plan says holds, or the default.
  case follow

  /// What comes of a value, or of none.
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

  /// The terms after the change.
  package func applied(to terms: Terms) -> Terms {
    Terms(
      quota: quota.applied(to: terms.quota), period: period.applied(to: terms.period),
      lifetime: lifetime.applied(to: terms.lifetime),
      maxSessions: maxSessions.applied(to: terms.maxSessions),
      grace: grace.applied(to: terms.grace), isExempt: isExempt.applied(to: terms.isExempt),
      rate: rate.applied(to: terms.rate), thenRate: thenRate.applied(to: terms.thenRate))
  }
}
