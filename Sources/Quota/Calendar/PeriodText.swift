extension Period: CustomStringConvertible {
  /// The days that a period of `days` may have.
  static let lengths: ClosedRange<Int64> = 1...3650

  /// The period as the ledger stores it: `day`, `week monday`, `month 5`, `year`,
  /// `30 days from 2026-11-05`; nil for none.
  package var text: String? {
    switch self {
    case .none: nil
    case .day: "day"
    case .week(let weekday): "week \(weekday.name)"
    case .month(let day): "month \(day)"
    case .year: "year"
    case .days(let count, let origin): "\(count) days from \(origin)"
    }
  }

  /// The period that a stored text stands for; nil for anything that `text` does not write.
  package init?(text: String?) {
    guard let text else {
      self = .none
      return
    }
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    guard let period = Period(words), period.text == text else { return nil }
    self = period
  }

  private init?(_ words: [Substring]) {
    switch (words.first, words.count) {
    case ("day", 1): self = .day
    case ("year", 1): self = .year
    case ("week", 2):
      guard let weekday = Weekday(parsing: String(words[1])) else { return nil }
      self = .week(weekday)
    case ("month", 2):
      guard let day = decimal(words[1]), 1...31 ~= day else { return nil }
      self = .month(Int(day))
    case (_, 4):
      guard let count = decimal(words[0]), Period.lengths ~= count,
        let origin = Day.parse(String(words[3]))
      else { return nil }
      self = .days(Int(count), from: origin)
    default: return nil
    }
  }

  /// The period for people: `none`, `day`, `week from Monday`, `month`, `month from day 5`, `year`,
  /// `30 days from 2026-11-05`.
  package var description: String {
    switch self {
    case .none: "none"
    case .week(let weekday):
      "week from " + weekday.name.prefix(1).uppercased() + weekday.name.dropFirst()
    case .month(1): "month"
    case .month(let day): "month from day \(day)"
    case .day, .year, .days: text ?? ""
    }
  }
}
