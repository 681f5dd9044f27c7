/// A stretch of time in UTC seconds.
package struct TimeSpan: Equatable, Sendable {
  /// The first second.
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
