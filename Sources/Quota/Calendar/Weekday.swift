/// A day of the week; ISO 8601 begins it on Monday.
package enum Weekday: Int64, CaseIterable, Sendable {
  case monday = 1
  case tuesday
  case wednesday
  case thursday
  case friday
  case saturday
  case sunday

  /// The English name in small letters: `monday`.
  package var name: String {
    switch self {
    case .monday: "monday"
    case .tuesday: "tuesday"
    case .wednesday: "wednesday"
    case .thursday: "thursday"
    case .friday: "friday"
    case .saturday: "saturday"
    case .sunday: "sunday"
    }
  }

  /// The day that a name or its first three letters stand for, in any case; nil for other texts.
  package init?(parsing text: String) {
    let word = text.lowercased()
    let match = Weekday.allCases.first { $0.name == word || $0.name.prefix(3) == word }
    guard let match else { return nil }
    self = match
  }
}
