import Ledger
import Quota

extension Page {
  /// The figures at the head of the page.
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

  static func tile(_ label: String, _ figure: String, _ detail: Markup) -> Markup {
    """
    <div class="tile"><h2>\(label)</h2><p class="figure">\(figure)</p><p>\(detail)</p></div>
    """
  }

  /// What was moved on each day.
  static func chart(_ title: String, _ days: [UsagePoint], _ words: Words) -> Markup {
    if days.isEmpty { return section(title, "<p>Nothing was moved.</p>") }
    return section(
      title,
      """
      <p class="legend"><span class="key down"></span>download \
      <span class="key up"></span>upload</p>
      \(DayChart(days: days, words: words).markup)
      """)
  }

  /// Who moved the most.
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

  /// Whose quota is nearly used up, and when it will be.
  var near: Markup {
    let title = "Quotas nearly used up"
    if overview.near.isEmpty {
      return Page.section(title, "<p>Nobody is between 80% and all of a quota.</p>")
    }
    return quotas(title, overview.near, last: "Used up")
  }

  /// Whose quota is used up.
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

  /// Who was refused or disconnected, and why.
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

  static func section(_ title: String, _ content: Markup) -> Markup {
    """
    <section>
    <h2>\(title)</h2>
    \(content)
    </section>
    """
  }

  /// A bar in a table, of a share from 0 to 1.
  static func meter(_ share: Double, _ ink: Markup) -> Markup {
    """
    <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">\
    <rect class="track" width="100" height="10"/>\
    <rect class="\(ink)" width="\(decimal: min(share, 1) * 100)" height="10"/></svg>
    """
  }
}

/// A table of the page: of each column the heading, the class, and what is in its cells.
struct PageTable<Row> {
  var columns: [(heading: Markup, style: Markup, cell: (Row) -> Markup)]

  /// The first rows, and how many more there are.
  func markup(_ rows: [Row], _ what: String) -> Markup {
    let head = columns.map { cell("th", $0.style, $0.heading) }
    let body = rows.prefix(Page.longest).map { row in
      line(columns.map { cell("td", $0.style, $0.cell(row)) })
    }
    return """
      <table>
      <thead>\(line(head))</thead>
      <tbody>
      \(Markup(body))
      </tbody>
      </table>
      \(Page.remainder(rows.count - Page.longest, what))
      """
  }

  private func line(_ cells: [Markup]) -> Markup {
    "<tr>\(cells.reduce("") { "\($0)\($1)" as Markup })</tr>"
  }

  private func cell(_ tag: Markup, _ style: Markup, _ content: Markup) -> Markup {
    style.html.isEmpty
      ? "<\(tag)>\(content)</\(tag)>" : "<\(tag) class=\"\(style)\">\(content)</\(tag)>"
  }
}
