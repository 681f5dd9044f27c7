import Support
import Quota

/// Reads the moments that people write.
struct Moments {
  let now: Int64
  let zone: Zone

  static let allowed =
    "allowed are a date such as 2026-11-01, a time such as 2026-11-01T14:05, today, yesterday, "
    + "now, and 12h, 7d or 4w for so long ago"

  /// What a text means: all of a day for a date, otherwise one second.
  ///
  /// - Parameter option: the option it was given to, for the message.
  /// - Throws: `CommandError`, 65, that says what is allowed.
  func span(of text: String, for option: String) throws(CommandError) -> Range<Int64> {
    let today = Day(of: now, in: zone)
    switch text.lowercased() {
    case "now": return now..<now + 1
    case "today": return span(of: today)
    case "yesterday": return span(of: today + -1)
    default: break
    }
    if let day = Day.parse(text) { return span(of: day) }
    if let moment = moment(text) ?? age(text) { return moment..<moment + 1 }
    throw CommandError("\(option) is \(CommandError.quoted(text)); \(Moments.allowed)")
  }

  private func span(of day: Day) -> Range<Int64> { zone.start(of: day)..<zone.end(of: day) }

  /// The first second at which a clock of the zone shows a time such as `2026-11-01T14:05`, also
  /// with a space.
  private func moment(_ text: String) -> Int64? {
    let parts = text.split(maxSplits: 1, omittingEmptySubsequences: false) { "Tt ".contains($0) }
    guard parts.count == 2, let day = Day.parse(String(parts[0])),
      let seconds = secondsOfDay(clock: parts[1], parts: 2)
    else { return nil }
    let local = day.number * 86_400 + seconds
    let guess = local - Int64(zone.offset(local))
    return local - Int64(zone.offset(guess))
  }

  /// The moment so long ago: `12h`, `7d`, `4w`, up to 9999 of them.
  private func age(_ text: String) -> Int64? {
    guard 2...5 ~= text.utf8.count, let count = decimal(text.dropLast()) else { return nil }
    switch text.last {
    case "h", "H": return now - count * 3600
    case "d", "D": return now - count * 86_400
    case "w", "W": return now - count * 604_800
    default: return nil
    }
  }
}

/// The second that a UTC time such as `2026-11-23T20:36:45Z` is; nil for anything else.
func time(iso text: String) -> Int64? {
  let parts = text.split(separator: "T", omittingEmptySubsequences: false)
  guard parts.count == 2, parts[1].hasSuffix("Z"), let day = Day.parse(String(parts[0])),
    let seconds = secondsOfDay(clock: parts[1].dropLast(), parts: 3)
  else { return nil }
  return day.number * 86_400 + seconds
}

/// The seconds since midnight that a clock such as `14:05` or `20:36:45` shows; nil for anything else.
///
/// - Parameter parts: 2 for hours and minutes, 3 for seconds as well.
private func secondsOfDay(clock: Substring, parts: Int) -> Int64? {
  let numbers = clock.split(separator: ":", omittingEmptySubsequences: false).map {
    $0.utf8.count == 2 ? decimal($0) ?? 60 : 60
  }
  guard numbers.count == parts, numbers[0] < 24, numbers.allSatisfy({ $0 < 60 }) else { return nil }
  return zip(numbers, [3600, 60, 1]).reduce(0) { $0 + $1.0 * $1.1 }
}
