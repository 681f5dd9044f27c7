import ArgumentParser
import Support
import Ledger
import System
import Quota

struct Show: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show all there is about a user, and whether the user would be let in now.",
    discussion: "Example: quota-admin show alice")

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var user: NameArgument

  func run() throws {
    let name = try user.userName()
    let administration = try Administration(options)
    let (ledger, words) = (administration.ledger, administration.words)
    let (found, sessions, membership) = try ledger.snapshot {
      (
        try ledger.users.named(name, at: Clock.now), try ledger.sessions.open(of: name),
        try ledger.hosts.membership()
      )
    }
    guard let user = found else {
      throw administration.unknown(name, hint: Show.fate(ofStrangers: words))
    }
    let live = Listing("sessions", sessions, OpenSession.columns)
    if output.json {
      return try StandardOutput.write(
        JSONWriter.document { json in
          json.fields(UserRecord.columns(by: words.rules), of: user)
          json.list(live.name, live.rows, live.columns)
        })
    }
    let rows = Show.rows(user, sessions: sessions.count, membership, words).compactMap {
      name, value in
      value.map { "  \(name)\(String(repeating: " ", count: 10 - name.count))\($0)" }
    }
    try StandardOutput.write([user.name.forPeople] + rows)
    if !sessions.isEmpty { try StandardOutput.write(live.table(words, indentation: 4)) }
  }

  /// What is done about a user the ledger does not know.
  private static func fate(ofStrangers words: Words) -> String {
    let quota = words.quota(words.rules.defaultQuota)
    return switch words.rules.unknownUsers {
    case .allow: "UNKNOWN_USERS is allow: a stranger is let in and created, quota \(quota)"
    case .reject: "UNKNOWN_USERS is reject: a stranger is kept out"
    case .ignore: "UNKNOWN_USERS is ignore: a stranger is let in and not metered"
    }
  }

  private static func rows(
    _ user: UserRecord, sessions: Int, _ membership: Membership?, _ words: Words
  ) -> [(String, String?)] {
    let (entitlement, rules) = (user.entitlement, words.rules)
    let limit = entitlement.limit == entitlement.quota ? "the quota" : words.size(entitlement.limit)
    let share = user.percentage(by: rules).map { ", \($0) of \(limit)" } ?? ""
    let download = rules.count == .received ? " (does not count)" : ""
    let down = rules.fence ? "quota-fence is behind" : "FENCE is no"
    let unheld = rules.isFenced ? "" : " (\(down): nothing holds them to it)"
    let upload = rules.count == .sent ? " (does not count)" : ""
    return [
      ("state", entitlement.isEnabled ? "enabled" : "disabled"),
      ("plan", user.plan?.name),
      ("quota", words.quota(entitlement.quota)),
      ("period", words.period(of: user)),
      ("granted", words.grants(of: user)),
      ("grace", entitlement.grace == .none ? nil : words.grace(entitlement.grace)),
      ("then", entitlement.thenRate.map { "\($0), once the quota is used up\(unheld)" }),
      ("rate", entitlement.rate.map { "\($0)\(unheld)" }),
      ("used", "\(words.size(user.used(by: rules)))\(share)"),
      ("download", "\(words.size(entitlement.usedInAll.sent))\(download)"),
      ("upload", "\(words.size(entitlement.usedInAll.received))\(upload)"),
      ("elsewhere", membership.map { words.elsewhere(user, $0) }),
      ("at worst", membership.flatMap { words.worst(for: user, $0) }),
      ("pace", words.pace(of: user)),
      ("expires", words.expiry(of: user)),
      ("exempt", entitlement.isExempt ? "yes" : nil),
      ("created", user.createdAt.map(words.time) ?? "unknown"),
      ("now", words.access(of: user)),
      ("sessions", "\(sessions == 0 ? "none" : "\(sessions)") at the last sweep"),
      ("at once", entitlement.maxSessions == 0 ? nil : "\(entitlement.maxSessions)"),
    ]
  }
}

extension OpenSession {
  /// A session, as quota-admin(8) documents the fields.
  static var columns: [Column<OpenSession>] {
    [
      .text("SERVER", key: "server") { $0.server },
      .text("ADDRESS", key: "address") { $0.address },
      .text("FROM", key: "real_address") { $0.realAddress },
      .time("SINCE", key: "connected_since") { $0.connectedSince },
      .traffic { $0.counters },
    ]
  }
}

extension Words {
  /// When usage starts over, with the present period; nil where it does not.
  fileprivate func period(of user: UserRecord) -> String? {
    if user.period == .none { return nil }
    let (start, end) = (user.entitlement.span.start, user.entitlement.span.end)
    return "\(user.period): \(time(start)) to \(time(end))"
  }

  /// What was granted on top of the quota; nil where that is nothing.
  fileprivate func grants(of user: UserRecord) -> String? {
    let (granted, carried) = (user.entitlement.granted, user.entitlement.carried)
    let parts = [
      granted == 0 ? nil : "\(size(granted)) for this period",
      carried == 0 ? nil : "\(size(carried)) carried",
    ].compactMap(\.self)
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }

  /// What of it was used on other hosts, what is open there, and how old the news is.
  fileprivate func elsewhere(_ user: UserRecord, _ membership: Membership) -> String {
    let (used, sessions) = (user.entitlement.elsewhere, user.entitlement.sessionsElsewhere)
    let live = sessions == 0 ? "" : ", \(Words.sessions(Int(sessions)))"
    let age = membership.heardAt.map { "\(max(0, user.at - $0)) s ago" } ?? "never"
    return "\(size(rules.count.bytes(of: used))) of that on other hosts\(live) (heard \(age))"
  }

  /// How much more than their quota they can use as long as the hosts hear nothing of each other. Nil where
  /// nothing is left, or there is no quota.
  fileprivate func worst(for user: UserRecord, _ membership: Membership) -> String? {
    let bytes = membership.mostBeyond(for: user, by: rules)
    return bytes == 0 ? nil : "\(size(bytes)) too much, if the hosts hear nothing of each other"
  }

  /// When the quota will be used up if this goes on; nil where it will not, or already is.
  fileprivate func pace(of user: UserRecord) -> String? {
    guard let end = user.projectedEnd(by: rules), end > user.at else { return nil }
    return "used up on \(time(end)) if this goes on"
  }
}
