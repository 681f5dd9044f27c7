import Support
import Ledger
import System
import Quota
import SQLite

/// Sessions one by one, each with all that it moved.
struct SessionReport: Report {
  private let count: Count
  private let zone: Zone
  private let now: Int64
  private var sessions: [(owner: Owner?, session: PastSession)] = []

  /// Asks the ledger.
  init(
    _ ledger: Ledger, _ subjects: [Subject], _ window: Window, _ count: Count, _ zone: Zone
  ) throws {
    self.count = count
    self.zone = zone
    now = Clock.now
    try ledger.snapshot {
      let owners = try ledger.users.owners()
      for subject in subjects {
        try ledger.sessions.forEach(of: subject.number, in: window.time) { session in
          sessions.append((owners[session.user], session))
        }
      }
    }
  }

  var table: Table {
    var table = Table([
      .init("USER"), .init("SERVER", isOptional: true), .init("FROM", isOptional: true),
      .init("SINCE"), .init("LASTED"),
      .init("DOWNLOAD", isNumeric: true), .init("UPLOAD", isNumeric: true),
    ])
    for (owner, session) in sessions {
      let end = session.closedAt ?? now
      let lasted = words(
        forDuration: max(0, saturatingSum(end, -max(session.connectedSince, -.max))))
      table.add([
        words(forOwner: owner), Escaping.plain(session.server ?? "-"),
        Escaping.plain(session.realAddress ?? "-"),
        words(forTime: session.connectedSince, in: zone),
        session.closedAt == nil ? "\(lasted), live" : lasted,
        ByteSize.format(session.counters.sent), ByteSize.format(session.counters.received),
      ])
    }
    return table
  }

  var records: Records {
    var records = Records(
      "usage", about: [("by", .text("session"))],
      [
        "name", "name_hex", "server", "address", "real_address", "connected_since", "closed_at",
        "bytes_received", "bytes_sent", "bytes_counted",
      ])
    for (owner, session) in sessions {
      records.add(
        Records.Value.name(owner?.name) + [
          .init(session.server), .text(session.address), .init(session.realAddress),
          .time(session.connectedSince), .init(time: session.closedAt),
          .number(session.counters.received), .number(session.counters.sent),
          .number(count.bytes(of: session.counters)),
        ])
    }
    return records
  }
}
