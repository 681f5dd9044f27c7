import Glibc

/// The machine's clocks, read in one place so that everything below takes time as a value.
package enum Clock {
  /// Seconds since 1970 in UTC, as the wall clock has it now.
  package static var now: Int64 { seconds(CLOCK_REALTIME).seconds }

  /// Time since some fixed moment before the program started; never goes back.
  package static var monotonic: Duration {
    let (seconds, nanoseconds) = seconds(CLOCK_MONOTONIC)
    return .seconds(seconds) + .nanoseconds(nanoseconds)
  }

  private static func seconds(_ clock: clockid_t) -> (seconds: Int64, nanoseconds: Int64) {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return (Int64(time.tv_sec), Int64(time.tv_nsec))
  }
}
