import CSystem

/// The machine's clocks, read in one place so that everything below takes time as a value.
package enum Clock {
  /// Seconds since 1970 in UTC, as the wall clock has it now.
  package static var now: Int64 { realtime / 1_000_000_000 }

  /// Nanoseconds since 1970 in UTC. The corresponding C constant is `CLOCK_REALTIME`.
  package static var realtime: Int64 { cs_clock_now(CS_REALTIME) }

  /// Nanoseconds since the machine's start, sleep included; never goes back. The corresponding C
  /// constant is `CLOCK_BOOTTIME`.
  package static var boottime: Int64 { cs_clock_now(CS_BOOTTIME) }

  /// Time since some fixed moment before the program started; never goes back.
  package static var monotonic: Duration { .nanoseconds(cs_clock_now(CS_MONOTONIC)) }
}
