import Ledger
import Quota
import SQLite

/// Usage by days, weeks or months.
struct SeriesReport: Report {
  private let step: UsageStep
  private let count: Count
  private var series: [(subject: Subject, points: [UsagePoint])] = []

  /// Asks the ledger. The first and the last step are whole, even where the window has only a part
  /// of them.
  init(
    _ ledger: Ledger, _ subjects: [Subject], _ window: Window, by step: UsageStep, _ count: Count
  ) throws {
    self.step = step
    self.count = count
    let first = step.first(around: window.days.lowerBound)
    let last = step.next(after: step.first(around: window.days.upperBound)) + -1
    let days = first...max(first, last)
    try ledger.snapshot {
      for subject in subjects {
        let usage = try ledger.usage.sums(of: subject.number, in: days).byDay
        series.append((subject, usageSeries(usage, by: step, through: window.newest)))
      }
    }
  }

  var table: Table {
    let namesUsers = series.count > 1
    var table = Table(
      (namesUsers ? [.init("USER")] : []) + [
        .init(step.rawValue.uppercased()), .init("DOWNLOAD", isNumeric: true),
        .init("UPLOAD", isNumeric: true), .init(count.heading, isNumeric: true),
      ])
    let largest = series.flatMap(\.points).map { count.bytes(of: $0.traffic) }.max() ?? 0
    for (subject, points) in series {
      for point in points {
        let counted = count.bytes(of: point.traffic)
        table.add(
          (namesUsers ? [subject.name?.forPeople ?? ""] : []) + [
            label(point.start), ByteSize.format(point.traffic.sent),
            ByteSize.format(point.traffic.received), ByteSize.format(counted),
          ], bar: share(counted, of: largest))
      }
    }
    return table
  }

  var records: Records {
    var records = Records(
      "usage", about: [("by", .text(step.rawValue))],
      ["name", "name_hex", "start", "bytes_received", "bytes_sent", "bytes_counted"])
    for (subject, points) in series {
      for point in points {
        records.add(
          Records.Value.name(subject.name) + [
            .text(point.start.description), .number(point.traffic.received),
            .number(point.traffic.sent), .number(count.bytes(of: point.traffic)),
          ])
      }
    }
    return records
  }

  /// What people call a step: its first day, or a month without the day.
  private func label(_ start: Day) -> String {
    if start == .beforeEveryLedger { return "earlier" }
    return step == .month ? String(start.description.dropLast(3)) : start.description
  }
}
