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
  ) throws(SQLiteError) {
    self.count = count
    self.zone = zone
    try ledger.snapshot { () throws(SQLiteError) in
      for subject in subjects {
        let usage = try ledger.hourlyUsage(of: subject.number, in: window.time)
        series.append((subject, HourlyReport.hours(usage, upTo: min(window.time.upperBound, now))))
      }
    }
  }

  private static func hours(_ usage: [Int64: Traffic], upTo end: Int64) -> [Hour] {
    guard let first = usage.keys.min(), let last = usage.keys.max() else { return [] }
    let newest = max(last, HourlyUsage.start(ofHourAround: end - 1))
    return stride(from: first, through: newest, by: 3600).map { start in
      Hour(start: start, traffic: usage[start] ?? Traffic())
    }
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
