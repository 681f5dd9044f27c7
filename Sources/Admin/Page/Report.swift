import Ledger
import Quota
import Support
import System

/// The report as one HTML page that needs nothing else: no script, no font, no picture, no network.
struct Page {
  let overview: Overview
  let host: String

  var words: Words { overview.words }

  var bytes: [UInt8] { Array(document.html.utf8) }

  private var document: Markup {
    Page.document(
      title: "VPN traffic of \(host), \(period)",
      heading: "VPN traffic of <bdi>\(host)</bdi>", subheading: "\(period)",
      """
      \(tiles)
      \(Page.chart("Usage per day", overview.days, words))
      \(top)
      \(near)
      \(over)
      \(incidents)
      """, at: overview.now, words)
  }

  private var period: String {
    let window = overview.window
    let (first, last) = (
      window.days.lowerBound,
      max(window.days.lowerBound, min(window.days.upperBound, window.newest))
    )
    return first == last
      ? Page.date(first, withYear: true)
      : "\(Page.date(first, withYear: true)) to \(Page.date(last, withYear: true))"
  }

  var tiles: Markup {
    let traffic = overview.traffic
    let refused = overview.incidents.filter { !$0.isKill }
    let killed = overview.incidents.filter(\.isKill)
    return """
      <section class="tiles" aria-label="At a glance">
      \(Page.tile("Moved", words.size(traffic.total), """
        \(words.size(traffic.sent)) down, \(words.size(traffic.received)) up
        """))
      \(Page.tile("Active users", Page.grouped(overview.movers.count), """
        of \(Page.grouped(overview.users)); live sessions: \
        \(Page.grouped(overview.openSessions))
        """))
      \(Page.tile("Over quota", Page.grouped(overview.over.count), """
        \(slowed)and \(Page.grouped(overview.near.count)) at \(Int(Overview.nearlyUsedUp))% or more
        """))
      \(Page.tile("Refused", Page.grouped(total(refused)), """
        times\(onThisHost); \(Page.grouped(total(killed))) disconnected
        """))
      </section>
      """
  }

  /// How many of those over their quota go on at a rate.
  private var slowed: String {
    let count = overview.over.count { $0.user.isSlowed(by: words.rules) }
    return count == 0 ? "" : "\(Page.grouped(count)) slowed, "
  }

  /// Other hosts' refusals are theirs.
  private var onThisHost: Markup { overview.isOfAllHosts ? " on this host" : "" }

  private func percent(_ share: Double) -> String {
    let tenths = Int((share * 1000).rounded(.down))
    return "\(tenths / 10).\(tenths % 10)%"
  }

  private func total(_ incidents: [Event]) -> Int64 {
    incidents.reduce(0) { Traffic(received: $0, sent: $1.count).total }
  }

  var top: Markup {
    let movers = overview.movers
    if movers.isEmpty { return "" }
    let count = words.rules.count
    let largest = movers.map { count.bytes(of: $0.traffic) }.max() ?? 0
    let total = count.bytes(of: overview.traffic)
    let table = PageTable<Mover>(columns: [
      ("User", "name", { "\($0.owner)" }),
      ("Download", "wide", { "\(words.size($0.traffic.sent))" }),
      ("Upload", "wide", { "\(words.size($0.traffic.received))" }),
      (count == .total ? "Total" : "Counted", "", { "\(words.size(count.bytes(of: $0.traffic)))" }),
      ("", "meter", { Page.meter(share(count.bytes(of: $0.traffic), of: largest), "down") }),
      ("Share", "wide", { "\(percent(share(count.bytes(of: $0.traffic), of: total)))" }),
    ])
    return Page.section("Top users", table.markup(movers, "users"))
  }

  var near: Markup {
    let title = "Quotas nearly used up"
    if overview.near.isEmpty {
      return Page.section(title, "<p>Nobody is between 80% and all of a quota.</p>")
    }
    return quotas(title, overview.near, last: "Used up")
  }

  var over: Markup {
    overview.over.isEmpty
      ? "" : quotas("Quotas used up", overview.over, last: "Sessions")
  }

  private func quotas(_ title: String, _ users: [Overview.Pressed], last: Markup) -> Markup {
    let rules = words.rules
    var table = PageTable<Overview.Pressed>(columns: [
      ("User", "name", { "\($0.user.name)" }),
      ("Used", "", { "\(words.size($0.user.used(by: rules)))" }),
      ("Quota", "wide", { "\(words.size($0.user.entitlement.limit))" }),
      (
        "", "meter wide",
        { Page.meter($0.user.shareOfLimit(by: rules), ink(of: $0)) }
      ),
      ("Share", "", { "<span class=\"\(ink(of: $0))\">\(shareOfQuota($0.user))</span>" }),
      (
        last, "",
        { "\($0.isOver ? Page.grouped(overview.openSessions(of: $0.user)) : forecast($0))" }
      ),
    ])
    if users.contains(where: { $0.user.isSlowed(by: rules) }) {
      table.columns.append(
        ("Goes on", "", { "\($0.user.slowRateInWords(by: rules))" }))
    }
    return Page.section(title, table.markup(users, "users"))
  }

  private func ink(of pressed: Overview.Pressed) -> Markup { pressed.isOver ? "over" : "near" }

  /// How much of a quota is used; of a tiny one that may be a number as long as a line.
  private func shareOfQuota(_ user: UserRecord) -> String {
    user.shareOfLimit(by: words.rules) < 10
      ? user.percentage(by: words.rules) ?? "" : "over 999%"
  }

