/// A calendar day in some zone.
package struct Day: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Days since 1970-01-01, negative before.
  package let number: Int64

  /// 0001-01-01 and 9999-12-31: dates of four digits sort as text.
  private static let calendar: ClosedRange<Int64> = -719_162...2_932_896

  /// The day so many days after 1970-01-01; the first or last of the calendar for one beyond it.
  package init(number: Int64) {
    self.number = min(max(number, Day.calendar.lowerBound), Day.calendar.upperBound)
  }

  /// A date of the proleptic Gregorian calendar, 0001-01-01 to 9999-12-31; nil if there is none.
  package init?(year: Int64, month: Int64, day: Int64) {
    guard 1...9999 ~= year, 1...12 ~= month, 1...31 ~= day else { return nil }
    // The arithmetic of `civil`, the other way round.
    let shifted = month <= 2 ? year - 1 : year
    let (era, yearOfEra) = shifted.quotientAndRemainder(dividingBy: 400)
    let marchMonth = month <= 2 ? month + 9 : month - 3
    let dayOfYear = (153 * marchMonth + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    number = era * 146_097 + dayOfEra - 719_468
    // The 31st of a short month comes out as the 1st of the next.
    guard civil.day == day else { return nil }
  }

  /// The day that a date such as `2026-12-31` names, written exactly so; nil for any other text.
  package static func parse(_ text: String) -> Day? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, let year = decimal(parts[0]), let month = decimal(parts[1]),
      let date = decimal(parts[2]), let day = Day(year: year, month: month, day: date)
    else { return nil }
    return day.description == text ? day : nil
  }

  /// The day that a second of UTC falls on in a zone; the first or last of the calendar for a
  /// second beyond it.
  package init(of second: Int64, in zone: Zone) {
    let (local, overflow) = second.addingReportingOverflow(Int64(zone.offset(second)))
    let seconds = overflow ? second : local
    let days = seconds / 86_400 - (seconds % 86_400 < 0 ? 1 : 0)
    self.init(number: days)
  }

  /// The date as ISO 8601 has it: `2026-11-23`.
  package var description: String {
    let (year, month, day) = civil
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }

  /// 1970-01-01 was a Thursday.
  package var weekday: Weekday {
    Weekday.allCases[Int(remainder(number + 3, by: 7))]
  }

  /// The day so many days later, or earlier for a negative number; stops at the first and last of
  /// the calendar.
  package static func + (day: Day, days: Int64) -> Day {
    Day(number: saturatingSum(day.number, days))
  }

  /// The day so many days later, nil beyond the calendar.
  func later(by days: Int64) -> Day? {
    let (sum, overflow) = number.addingReportingOverflow(days)
    return !overflow && Day.calendar.contains(sum) ? Day(number: sum) : nil
  }

  package static func < (left: Day, right: Day) -> Bool { left.number < right.number }

  /// The proleptic Gregorian date. The arithmetic counts in years that begin in March, so that the
  /// leap day comes last, and in eras of 400 years, after which the calendar repeats.
  package var civil: (year: Int64, month: Int64, day: Int64) {
    let shifted = number + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    return (
      yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month,
      dayOfYear - (153 * marchMonth + 2) / 5 + 1
    )
  }

  private func padded(_ value: Int64, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }
}

/// A day of the week; ISO 8601 begins it on Monday.
package enum Weekday: Int64, CaseIterable, Sendable {
  case monday = 1
  case tuesday
  case wednesday
  case thursday
  case friday
  case saturday
  case sunday

  package var name: String { Weekday.names[Int(rawValue) - 1] }

  private static let names = [
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
  ]

  /// The day that a name or its first three letters stand for, in any case; nil for other texts.
  package init?(parsing text: String) {
    let word = text.lowercased()
    let match = Weekday.allCases.first { $0.name == word || $0.name.prefix(3) == word }
    guard let match else { return nil }
    self = match
  }
}
