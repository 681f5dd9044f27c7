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
