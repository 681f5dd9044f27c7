import ArgumentParser
import Support
import Quota

/// The stretch of time that a report is about.
struct WindowOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Leave out what was before: a date such as 2026-11-01, a time such as 2026-11-01T14:05, "
        + "today, yesterday, or 12h, 7d, 4w for so long ago.", valueName: "time"))
  var since: String?
  @Option(
    help: ArgumentHelp(
      "Leave out what was after; a date is meant with all of its day.", valueName: "time"))
  var until: String?

  /// The stretch of time that the options choose.
  ///
  /// - Parameters:
  ///   - days: how many days it has if `--since` is not given, the last one included.
  ///   - now: seconds since 1970 in UTC, which nothing reported is later than.
  /// - Throws: `CommandError`, 65, that says what is allowed.
  func window(ofDays days: Int64, now: Int64, in zone: Zone) throws(CommandError) -> Window {
    let moments = Moments(now: now, zone: zone)
    // Nothing is later than now but by a clock that was wrong, and that should show.
    let end = try until.map { text throws(CommandError) in
      try moments.span(of: text, for: "--until").upperBound
    }
    let newest = Day(of: (end ?? now) - (end == nil ? 0 : 1), in: zone)
    let start = try since.map { text throws(CommandError) in
      try moments.span(of: text, for: "--since").lowerBound
    }
    let window = Window(
      start: start ?? zone.start(of: newest + (1 - days)), end: end ?? .max, zone: zone,
      newest: newest)
    guard let window else {
      throw CommandError("--since is later than --until", hint: "nothing can be between them")
    }
    return window
  }
}

/// A stretch of time, in seconds and in days.
struct Window: Equatable {
  /// Seconds since 1970 in UTC.
  let time: Range<Int64>
  /// The days that it has a part of.
  let days: ClosedRange<Day>
  /// The last day that anything is expected of.
  let newest: Day

  /// Nil where it would end before it begins.
  init?(start: Int64, end: Int64, zone: Zone, newest: Day) {
    guard start < end else { return nil }
    time = start..<end
    // Sums of usage begin with the day they were kept under before there was a ledger.
    days = Day(of: start, in: zone)...Day(of: end - 1, in: zone)
    self.newest = newest
  }
}
