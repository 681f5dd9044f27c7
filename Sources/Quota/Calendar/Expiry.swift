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
  ///
  /// - Parameters:
  ///   - now: what a time from now is counted from, in UTC seconds.
  ///   - zone: where a day ends.
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
