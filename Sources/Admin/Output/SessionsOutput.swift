import Support
import Glibc
import Ledger
import System
import Quota
import SQLite
import Sweep

/// A view of who is on, with what people and programs want to know of each session's owner.
struct SessionsOutput {
  let view: LiveView
  /// The owners who are known, with what no sweep has counted yet.
  let owners: [UserName: UserRecord]
  let rules: Rules
  let zone: Zone

  init(_ view: LiveView, _ administration: Administration) throws {
    self.view = view
    rules = administration.settings.rules
    zone = administration.settings.zone
    var owners: [UserName: UserRecord] = [:]
    for session in view.sessions {
      if owners[session.owner] == nil {
        owners[session.owner] = try administration.user(session.owner)
      }
      owners[session.owner]?.entitlement.used += session.uncounted
    }
    self.owners = owners
  }

  /// The view for people.
  ///
  /// - Parameter height: the lines it may have; nil for as many as it likes.
  func text(height: Int? = nil) -> [UInt8] {
    let notes = notes
    let room = height.map { max(1, $0 - notes.count - 3) } ?? .max
    var text = table(view.sessions.prefix(room))
    let left = view.sessions.count - room
    if left > 0 { text += "and \(sessions(left)) more\n".utf8 }
    return text + notes.map { $0 + "\n" }.joined().utf8
  }

  private func table(_ rows: some Sequence<LiveRow>) -> [UInt8] {
    var table = Table([
      .init("USER"), .init("SERVER"), .init("ADDRESS"), .init("FROM"), .init("SINCE"),
      .init("DOWNLOAD", isNumeric: true), .init("UPLOAD", isNumeric: true),
      .init("RATE", isNumeric: true), .init("SHARE", isNumeric: true),
    ])
    for row in rows {
      table.add([
        row.owner.forPeople, Escaping.plain(row.server ?? "-"), Escaping.plain(row.address),
        Escaping.plain(row.realAddress ?? "-"), words(forTime: row.connectedSince, in: zone),
        ByteSize.format(row.counters.sent), ByteSize.format(row.counters.received),
        row.rate.map { ByteSize.format($0.total) + "/s" } ?? "-",
        owners[row.owner]?.share(by: rules) ?? "-",
      ])
    }
    return table.text()
  }

  /// What is not as of now, and why.
  private var notes: [String] {
    return view.servers.compactMap { server in
      let name = Escaping.plain(server.name)
      switch server.source {
      case .live: return server.trouble.map { "\(name): \(Escaping.plain($0))" }
      case .down: return "\(name) is not running"
      case .ledger:
        let why = Escaping.plain(server.trouble ?? "it did not answer")
        let seen = view.sessions.first { $0.server == server.name && !$0.isLive }?.at
        let age = seen.map { "the last sweep saw it \(max(0, view.at - $0)) s ago" }
        return "\(name) is shown as \(age ?? "the ledger has it"): \(why)"
      }
    }
  }

  /// The view for programs; quota-admin(8) describes it.
  func json() -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.field("at", isoTime(view.at))
      json.array("sessions") { json in
        for row in view.sessions { json.object { fields(of: row, &$0) } }
      }
      json.array("servers") { json in
        for server in view.servers {
          json.object { json in
            json.field("name", server.name)
            json.field("source", server.source.rawValue)
            json.field("trouble", server.trouble)
          }
        }
      }
    }
    return json.bytes + [UInt8(ascii: "\n")]
  }

  private func fields(of row: LiveRow, _ json: inout JSONWriter) {
    let owner = owners[row.owner]
    json.name(row.owner)
    json.field("server", row.server)
    json.field("address", row.address)
    json.field("real_address", row.realAddress)
    json.field("connected_since", isoTime(row.connectedSince))
    json.field("bytes_received", row.counters.received)
    json.field("bytes_sent", row.counters.sent)
    json.field("received_per_second", row.rate?.received)
    json.field("sent_per_second", row.rate?.sent)
    json.field("bytes_used", owner?.used(by: rules))
    json.field("quota_bytes", owner?.entitlement.quota)
    json.field("live", row.isLive)
    json.field("as_of", row.at.map(isoTime))
  }
}

extension Administration {
  /// What the ledger has on a user, nil for a stranger.
  func user(_ name: UserName) throws(CommandError) -> UserRecord? {
    try read { ledger throws(SQLiteError) in try ledger.user(named: name, at: Clock.now) }
  }
}
