/// A time zone's rules as a value, so that the calendar needs neither a clock nor a file.
package struct Zone: Sendable {
  /// Seconds to add to a UTC second to get the zone's local time at that second.
  package let offset: @Sendable (Int64) -> Int

  package init(offset: @escaping @Sendable (Int64) -> Int) { self.offset = offset }

  /// The zone without an offset.
  package static let utc = Zone { _ in 0 }
}