  /// When a quota is used up if its user goes on as so far; of one that lasts, until when.
  private func forecast(_ pressed: Overview.Pressed) -> String {
    let reset = pressed.user.entitlement.span.end
    guard let end = pressed.end else {
      return reset == .max
        ? "not soon" : "lasts to \(Page.date(Day(of: reset, in: words.zone)))"
    }
    let today = Day(of: overview.now, in: words.zone)
    let day = Day(of: end, in: words.zone)
    if day == today { return "today" }
    if day.number - today.number > 365 { return "not soon" }
    return Page.date(day)
  }

  var incidents: Markup {
    let incidents = overview.incidents
    if incidents.isEmpty {
      return Page.section(
        "Refused and disconnected", "<p>Nobody was refused or disconnected.</p>")
    }
    let table = PageTable<Event>(columns: [
      ("User", "name", { "\($0.user)" }),
      ("What and why", "text", { "\(Page.reason(for: $0))" }),
      ("Times", "", { "\(Page.grouped($0.count)) ×" }),
      ("Last", "wide", { "\(words.time($0.lastAt))" }),
    ])
    return Page.section("Refused and disconnected", table.markup(incidents, "lines"))
  }

  private static func reason(for incident: Event) -> String {
    let reason = Reason(rawValue: incident.detail)?.text ?? incident.detail
    return "\(incident.isKill ? "disconnected" : "refused"): \(reason)"
  }
}

/// All there is to know at a glance: what was moved, by whom, whose quota comes to its end, and who
/// was kept out.
struct Overview {
  let window: Window
  let words: Words
  /// Seconds since 1970 in UTC.
  let now: Int64

  var rules: Rules { words.rules }

  private(set) var days: [UsagePoint] = []
  private(set) var movers: [Mover] = []
  /// Users whose quota is nearly used up, those first who use it up first.
  private(set) var near: [Pressed] = []
  /// Users whose quota is used up, the worst first.
  private(set) var over: [Pressed] = []
  /// Refusals and disconnections, the most frequent first.
  private(set) var incidents: [Event] = []
  private(set) var users = 0
  private(set) var openSessions = 0
  /// Whether it is about all hosts that share their users, but for refusals and disconnections.
  let isOfAllHosts: Bool

  struct Pressed {
    let user: UserRecord
    /// When the quota is used up if the user goes on as in this period so far, in seconds since 1970
    /// in UTC; nil where the period ends before.
    let end: Int64?
    let isOver: Bool
  }

  /// Percents of a quota from which on it is nearly used up.
  static let nearlyUsedUp: Int64 = 80

  /// Asks the ledger, all as of one moment.
  ///
  /// - Parameter usage: what was moved on all hosts; nil where it is about this one.
  init(
    _ ledger: Ledger, _ window: Window, _ words: Words, ofAllHosts usage: AllHosts.Sums? = nil,
    now: Int64
  ) throws {
    self.window = window
    self.words = words
    self.now = now
    isOfAllHosts = usage != nil
    try ledger.snapshot {
      let sums = try usage?.sums ?? ledger.usage.sums(in: window.days)
      addUp(sums, of: try usage?.owners ?? ledger.users.owners())
      try readQuotas(ledger)
      incidents = try ledger.events.incidents(in: window.time)
    }
  }

  var traffic: Traffic { movers.reduce(Traffic()) { $0 + $1.traffic } }

  private mutating func addUp(_ usage: UsageSums, of owners: [Int64: Owner]) {
    var sums = usage
    // A chart begins where the window does, unless that is long before anything was moved.
    if !sums.byDay.isEmpty, window.newest.number - window.days.lowerBound.number <= 400 {
      sums.byDay[window.days.lowerBound, default: Traffic()] += Traffic()
    }
    days = usageSeries(sums.byDay, by: .day, through: window.newest)
    movers = Mover.ranked(sums.byUser, owners, by: rules.count)
  }

  private mutating func readQuotas(_ ledger: Ledger) throws {
    var (users, sessions) = (0, 0)
    var pressed: [Pressed] = []
    try ledger.users.forEach(at: now) { user in
      users += 1
      sessions += openSessions(of: user)
      if let found = examine(user) { pressed.append(found) }
    }
    (self.users, openSessions) = (users, sessions)
    over = pressed.filter(\.isOver).sorted(by: isWorse)
    near = pressed.filter { !$0.isOver }.sorted { left, right in
      let (sooner, later) = (left.end ?? .max, right.end ?? .max)
      return sooner == later ? isWorse(left, right) : sooner < later
    }
  }

  /// Live sessions, by what this host last heard of the others.
  func openSessions(of user: UserRecord) -> Int {
    user.openSessions + (isOfAllHosts ? Int(clamping: user.entitlement.sessionsElsewhere) : 0)
  }

  private func isWorse(_ left: Pressed, _ right: Pressed) -> Bool {
    let worse = left.user.shareOfLimit(by: rules)
    let better = right.user.shareOfLimit(by: rules)
    return worse == better
      ? left.user.name.bytes.lexicographicallyPrecedes(right.user.name.bytes) : worse > better
  }

  private func examine(_ user: UserRecord) -> Pressed? {
    guard user.entitlement.limit > 0, !user.entitlement.isExempt,
      user.shareOfLimit(by: rules) * 100 >= Double(Overview.nearlyUsedUp)
    else { return nil }
    let isOver = user.used(by: rules) >= user.entitlement.limit
    return Pressed(user: user, end: isOver ? now : user.projectedEnd(by: rules), isOver: isOver)
  }
}
