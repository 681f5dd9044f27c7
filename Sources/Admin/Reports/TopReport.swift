import Ledger
import Quota
import SQLite

/// The users who moved the most, and what part of all that is.
struct TopReport: Report {
  private let count: Count
  private let total: Int64
  private let lines: [Line]

  private struct Line {
    let owner: Owner?
    let traffic: Traffic
  }

  /// Asks the ledger for whole days.
  init(
    _ ledger: Ledger, _ window: Window, _ count: Count, limit: Int
  ) throws {
    let (usage, owners) = try ledger.snapshot {
      (try ledger.usage.sums(in: window.days).byUser, try ledger.users.owners())
    }
    self.count = count
    total = count.bytes(of: usage.values.reduce(Traffic(), +))
    let ranked = usage.sorted { left, right in
      let (more, less) = (count.bytes(of: left.value), count.bytes(of: right.value))
      return more == less ? left.key < right.key : more > less
    }
    lines = ranked.prefix(limit).map { Line(owner: owners[$0.key], traffic: $0.value) }
  }

  var table: Table {
    var table = Table([
      .init("USER"), .init("DOWNLOAD", isNumeric: true), .init("UPLOAD", isNumeric: true),
      .init(count.heading, isNumeric: true), .init("SHARE", isNumeric: true),
    ])
    let largest = lines.first.map { count.bytes(of: $0.traffic) } ?? 0
    for line in lines {
      let counted = count.bytes(of: line.traffic)
      table.add(
        [
          words(forOwner: line.owner), ByteSize.format(line.traffic.sent),
          ByteSize.format(line.traffic.received), ByteSize.format(counted),
          "\(Int(share(counted, of: total) * 100))%",
        ], bar: share(counted, of: largest))
    }
    return table
  }

  var records: Records {
    var records = Records(
      "top", ["name", "name_hex", "bytes_received", "bytes_sent", "bytes_counted"])
    for line in lines {
      records.add(
        Records.Value.name(line.owner?.name) + [
          .number(line.traffic.received), .number(line.traffic.sent),
          .number(count.bytes(of: line.traffic)),
        ])
    }
    return records
  }
}
