import Ledger
import Quota
import Support

/// Usage in a stretch of time, in each of the ways that it can be added up.
struct UsageReport {
  let window: Window
  let words: Words
  /// Seconds since 1970 in UTC, which a series of hours goes on to at most.
  let now: Int64

  /// What one user, or everybody together, moved in an hour, a day, a week or a month, or over a
  /// server.
  struct Line {
    let user: UserName?
    /// The hour, the day, the server or the host for people.
    let label: String
    /// The same for programs; nil for sessions that no sweep saw.
    let value: String?
    var sessions: Int64 = 0
    var traffic: Traffic
  }

  /// A session, live or over, and whose it is.
  typealias OwnedSession = (owner: Owner?, past: PastSession)

  /// What one user moved.
  ///
  /// - Parameters:
  ///   - number: the user's number in the ledger; nil for everybody together.
  ///   - name: the user's name; nil for everybody together.
  func lines(
    of number: Int64?, called name: UserName?, by grouping: Usage.Grouping, _ ledger: Ledger
  ) throws -> [Line] {
    if let step = UsageStep(rawValue: grouping.rawValue) {
      let usage = try ledger.usage.sums(of: number, in: days(by: step)).byDay
      return series(usage, called: name, by: step)
    }
    if grouping == .hour {
      return try hours(of: number, ledger).map { start, traffic in
        Line(user: name, label: words.time(start), value: isoTime(start), traffic: traffic)
      }
    }
    var servers: [String?: Line] = [:]
    try ledger.sessions.forEach(of: number, in: window.time) { past in
      let session = past.session
      let new = Line(
        user: name, label: session.server ?? "-", value: session.server, traffic: Traffic())
      servers[session.server, default: new].sessions += 1
      servers[session.server]?.traffic += session.counters
    }
    return servers.values.sorted { ($0.value ?? "") < ($1.value ?? "") }
  }

  /// What users moved on all hosts.
  func lines(
    of subjects: [(name: UserName?, number: Int64?)], by grouping: Usage.Grouping,
    _ hosts: AllHosts
  ) throws -> [Line] {
    let step = UsageStep(rawValue: grouping.rawValue)
    let days = step.map { self.days(by: $0) } ?? window.days
    let answers = try hosts.usage(of: subjects, in: days, by: step == nil ? .host : .day)
    var lines: [Line] = []
    for (subject, rows) in zip(subjects, answers) {
      if let step {
        var usage: [Day: Traffic] = [:]
        for row in rows { usage[row.day ?? .beforeEveryLedger] = row.traffic }
        lines += series(usage, called: subject.name, by: step)
      } else {
        for row in rows.sorted(by: { $0.host ?? "" < $1.host ?? "" }) {
          lines.append(
            Line(user: subject.name, label: row.host ?? "", value: row.host, traffic: row.traffic))
        }
      }
    }
    return lines
  }

  /// The days that a series is about. The first and the last step are whole, even where the window has
  /// only a part of them.
  private func days(by step: UsageStep) -> ClosedRange<Day> {
    let first = step.first(around: window.days.lowerBound)
    let last = step.next(after: step.first(around: window.days.upperBound)) + -1
    return first...max(first, last)
  }

  /// Days, weeks or months.
  private func series(
    _ usage: [Day: Traffic], called name: UserName?, by step: UsageStep
  ) -> [Line] {
    usageSeries(usage, by: step, through: window.newest).map { point in
      Line(
        user: name, label: label(point.start, step), value: point.start.description,
        traffic: point.traffic)
    }
  }

  /// What people call a step: its first day, or a month without the day.
  private func label(_ start: Day, _ step: UsageStep) -> String {
    if start == .beforeEveryLedger { return "earlier" }
    return step == .month ? String(start.description.dropLast(3)) : start.description
  }

  /// The hours from the first with any use on, those without any with zeros. A gap of more than a
  /// year is left out, for it comes of a clock that was wrong.
  private func hours(
    of number: Int64?, _ ledger: Ledger
  ) throws -> [(start: Int64, traffic: Traffic)] {
    let usage = try ledger.usage.hourly(of: number, in: window.time)
    let used = usage.keys.sorted()
    var hours: [(start: Int64, traffic: Traffic)] = []
    for (index, start) in used.enumerated() {
      hours.append((start, usage[start] ?? Traffic()))
      let next = index + 1 < used.count ? used[index + 1] : min(window.time.upperBound, now)
      guard saturatingSum(next, -366 * 86_400) < start else { continue }
      var hour = words.zone.startOfHour(around: saturatingSum(start, 3600))
      while hour < next, hour > start {
        hours.append((hour, Traffic()))
        hour = words.zone.startOfHour(around: saturatingSum(hour, 3600))
      }
    }
    return hours
  }

  /// The sessions of a user that were live at some time in the window.
  func sessions(
    of number: Int64?, _ ledger: Ledger, _ owners: [Int64: Owner]
  ) throws -> [OwnedSession] {
    var sessions: [OwnedSession] = []
    try ledger.sessions.forEach(of: number, in: window.time) { session in
      sessions.append((owners[session.user], session))
    }
    return sessions
  }

  func listing(_ lines: [Line], by grouping: Usage.Grouping, namesUsers: Bool) -> Listing<Line> {
    let count = words.rules.count
    let what: [Column<Line>] =
      switch grouping {
      case .server:
        [
          .text("SERVER", key: "server") { $0.value },
          .number("SESSIONS", key: "sessions") { $0.sessions },
        ]
      case .host: [.text("HOST", key: "host") { $0.value }]
      default:
        [
          .text(.text(grouping.rawValue.uppercased())) { $0.label },
          .text(key: "start") { $0.value },
        ]
      }
    var listing = Listing(
      "usage", lines,
      [.user(namesUsers ? "USER" : nil) { $0.user }] + what
        + [.traffic { $0.traffic }, .counted(count) { $0.traffic }])
    listing.about = [("by", grouping.rawValue)]
    listing.ifEmpty = Words.noUsage
    listing.bar = { count.bytes(of: $0.traffic) }
    return listing
  }

  func listing(_ sessions: [OwnedSession]) -> Listing<OwnedSession> {
    let (count, now) = (words.rules.count, now)
    var listing = Listing<OwnedSession>(
      "usage", sessions,
      [
        .text("USER") { Words.owner($0.owner) },
        .user { $0.owner?.name },
        .text(.optional("SERVER"), key: "server") { $0.past.session.server },
        .text(key: "address") { $0.past.session.address },
        .text(.optional("FROM"), key: "real_address") { $0.past.session.realAddress },
        .time("SINCE", key: "connected_since") { $0.past.session.connectedSince },
        .text("LASTED") { $0.past.length(at: now) },
        .time(key: "closed_at") { $0.past.closedAt },
        .traffic { $0.past.session.counters },
        .number(key: "bytes_counted") { count.bytes(of: $0.past.session.counters) },
      ])
    listing.about = [("by", "session")]
    listing.ifEmpty = Words.noUsage
    return listing
  }
}

extension PastSession {
  /// How long it has lasted, and whether it still does.
  fileprivate func length(at now: Int64) -> String {
    let seconds = saturatingSum(closedAt ?? now, -max(session.connectedSince, -.max))
    return Words.duration(max(0, seconds)) + (closedAt == nil ? ", live" : "")
  }
}
