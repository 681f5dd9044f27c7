import Support
import Quota
import Testing

/// The suites that calculate in zones of this machine, one test at a time: the C library has one zone
/// at a time, and reads its file again at every change.
@Suite(.serialized) struct CalendarTests {}

/// The zones that the tests calculate in, each with something of its own.
enum Places {
  static let names = [
    "UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Asia/Kathmandu",
    // Summer is in January here, and the clock moves by half an hour.
    "Australia/Lord_Howe",
    // Changed at midnight, so that some days have no 00:00 or have it twice.
    "America/Sao_Paulo", "America/Havana", "Asia/Beirut", "Africa/Cairo",
    // Changed at 00:01 until 2011, so that the hour before midnight came again after it.
    "America/St_Johns",
    // Skipped a day, and lived one twice.
    "Pacific/Apia", "Pacific/Kwajalein", "America/Juneau",
    // The furthest east and west.
    "Pacific/Kiritimati", "Etc/GMT+12",
  ]
}

/// A date that the calendar has, of a table.
func day(_ text: String) -> Day {
  guard let day = Day.parse(text) else { fatalError("\(text) is no date") }
  return day
}

/// The UTC second of a date and time such as `2026-03-29 01:00:00`.
func utc(_ text: String) -> Int64 {
  let (date, time) = (
    text.prefix(10), text.dropFirst(11).split(separator: ":").compactMap { Int64($0) }
  )
  return day(String(date)).number * 86_400 + time[0] * 3600 + time[1] * 60 + time[2]
}
