import ArgumentParser
import CommandSupport
import Ledger
import Quota
import SQLite

struct Show: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show all there is about a user, and whether the user would be let in now.",
    discussion: "Example: quota-admin show alice")

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var user: NameArgument

  func run() throws {
    let name = try UserName(argument: user.name)
    let administration = try Administration(options)
    let (found, sessions) = try administration.read { ledger throws(SQLiteError) in
      try ledger.snapshot { () throws(SQLiteError) in
        (try ledger.user(named: name), try ledger.openSessions(of: name))
      }
    }
    let rules = administration.settings.rules
    guard let user = found else {
      throw administration.unknown(name, hint: Show.fate(ofStrangers: rules))
    }
    try StandardOutput.write(
      output.json
        ? Show.json(user, sessions, rules)
        : Show.text(user, sessions, rules, administration.settings.zone))
  }

  /// What becomes of somebody the ledger does not know.
  private static func fate(ofStrangers rules: Rules) -> String {
    let quota = words(forQuota: rules.defaultQuota)
    return switch rules.unknownUsers {
    case .allow: "UNKNOWN_USERS is allow: a stranger is let in and created, quota \(quota)"
    case .reject: "UNKNOWN_USERS is reject: a stranger is kept out"
    case .ignore: "UNKNOWN_USERS is ignore: a stranger is let in and not metered"
    }
  }

  private static func json(
    _ user: UserRecord, _ sessions: [OpenSession], _ rules: Rules
  ) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.fields(of: user, by: rules)
      json.array("sessions") { json in
        for session in sessions { json.object { $0.fields(of: session) } }
      }
    }
    return json.bytes + [UInt8(ascii: "\n")]
  }

  private static func text(
    _ user: UserRecord, _ sessions: [OpenSession], _ rules: Rules, _ zone: Zone
  ) -> [UInt8] {
    let traffic = user.standing.used
    let share = user.share(by: rules).map { ", \($0) of the quota" } ?? ""
    let download = rules.count == .received ? " (does not count)" : ""
    let upload = rules.count == .sent ? " (does not count)" : ""
    let created = user.createdAt.map { words(forTime: $0, in: zone) } ?? "unknown"
    let lines = [
      user.name.forPeople,
      "  state     \(user.standing.isEnabled ? "enabled" : "disabled")",
      "  quota     \(words(forQuota: user.standing.quota))",
      "  used      \(ByteSize.format(user.used(by: rules)))\(share)",
      "  download  \(ByteSize.format(traffic.sent))\(download)",
      "  upload    \(ByteSize.format(traffic.received))\(upload)",
      "  created   \(created)",
      "  now       \(user.access(by: rules))",
      "  sessions  \(sessions.isEmpty ? "none" : "\(sessions.count)") at the last sweep",
    ]
    let text = Array(lines.map { $0 + "\n" }.joined().utf8)
    return sessions.isEmpty ? text : text + table(sessions, zone)
  }

  private static func table(_ sessions: [OpenSession], _ zone: Zone) -> [UInt8] {
    var table = Table([
      .init("SERVER"), .init("ADDRESS"), .init("FROM"), .init("SINCE"),
      .init("DOWNLOAD", isNumeric: true), .init("UPLOAD", isNumeric: true),
    ])
    for session in sessions {
      table.add([
        Escaping.plain(session.server ?? "-"), Escaping.plain(session.address),
        Escaping.plain(session.realAddress ?? "-"),
        words(forTime: session.connectedSince, in: zone),
        ByteSize.format(session.counters.sent), ByteSize.format(session.counters.received),
      ])
    }
    return table.text(indentation: 4)
  }
}
