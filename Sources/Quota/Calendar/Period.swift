/// How often a quota begins anew, by the calendar of a zone.
package enum Period: Equatable, Sendable {
  case none
  case day
  /// At the start of a day of the week.
  case week(Weekday)
  /// At the start of a day of the month, 1 to 31; a month that is too short begins its period on
  /// its last day.
  case month(Int)
  /// On 1 January.
  case year
  /// Every so many days, counted from a date in both directions.
  case days(Int, from: Day)

  /// The period that a moment falls in.
  ///
  /// The spans of one zone follow each other without a gap: where a clock that is set back shows
  /// the midnight between two of them twice, the later one begins the first time.
  package func span(at time: Int64, in zone: Zone) -> TimeSpan {
    if self == .none { return .always }
    let first = firstDay(around: Day(of: time, in: zone))
    var (start, next) = (zone.start(of: first), nextFirstDay(after: first))
    while let day = next {
      let end = zone.start(of: day)
      if time < end { return TimeSpan(start: start, end: end) }
      (start, next) = (end, nextFirstDay(after: day))
    }
    return TimeSpan(start: start, end: .max)
  }

  /// The day on which the period begins that a day is part of.
  private func firstDay(around day: Day) -> Day {
    switch self {
    case .none, .day: return day
    case .week(let weekday):
      return day + -remainder(day.weekday.rawValue - weekday.rawValue, by: 7)
    case .month(let resetDay):
      let (year, month, _) = day.civil
      let present = Period.day(resetDay, ofMonth: month, year)
      if let present, present <= day { return present }
      let last =
        month == 1
        ? Period.day(resetDay, ofMonth: 12, year - 1)
        : Period.day(resetDay, ofMonth: month - 1, year)
      return last ?? Day(number: .min)
    case .year: return Day(year: day.civil.year, month: 1, day: 1) ?? day
    case .days(let count, let origin):
      return day + -remainder(day.number - origin.number, by: Int64(max(1, count)))
    }
  }

  /// The day on which the period after the one that begins on a day begins; nil after the end of
  /// the calendar.
  private func nextFirstDay(after first: Day) -> Day? {
    let (year, month, _) = first.civil
    return switch self {
    case .none: nil
    case .day: first.later(by: 1)
    case .week: first.later(by: 7)
    case .month(let resetDay):
      month == 12
        ? Period.day(resetDay, ofMonth: 1, year + 1)
        : Period.day(resetDay, ofMonth: month + 1, year)
    case .year: Day(year: year + 1, month: 1, day: 1)
    case .days(let count, _): first.later(by: Int64(max(1, count)))
    }
  }

  /// A day of a month, or the month's last day if it has no such day; nil beyond the calendar.
  private static func day(_ day: Int, ofMonth month: Int64, _ year: Int64) -> Day? {
    for date in stride(from: Int64(min(max(day, 1), 31)), through: 1, by: -1) {
      if let day = Day(year: year, month: month, day: date) { return day }
    }
    return nil
  }
}

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

extension Period {
  /// Reads a period as people type it, in any case.
  ///
  /// - Parameters:
  ///   - period: `none`, `day`, `week`, `month`, `year`, or days such as `30d` or `30 days`.
  ///   - resetDay: when it begins: a day of the week (Monday if nil), a day of the month (1 if
  ///     nil), or a date for days (today if nil); nil for the others.
  /// - Throws: `PeriodError`, whose description says what is allowed.
  package static func parse(
    _ period: String, resetDay: String?, today: Day
  ) throws(PeriodError) -> Period {
    switch period.lowercased() {
    case "none": return try unless(resetDay, .none)
    case "day": return try unless(resetDay, .day)
    case "year": return try unless(resetDay, .year)
    case "week":
      guard let resetDay else { return .week(.monday) }
      guard let weekday = Weekday(parsing: resetDay) else { throw .noWeekday(resetDay) }
      return .week(weekday)
    case "month":
      guard let resetDay else { return .month(1) }
      guard let day = decimal(resetDay), 1...31 ~= day else { throw .noDayOfMonth(resetDay) }
      return .month(Int(day))
    default:
      let count = try days(period)
      guard let resetDay else { return .days(count, from: today) }
      guard let origin = Day.parse(resetDay) else { throw .noDate(resetDay) }
      return .days(count, from: origin)
    }
  }

  private static func unless(
    _ resetDay: String?, _ period: Period
  ) throws(PeriodError) -> Period {
    guard resetDay == nil else { throw .noResetDay(period) }
    return period
  }

  /// The number in `30d`, `30 days` or `1 day`.
  private static func days(_ text: String) throws(PeriodError) -> Int {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }.lowercased()
    guard !digits.isEmpty, ["d", "day", "days"].contains(unit) else { throw .unknown(text) }
    guard let count = decimal(digits), lengths ~= count else { throw .length(text) }
    return Int(count)
  }
}

/// Why a text is no period, or no day for one to begin on; its description is one line that ends
/// with what is allowed.
package enum PeriodError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A text that is no period at all.
  case unknown(String)
  /// A period of too few or too many days.
  case length(String)
  /// A week cannot begin on this.
  case noWeekday(String)
  /// A month cannot begin on this.
  case noDayOfMonth(String)
  /// A number of days cannot be counted from this.
  case noDate(String)
  /// This period's first day cannot be chosen.
  case noResetDay(Period)

  package var description: String {
    switch self {
    case .unknown(let text):
      "\(shown(text)) is no period; allowed are none, day, week, month, year, and 1 to 3650 days "
        + "such as 30d"
    case .length(let text):
      "\(shown(text)) is no length of a period; allowed are 1 to 3650 days"
    case .noWeekday(let text):
      "\(shown(text)) is no day of the week; allowed are monday to sunday, or mon to sun"
    case .noDayOfMonth(let text):
      "\(shown(text)) is no day of the month; allowed are 1 to 31, and a short month begins its "
        + "period on its last day"
    case .noDate(let text):
      "\(shown(text)) is no date; allowed are dates such as 2026-12-31"
    case .noResetDay(.none):
      "without a period there is no day for it to begin on; allowed with week, month and days"
    case .noResetDay:
      "a day begins at midnight and a year on 1 January; a day to begin on is allowed with week, "
        + "month and days"
    }
  }
}

/// A text from outside for a one-line message: as it is if it is short and printable ASCII, which
/// cannot break the line or a terminal, and otherwise only referred to.
func shown(_ text: String) -> String {
  if text.isEmpty { return "an empty text" }
  let isPlain = text.utf8.count <= 40 && text.utf8.allSatisfy { 0x20...0x7E ~= $0 }
  return isPlain ? text : "the text given"
}
