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
      \(tile("Moved", words.size(traffic.total), """
        \(words.size(traffic.sent)) down, \(words.size(traffic.received)) up
        """))
      \(tile("Active users", Page.grouped(Int64(overview.movers.count)), """
        of \(Page.grouped(Int64(overview.users))); live sessions: \
        \(Page.grouped(Int64(overview.openSessions)))
        """))
      \(tile("Over quota", Page.grouped(Int64(overview.over.count)), """
        and \(Page.grouped(Int64(overview.near.count))) at \(Int(Overview.nearlyUsedUp))% or more
        """))
      \(tile("Refused", Page.grouped(total(refused)), """
        times; \(Page.grouped(total(killed))) disconnected
        """))
      </section>
      """
  }

  private func percent(_ share: Double) -> String {
    let tenths = Int((share * 1000).rounded(.down))
    return "\(tenths / 10).\(tenths % 10)%"
  }

  private func total(_ incidents: [Event]) -> Int64 {
    incidents.reduce(0) { Traffic(received: $0, sent: $1.count).total }
  }

  private func tile(_ label: String, _ figure: String, _ detail: Markup) -> Markup {
    """
    <div class="tile"><h2>\(label)</h2><p class="figure">\(figure)</p><p>\(detail)</p></div>
    """
  }

  /// What was moved on each day.
  var usage: Markup {
    if overview.days.isEmpty {
      return section("Usage per day", "<p>Nothing was moved.</p>")
    }
    return section(
      "Usage per day",
      """
      <p class="legend"><span class="key down"></span>download \
      <span class="key up"></span>upload</p>
      \(DayChart(days: overview.days, words: words).markup)
      """)
  }

  /// Who moved the most.
  var top: Markup {
    let movers = overview.movers
    if movers.isEmpty { return "" }
    let count = words.rules.count
    let largest = movers.map { count.bytes(of: $0.traffic) }.max() ?? 0
    let total = count.bytes(of: overview.traffic)
    let rows = movers.prefix(Page.longest).map { mover -> Markup in
      let counted = count.bytes(of: mover.traffic)
      return """
        <tr><td class="name">\(mover.owner)</td>\
        <td class="wide">\(words.size(mover.traffic.sent))</td>\
        <td class="wide">\(words.size(mover.traffic.received))</td>\
        <td>\(words.size(counted))</td>\
        <td class="meter">\(meter(share(counted, of: largest), "down"))</td>\
        <td class="wide">\(percent(share(counted, of: total)))</td></tr>
        """
    }
    return section(
      "Top users",
      """
      <table>
      <thead><tr><th class="name">User</th><th class="wide">Download</th>\
      <th class="wide">Upload</th><th>\(count == .total ? "Total" : "Counted")</th>\
      <th class="meter"></th><th class="wide">Share</th></tr></thead>
      <tbody>
      \(Markup(rows))
      </tbody>
      </table>
      \(Page.remainder(movers.count - Page.longest, "users"))
      """)
  }

  /// Whose quota is nearly used up, and when it will be.
  var near: Markup {
    let title = "Quotas nearly used up"
    if overview.near.isEmpty {
      return section(title, "<p>Nobody is between 80% and all of a quota.</p>")
    }
    return quotas(title, overview.near, last: "Used up")
  }

  /// Whose quota is used up.
  var over: Markup {
    overview.over.isEmpty
      ? "" : quotas("Quotas used up", overview.over, last: "Sessions")
  }

  private func quotas(_ title: String, _ users: [Overview.Pressed], last: String) -> Markup {
    section(
      title,
      """
      <table>
      <thead><tr><th class="name">User</th><th>Used</th><th class="wide">Quota</th>\
      <th class="meter wide"></th><th>Share</th><th>\(last)</th></tr></thead>
      <tbody>
      \(Markup(users.prefix(Page.longest).map(row)))
      </tbody>
      </table>
      \(Page.remainder(users.count - Page.longest, "users"))
      """)
  }

  private func row(_ pressed: Overview.Pressed) -> Markup {
    let (user, rules) = (pressed.user, words.rules)
    let used = user.used(by: rules)
    let ink: Markup = pressed.isOver ? "over" : "near"
    let last =
      pressed.isOver ? Page.grouped(Int64(user.openSessions)) : forecast(pressed)
    return """
      <tr><td class="name">\(user.name)</td><td>\(words.size(used))</td>\
      <td class="wide">\(words.size(user.entitlement.limit))</td>\
      <td class="meter wide">\(meter(share(used, of: user.entitlement.limit), ink))</td>\
      <td class="\(ink)">\(shareOfQuota(user))</td><td>\(last)</td></tr>
      """
  }

  /// How much of a quota is used; of a tiny one that may be a number as long as a line.
  private func shareOfQuota(_ user: UserRecord) -> String {
    let rules = words.rules
    return share(user.used(by: rules), of: user.entitlement.limit) < 10
      ? user.percentage(by: rules) ?? "" : "over 999%"
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
      return section(
        "Refused and disconnected", "<p>Nobody was refused or disconnected.</p>")
    }
    let rows = incidents.prefix(Page.longest).map { incident -> Markup in
      let reason = Reason(rawValue: incident.detail)?.text ?? incident.detail
      return """
        <tr><td class="name">\(incident.user)</td>\
        <td class="text">\(incident.isKill ? "disconnected" : "refused"): \(reason)</td>\
        <td>\(Page.grouped(incident.count)) ×</td>\
        <td class="wide">\(words.time(incident.lastAt))</td></tr>
        """
    }
    return section(
      "Refused and disconnected",
      """
      <table>
      <thead><tr><th class="name">User</th><th class="text">What and why</th><th>Times</th>\
      <th class="wide">Last</th></tr></thead>
      <tbody>
      \(Markup(rows))
      </tbody>
      </table>
      \(Page.remainder(incidents.count - Page.longest, "lines"))
      """)
  }

  private func section(_ title: String, _ content: Markup) -> Markup {
    """
    <section>
    <h2>\(title)</h2>
    \(content)
    </section>
    """
  }

  /// A bar in a table, of a share from 0 to 1.
  private func meter(_ share: Double, _ ink: Markup) -> Markup {
    """
    <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">\
    <rect class="track" width="100" height="10"/>\
    <rect class="\(ink)" width="\(decimal: min(share, 1) * 100)" height="10"/></svg>
    """
  }
}
