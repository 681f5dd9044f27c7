/// A calendar day in some zone.
package struct Day: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Days since 1970-01-01, negative before.
  package let number: Int64

  package init(number: Int64) { self.number = number }

  /// 0001-01-01 and 9999-12-31: dates of four digits sort as text.
  private static let first: Int64 = -719_162
  private static let last: Int64 = 2_932_896

  /// The day that a second of UTC falls on in a zone; the first or last of the calendar for a
  /// second beyond it.
  package init(of second: Int64, in zone: Zone) {
    let (local, overflow) = second.addingReportingOverflow(Int64(zone.offset(second)))
    let seconds = overflow ? second : local
    let days = seconds / 86_400 - (seconds % 86_400 < 0 ? 1 : 0)
    number = min(max(days, Day.first), Day.last)
  }

  /// The date as ISO 8601 has it: `2026-11-23`.
  package var description: String {
    let (year, month, day) = civil
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
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
