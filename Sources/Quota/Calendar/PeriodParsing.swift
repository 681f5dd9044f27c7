extension Period {
  /// Reads a period as people type it, in any case.
  ///
  /// - Parameters:
  ///   - period: `none`, `day`, `week`, `month`, `year`, or days such as `30d` or `30 days`.
  ///   - resetDay: when it begins: a day of the week (Monday if nil), a day of the month (1 if
  ///     nil), or a date for days (today if nil); nil for the others.
  ///   - today: the date in the zone that the period is for.
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
