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

  /// When something was whose moment was noted, in seconds since 1970 in UTC, and never later than this
  /// moment.
  ///
  /// In the same boot, the time since then is what the clock that is never set says; so a record is
  /// dated by today's clock, even if the clock was wrong when it was written.
  func second(of past: JournalMoment) -> Int64 {
    if past.boot == nil || past.boot != boot { return min(past.seconds, seconds) }
    let (passed, overflow) = boottime.subtractingReportingOverflow(past.boottime)
    return overflow || passed < 0 ? seconds : (realtime - min(passed, realtime)) / nanoseconds
  }
}

extension JournalRecord {
  /// When the hook ran.
  var moment: JournalMoment {
    JournalMoment(realtime: realtime, boottime: boottime, boot: boot)
  }

  /// When the hook ran, see `JournalMoment.second`.
  package func time(by now: JournalMoment) -> Int64 { now.second(of: moment) }

  /// The final counters of an `end`, see `FinalCounters`.
  package var counters: Traffic? {
    FinalCounters(received: received, sent: sent, duration: duration).traffic
  }

  /// Whether an `end` has counters that are not counted.
  package var hasImpossibleCounters: Bool { (received != nil || sent != nil) && counters == nil }
}

/// What an `end` says that its session moved; nil is what OpenVPN did not say.
struct FinalCounters {
  var received: Int64?
  var sent: Int64?
  var duration: Int64?

  /// Nil where OpenVPN gave none, or more than 100 Gbit/s could have moved: then the record is a lie,
  /// or a mistake.
  var traffic: Traffic? {
    if received == nil, sent == nil { return nil }
    let traffic = Traffic(received: received ?? 0, sent: sent ?? 0)
    let (seconds, overflow) = max(duration ?? 0, 0).addingReportingOverflow(1)
    let (most, isMore) = seconds.multipliedReportingOverflow(by: 12_500_000_000)
    return overflow || isMore || traffic.total <= most ? traffic : nil
  }
}

private let nanoseconds: Int64 = 1_000_000_000
