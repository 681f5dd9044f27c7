import Quota

/// A moment by the clocks that a record has.
package struct JournalMoment: Equatable, Sendable {
  /// Nanoseconds since 1970 in UTC, and since the machine's start.
  package var realtime: Int64
  package var boottime: Int64
  /// The number of the machine's boot; nil where it is not known.
  package var boot: Int64?

  package init(realtime: Int64, boottime: Int64, boot: Int64?) {
    self.realtime = realtime
    self.boottime = boottime
    self.boot = boot
  }

  /// Seconds since 1970 in UTC.
  package var seconds: Int64 { realtime / nanoseconds }
}

extension JournalRecord {
  /// When the hook ran, in seconds since 1970 in UTC, and never later than now.
  ///
  /// In the same boot, the time since then is what the clock that is never set says; so a record is
  /// dated by today's clock, even if the clock was wrong when it was written.
  package func time(by now: JournalMoment) -> Int64 {
    let present = now.realtime / nanoseconds
    if boot == nil || boot != now.boot { return min(realtime / nanoseconds, present) }
    let (passed, overflow) = now.boottime.subtractingReportingOverflow(boottime)
    return overflow || passed < 0
      ? present : (now.realtime - min(passed, now.realtime)) / nanoseconds
  }

  /// The final counters of an `end`, nil where OpenVPN gave none, or more than 100 Gbit/s could have
  /// moved: then the record is a lie, or a mistake.
  package var counters: Traffic? {
    if received == nil, sent == nil { return nil }
    let traffic = Traffic(received: received ?? 0, sent: sent ?? 0)
    let (seconds, overflow) = max(duration ?? 0, 0).addingReportingOverflow(1)
    let (most, isMore) = seconds.multipliedReportingOverflow(by: 12_500_000_000)
    return overflow || isMore || traffic.total <= most ? traffic : nil
  }

  /// Whether an `end` has counters that are not counted.
  package var hasImpossibleCounters: Bool { (received != nil || sent != nil) && counters == nil }
}

private let nanoseconds: Int64 = 1_000_000_000
