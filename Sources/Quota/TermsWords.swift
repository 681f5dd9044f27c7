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
