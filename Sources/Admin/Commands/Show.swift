import ArgumentParser
import Support
import Ledger
import System
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
    let now = Clock.now
    let (found, sessions) = try administration.read { ledger throws(SQLiteError) in
      try ledger.snapshot { () throws(SQLiteError) in
        (try ledger.user(named: name, at: now), try ledger.openSessions(of: name))
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

  /// What is done about a user the ledger does not know.
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
    let traffic = user.entitlement.used
    let share = user.share(by: rules).map { ", \($0) of \(user.limitInWords)" } ?? ""
    let download = rules.count == .received ? " (does not count)" : ""
    let upload = rules.count == .sent ? " (does not count)" : ""
    let created = user.createdAt.map { words(forTime: $0, in: zone) } ?? "unknown"
    let rows: [(String, String?)] = [
      ("state", user.entitlement.isEnabled ? "enabled" : "disabled"),
      ("plan", user.plan),
      ("quota", words(forQuota: user.entitlement.quota)),
      ("period", user.periodInWords(in: zone)),
      ("granted", user.grantsInWords),
      ("grace", user.entitlement.grace == .none ? nil : user.entitlement.grace.inWords),
      ("used", "\(ByteSize.format(user.used(by: rules)))\(share)"),
      ("download", "\(ByteSize.format(traffic.sent))\(download)"),
      ("upload", "\(ByteSize.format(traffic.received))\(upload)"),
      ("pace", user.paceInWords(by: rules, in: zone)),
      ("expires", user.expiryInWords(in: zone)),
      ("exempt", user.entitlement.isExempt ? "yes" : nil),
      ("created", created),
      ("now", user.access(by: rules, in: zone)),
      ("sessions", "\(sessions.isEmpty ? "none" : "\(sessions.count)") at the last sweep"),
      ("at once", user.entitlement.maxSessions == 0 ? nil : "\(user.entitlement.maxSessions)"),
    ]
    let lines =
      [user.name.forPeople]
      + rows.compactMap { name, value in
        value.map { "  \(name)\(String(repeating: " ", count: 10 - name.count))\($0)" }
      }
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

extension UserRecord {
  /// What a share of usage is a share of.
  fileprivate var limitInWords: String {
    entitlement.limit == entitlement.quota ? "the quota" : ByteSize.format(entitlement.limit)
  }

  /// The period, with the present one; nil where there is none.
  fileprivate func periodInWords(in zone: Zone) -> String? {
    if period == .none { return nil }
    let (start, end) = (entitlement.span.start, entitlement.span.end)
    return "\(period): \(words(forTime: start, in: zone)) to \(words(forTime: end, in: zone))"
  }

  /// What was granted on top of the quota; nil where that is nothing.
  fileprivate var grantsInWords: String? {
    let parts = [
      entitlement.granted == 0 ? nil : "\(ByteSize.format(entitlement.granted)) for this period",
      entitlement.carried == 0 ? nil : "\(ByteSize.format(entitlement.carried)) carried",
    ].compactMap(\.self)
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }

  /// When the quota will be used up if this goes on; nil where it will not, or already is.
  fileprivate func paceInWords(by rules: Rules, in zone: Zone) -> String? {
    guard let end = projectedEnd(by: rules), end > at else { return nil }
    return "used up on \(words(forTime: end, in: zone)) if this goes on"
  }
}
