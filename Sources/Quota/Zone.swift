/// The rules of a time zone as a value, so that whoever reckons in it reads no file and no
/// environment.
package struct Zone: Sendable {
  /// Seconds to add to a UTC time (seconds since 1970) to get what a clock in the zone shows then;
  /// east of Greenwich is positive.
  package let offset: @Sendable (Int64) -> Int

  /// A zone with the given rules.
  package init(offset: @escaping @Sendable (Int64) -> Int) { self.offset = offset }

  /// Coordinated universal time.
  package static let utc = Zone { _ in 0 }

  /// The calendar day, in the zone, that a moment falls on (proleptic Gregorian).
  ///
  /// - Parameter time: seconds since 1970 in UTC.
  /// - Returns: the year, the month from 1 to 12 and the day from 1 to 31.
  package func day(at time: Int64) -> (year: Int64, month: Int, day: Int) {
    let (local, overflow) = time.addingReportingOverflow(Int64(offset(time)))
    let seconds = overflow ? time : local
    let days = seconds / 86_400 - (seconds % 86_400 < 0 ? 1 : 0)
    // Reckoned from 1 March of a year divisible by 400, so that a leap day comes last.
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), Int(month), Int(day))
  }
}
