import Ledger
import Quota
import Support
import System

/// The page of one user, for that user: what is left, until when, and what happens then.
struct UserPage {
  let user: UserRecord
  let sessions: [OpenSession]
  let days: [UsagePoint]
  let words: Words

  /// How many days the chart has.
  private static let length: Int64 = 30

  /// Asks the ledger for what the record does not have.
  init(_ user: UserRecord, _ ledger: Ledger, _ words: Words) throws {
    self.user = user
    self.words = words
    sessions = user.openSessions == 0 ? [] : try ledger.sessions.open(of: user.name)
    let today = Day(of: user.at, in: words.zone)
    var moved = try ledger.usage.sums(of: user.number, in: today + (1 - UserPage.length)...today)
      .byDay
    // All pages show the same days.
    if !moved.isEmpty { moved[today + (1 - UserPage.length), default: Traffic()] += Traffic() }
    days = usageSeries(moved, by: .day, through: today)
  }

  var bytes: [UInt8] { Array(document.html.utf8) }

  private var entitlement: Entitlement { user.entitlement }

  private var document: Markup {
    Page.document(
      title: "VPN traffic", heading: "VPN traffic of \(user.name)", subheading: "\(state)",
      """
      \(tiles)
      \(Page.section("When the quota is used up", "<p>\(fate)</p>"))
      \(Page.chart("The last \(UserPage.length) days", days, words))
      \(live)
      """, at: user.at, words)
  }

  private var state: String {
    if user.isSlowed(by: words.rules) {
      return "Your quota is used up: you are slowed to \(rate(user.presentRate(by: words.rules)))."
    }
    switch decide(entitlement, at: user.at, by: words.rules) {
    case .allowed(let speed):
      return speed.map { "You can connect, with up to \(rate($0))." } ?? "You can connect."
    case .refused(.quota): return "Your quota is used up\(renewal.map { " until \($0)" } ?? "")."
    case .refused(.expired): return "Your account has expired."
    case .refused(.disabled): return "Your account is disabled."
    case .refused(let reason): return "You cannot connect: \(reason.text)."
    }
  }

  private func rate(_ rate: Rate?) -> String { "\(rate?.description ?? "full speed") per second" }

  /// When usage starts over; nil where it does not.
  private var renewal: String? {
    entitlement.span.end == .max ? nil : words.time(entitlement.span.end)
  }

  private var tiles: Markup {
    let used = user.used(by: words.rules)
    let left = max(0, entitlement.limit - used)
    let hasLimit = entitlement.limit > 0 && !entitlement.isExempt
    let isLow = hasLimit && share(left, of: entitlement.limit) <= 0.2
    let bar: Markup =
      hasLimit
      ? Page.meter(share(used, of: entitlement.limit), left == 0 ? "over" : isLow ? "near" : "down")
      : ""
    return """
      <section class="tiles" aria-label="At a glance">
      \(Page.tile("Left", hasLimit ? words.size(left) : "unlimited", """
        \(hasLimit ? "of \(words.size(entitlement.limit))" : "there is no limit")\(bar)
        """))
      \(Page.tile("Used", words.size(used), """
        \(words.size(entitlement.usedInAll.sent)) down, \(words.size(entitlement.usedInAll.received)) up
        """))
      \(Page.tile("Until", end.figure, "\(end.detail)"))
      \(Page.tile("Sessions", Page.grouped(user.openSessions), """
        \(entitlement.maxSessions == 0
          ? "live" : "live, of \(Page.grouped(entitlement.maxSessions)) at once")
        """))
      </section>
      """
  }

  /// When what is left is no longer theirs, or starts over.
  private var end: (figure: String, detail: String) {
    let end = entitlement.span.end
    if let expiry = entitlement.expiresAt, expiry <= end {
      return (
        Page.date(Day(of: expiry, in: words.zone)), "\(words.time(expiry)): the account expires"
      )
    }
    if end == .max { return ("no end", "usage does not start over by itself") }
    return (Page.date(Day(of: end, in: words.zone)), "\(words.time(end)): usage starts over")
  }

  /// What happens at the limit.
  private var fate: String {
    if entitlement.isExempt || entitlement.limit == 0 { return "There is no quota to be used up." }
    let grace =
      entitlement.grace == .none ? "" : ", after a grace of \(words.grace(entitlement.grace))"
    if words.rules.isFenced, let slow = entitlement.thenRate {
      let end = renewal.map { ", until usage starts over on \($0)" } ?? ""
      return "You are slowed to \(rate(slow))\(grace)\(end)."
    }
    let end =
      renewal.map { "can connect again when usage starts over, on \($0)" }
      ?? "cannot connect again until an administrator gives you more"
    return "You are disconnected\(grace), and \(end)."
  }

  private var live: Markup {
    if sessions.isEmpty { return "" }
    let table = PageTable<OpenSession>(columns: [
      ("Since", "text", { "\(words.time($0.connectedSince))" }),
      ("Server", "text wide", { "\($0.server ?? "")" }),
      ("Download", "", { "\(words.size($0.counters.sent))" }),
      ("Upload", "", { "\(words.size($0.counters.received))" }),
    ])
    return Page.section("Live sessions", table.markup(sessions, "sessions"))
  }
}

extension UserRecord {
  /// Tells pages apart that show anything else.
  ///
  /// - Parameter seed: what the settings have to do with it.
  func pageFingerprint(_ seed: [UInt8], by rules: Rules) -> UInt64 {
    let verdict =
      switch decide(entitlement, at: at, by: rules) {
      case .allowed(let rate): rate?.description ?? ""
      case .refused(let reason): reason.rawValue
      }
    let slow = entitlement.thenRate?.description ?? ""
    var bytes = seed + Array("\(verdict) \(slow) ".utf8) + name.bytes
    let numbers: [Int64] = [
      entitlement.quota, entitlement.granted, entitlement.carried, entitlement.grace.bytes,
      entitlement.grace.percent, entitlement.usedInAll.received, entitlement.usedInAll.sent,
      entitlement.span.start, entitlement.span.end, entitlement.isExempt ? 1 : 0,
      entitlement.expiresAt ?? .max, entitlement.maxSessions, Int64(openSessions),
    ]
    for number in numbers {
      for shift in stride(from: 0, to: 64, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: number >> Int64(shift)))
      }
    }
    return checksum(bytes.span)
  }
}
