import Support
import Ledger
import Quota
import SQLite

/// Usage by servers: the sessions of each added up.
struct ServerUsageReport: Report {
  private let count: Count
  private var parts: [(subject: Subject, servers: [Line])] = []

  /// What one server moved; the name is nil for sessions that no sweep saw.
  private struct Line {
    let server: String?
    var sessions: Int64 = 0
    var traffic = Traffic()
  }

  /// Asks the ledger.
  init(
    _ ledger: Ledger, _ subjects: [Subject], _ window: Window, _ count: Count
  ) throws {
    self.count = count
    try ledger.snapshot {
      for subject in subjects {
        var lines: [String?: Line] = [:]
        try ledger.sessions.forEach(of: subject.number, in: window.time) { session in
          lines[session.server, default: Line(server: session.server)].sessions += 1
          lines[session.server]?.traffic += session.counters
        }
        parts.append((subject, lines.values.sorted { ($0.server ?? "") < ($1.server ?? "") }))
      }
    }
  }

  var table: Table {
    let namesUsers = parts.count > 1
    var table = Table(
      (namesUsers ? [.init("USER")] : []) + [
        .init("SERVER"), .init("SESSIONS", isNumeric: true), .init("DOWNLOAD", isNumeric: true),
        .init("UPLOAD", isNumeric: true), .init(count.heading, isNumeric: true),
      ])
    let largest = parts.flatMap(\.servers).map { count.bytes(of: $0.traffic) }.max() ?? 0
    for (subject, servers) in parts {
      for line in servers {
        let counted = count.bytes(of: line.traffic)
        table.add(
          (namesUsers ? [subject.name?.forPeople ?? ""] : []) + [
            Escaping.plain(line.server ?? "-"), "\(line.sessions)",
            ByteSize.format(line.traffic.sent), ByteSize.format(line.traffic.received),
            ByteSize.format(counted),
          ], bar: share(counted, of: largest))
      }
    }
    return table
  }

  var records: Records {
    var records = Records(
      "usage", about: [("by", .text("server"))],
      [
        "name", "name_hex", "server", "sessions", "bytes_received", "bytes_sent", "bytes_counted",
      ])
    for (subject, servers) in parts {
      for line in servers {
        records.add(
          Records.Value.name(subject.name) + [
            .init(line.server), .number(line.sessions), .number(line.traffic.received),
            .number(line.traffic.sent), .number(count.bytes(of: line.traffic)),
          ])
      }
    }
    return records
  }
}
