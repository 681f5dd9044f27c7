/// The rules of a time zone as a value, so that code which computes in it reads no file and no
/// environment.
package struct Zone: Sendable {
  /// Seconds to add to a UTC time (seconds since 1970) to get what a clock in the zone shows then;
  /// east of Greenwich is positive.
  package let offset: @Sendable (Int64) -> Int

  package init(offset: @escaping @Sendable (Int64) -> Int) { self.offset = offset }

  /// Coordinated universal time.
  package static let utc = Zone { _ in 0 }
}

extension Zone {
  /// The first second of UTC at which a clock in the zone shows a day or a later one.
  ///
  /// Where a clock set forward skips midnight, or the whole day, that is the moment it is set;
  /// where one set back shows midnight twice, it is the first time.
  package func start(of day: Day) -> Int64 { first(showing: day.number * 86_400) }

  /// The first second of UTC at which a clock in the zone shows a later day than this.
  package func end(of day: Day) -> Int64 { first(showing: (day.number + 1) * 86_400) }

  /// The first second of UTC at which a clock in the zone shows a time or a later one.
  ///
  /// - Parameter local: what the clock shows, in seconds as if the zone were UTC.
  private func first(showing local: Int64) -> Int64 {
    // No zone was ever further from Greenwich, nor did any change twice within so short a time.
    var (before, after) = (local - 57_600, local + 57_600)
    let (old, new) = (offset(before), offset(after))
    let unchanged = local - Int64(old)
    if old == new { return unchanged }
    while after - before > 1 {
      let middle = before + (after - before) / 2
      if offset(middle) == old { before = middle } else { after = middle }
    }
    return unchanged < after ? unchanged : max(after, local - Int64(new))
  }

  /// The first second of the hour that a clock in the zone shows at a moment, in UTC seconds. Where
  /// the clock was set within that hour, the hour begins with that.
  package func startOfHour(around time: Int64) -> Int64 {
    let shown = offset(time)
    let start = saturatingSum(time, -remainder(saturatingSum(time, Int64(shown)), by: 3600))
    guard offset(start) != shown else { return start }
    var (before, after) = (start, time)
    while after - before > 1 {
      let middle = before + (after - before) / 2
      if offset(middle) == shown { after = middle } else { before = middle }
    }
    return after
  }
}

/// A stretch of time in UTC seconds.
package struct TimeSpan: Equatable, Sendable {
  package let start: Int64
  /// The first second that is no longer part of it; `.max` for a span that never ends.
  package let end: Int64

  package init(start: Int64, end: Int64) {
    self.start = start
    self.end = end
  }

  /// All time since 1970.
  package static let always = TimeSpan(start: 0, end: .max)

  /// Whether a moment, in UTC seconds, is part of it.
  package func contains(_ time: Int64) -> Bool { start <= time && (time < end || end == .max) }
}
