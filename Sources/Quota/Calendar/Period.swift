/// How often a quota begins anew, by the calendar of a zone.
package enum Period: Equatable, Sendable {
  /// Never.
  case none
  /// At midnight.
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
  ///
  /// - Parameters:
  ///   - time: the moment in UTC seconds, 0 or more.
  ///   - zone: where the days begin.
  /// - Returns: a span that contains the moment.
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
