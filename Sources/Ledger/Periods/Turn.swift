import Quota

/// The period of a user that a moment falls in.
struct Turn {
  /// From where the calendar has it begin to where it ends: this period's grants were given in it.
  let calendar: TimeSpan
  /// What counts: from the last reset on, if that was later.
  let span: TimeSpan

  /// - Parameter resetAt: when an administrator last let usage start over; nil for never.
  init(_ period: Period, resetAt: Int64?, at time: Int64, in zone: Zone) {
    let calendar = period.span(at: time, in: zone)
    let reset = resetAt.flatMap { calendar.contains($0) && $0 <= time ? $0 : nil }
    self.calendar = calendar
    span = TimeSpan(start: reset ?? calendar.start, end: calendar.end)
  }
}
