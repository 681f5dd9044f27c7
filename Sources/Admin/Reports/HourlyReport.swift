import Support
import Ledger
import Quota
import SQLite

/// Usage by hours. An hour without any use stands between others with zeros.
struct HourlyReport: Report {
  private let count: Count
  private let zone: Zone
  private var series: [(subject: Subject, hours: [Hour])] = []

  private struct Hour {
    /// Its beginning, in seconds since 1970 in UTC.
    let start: Int64
    let traffic: Traffic
  }

  /// Asks the ledger.
  ///
  /// - Parameter now: seconds since 1970 in UTC, which the series goes on to at most.
  init(
    _ ledger: Ledger, _ subjects: [Subject], _ window: Window, _ count: Count, _ zone: Zone,
    now: Int64
  ) throws {
    self.count = count
    self.zone = zone
    try ledger.snapshot {
      for subject in subjects {
        let usage = try ledger.usage.hourly(of: subject.number, in: window.time)
        let hours = HourlyReport.hours(usage, upTo: min(window.time.upperBound, now), in: zone)
        series.append((subject, hours))
      }
    }
  }

  /// The hours from the first with any use on. A gap of more than a year is left out, for it comes of a
  /// clock that was wrong.
  private static func hours(
    _ usage: [Int64: Traffic], upTo end: Int64, in zone: Zone
  ) -> [Hour] {
    let used = usage.keys.sorted()
    var hours: [Hour] = []
    for (index, start) in used.enumerated() {
      hours.append(Hour(start: start, traffic: usage[start] ?? Traffic()))
      let next = index + 1 < used.count ? used[index + 1] : end
      var hour = zone.startOfHour(around: saturatingSum(start, 3600))
      guard saturatingSum(next, -366 * 86_400) < start else { continue }
      while hour < next, hour > start {
        hours.append(Hour(start: hour, traffic: Traffic()))
        hour = zone.startOfHour(around: saturatingSum(hour, 3600))
      }
    }
    return hours
  }

  var table: Table {
    let namesUsers = series.count > 1
    var table = Table(
      (namesUsers ? [.init("USER")] : []) + [
        .init("HOUR"), .init("DOWNLOAD", isNumeric: true), .init("UPLOAD", isNumeric: true),
        .init(count.heading, isNumeric: true),
      ])
    let largest = series.flatMap(\.hours).map { count.bytes(of: $0.traffic) }.max() ?? 0
    for (subject, hours) in series {
      for hour in hours {
        let counted = count.bytes(of: hour.traffic)
        table.add(
          (namesUsers ? [subject.name?.forPeople ?? ""] : []) + [
            words(forTime: hour.start, in: zone), ByteSize.format(hour.traffic.sent),
            ByteSize.format(hour.traffic.received), ByteSize.format(counted),
          ], bar: share(counted, of: largest))
      }
    }
    return table
  }

  var records: Records {
    var records = Records(
      "usage", about: [("by", .text("hour"))],
      ["name", "name_hex", "start", "bytes_received", "bytes_sent", "bytes_counted"])
    for (subject, hours) in series {
      for hour in hours {
        records.add(
          Records.Value.name(subject.name) + [
            .text(isoTime(hour.start)), .number(hour.traffic.received),
            .number(hour.traffic.sent), .number(count.bytes(of: hour.traffic)),
          ])
      }
    }
    return records
  }
}
