/// The rules of a time zone as a value, so that code which computes in it reads no file and no
/// environment.
package struct Zone: Sendable {
  /// Seconds to add to a UTC time (seconds since 1970) to get what a clock in the zone shows then;
  /// east of Greenwich is positive.
  package let offset: @Sendable (Int64) -> Int

  /// A zone with the given rules.
  package init(offset: @escaping @Sendable (Int64) -> Int) { self.offset = offset }

  /// Coordinated universal time.
  package static let utc = Zone { _ in 0 }
}
