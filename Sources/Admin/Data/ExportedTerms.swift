import Support
import Quota

/// One field of terms as it is exported.
enum ExportedValue {
  /// Nothing of their own: what the plan says, or the default.
  case none
  case text(String)
  case number(Int64)
  case truth(Bool)

  init(_ number: Int64?) { self = number.map(Self.number) ?? .none }
  init(_ truth: Bool?) { self = truth.map(Self.truth) ?? .none }
}

/// Terms of a user's own, or of a plan, as they are exported.
struct ExportedTerms {
  /// The values of `Fields.terms`.
  let fields: [ExportedValue]

  init(_ terms: Terms) {
    var (end, seconds, isFromFirst) = (ExportedValue.none, Int64?.none, Bool?.none)
    switch terms.lifetime {
    case nil: break
    case .unlimited: end = .text("never")
    case .until(let time): end = .text(isoTime(time))
    case .lasting(let length, let beginning):
      (seconds, isFromFirst) = (length, beginning == .firstConnection)
    }
    fields = [
      .init(terms.quota), terms.period.map { .text($0.text ?? "none") } ?? .none, end,
      .init(seconds), .init(isFromFirst), .init(terms.maxSessions), .init(terms.grace?.bytes),
      .init(terms.grace?.percent), .init(terms.isExempt),
    ]
  }
}
