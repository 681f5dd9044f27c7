import CommandSupport
import Ledger
import Quota
import SQLite

/// All there is to know at a glance: what was moved, by whom, whose quota comes to its end, and who
/// was kept out.
struct Overview {
  let window: Window
  let zone: Zone
  /// Seconds since 1970 in UTC.
  let now: Int64
  let rules: Rules

  /// What everybody together moved, day by day.
  private(set) var days: [UsagePoint] = []
  /// Who moved anything, the most first.
  private(set) var movers: [Mover] = []
  /// Users whose quota is nearly used up, those first who use it up first.
  private(set) var near: [Pressed] = []
  /// Users whose quota is used up, the worst first.
  private(set) var over: [Pressed] = []
  /// Refusals and disconnections, the most frequent first.
  private(set) var incidents: [Incident] = []
  private(set) var users = 0
  private(set) var openSessions = 0

  /// A user who moved something.
  struct Mover {
    /// Nil for one who was removed since.
    let name: UserName?
    let traffic: Traffic
  }

  /// A user whose quota is nearly or wholly used up.
  struct Pressed {
    let user: UserRecord
    /// When the quota is used up if the user goes on as in the last seven days, in seconds since
    /// 1970 in UTC; nil where the user did not move anything then.
    let end: Int64?
    let isOver: Bool
  }

  /// Percents of a quota from which on it is nearly used up.
  static let nearlyUsedUp: Int64 = 80
  /// How many days a projection looks back on, the present one included.
  private static let observed: Int64 = 7

  /// Asks the ledger, all as of one moment.
  init(
    _ ledger: Ledger, _ window: Window, _ rules: Rules, zone: Zone, now: Int64
  ) throws(SQLiteError) {
    self.window = window
    self.rules = rules
    self.zone = zone
    self.now = now
    try ledger.snapshot { () throws(SQLiteError) in
      let names = try ledger.owners()
      try readUsage(ledger, names)
      try readQuotas(ledger, names)
      incidents = try ledger.incidents(in: window.time)
    }
  }

  /// What everybody moved.
  var traffic: Traffic { movers.reduce(Traffic()) { $0 + $1.traffic } }

  private mutating func readUsage(
    _ ledger: Ledger, _ names: [Int64: UserName]
  ) throws(SQLiteError) {
    var byDay: [Day: Traffic] = [:]
    var byUser: [Int64: Traffic] = [:]
    try ledger.forEachDay(in: window.days) { usage in
      byDay[usage.day, default: Traffic()] += usage.traffic
      byUser[usage.user, default: Traffic()] += usage.traffic
    }
    // A chart begins where the window does, unless that is long before anything was moved.
    if !byDay.isEmpty, window.newest.number - window.days.lowerBound.number <= 400 {
      byDay[window.days.lowerBound, default: Traffic()] += Traffic()
    }
    days = usageSeries(byDay, by: .day, through: window.newest)
    let count = rules.count
    movers = byUser.sorted { left, right in
      let (more, less) = (count.bytes(of: left.value), count.bytes(of: right.value))
      return more == less ? left.key < right.key : more > less
    }.map { Mover(name: names[$0.key], traffic: $0.value) }
  }

  private mutating func readQuotas(
    _ ledger: Ledger, _ names: [Int64: UserName]
  ) throws(SQLiteError) {
    let today = Day(of: now, in: zone)
    let first = today + (1 - Overview.observed)
    let recent = try ledger.usageByUser(in: first...today)
    let numbers = Dictionary(names.map { ($1, $0) }, uniquingKeysWith: { $1 })
    let start = zone.start(of: first)
    var (users, sessions) = (0, 0)
    var pressed: [Pressed] = []
    try ledger.forEachUser(at: now) { user in
      users += 1
      sessions += user.openSessions
      let moved = numbers[user.name].flatMap { recent[$0] } ?? Traffic()
      if let found = examine(user, moved: moved, since: start) { pressed.append(found) }
    }
    (self.users, openSessions) = (users, sessions)
    over = pressed.filter(\.isOver).sorted(by: isWorse)
    near = pressed.filter { !$0.isOver }.sorted { left, right in
      let (sooner, later) = (left.end ?? .max, right.end ?? .max)
      return sooner == later ? isWorse(left, right) : sooner < later
    }
  }

  private func isWorse(_ left: Pressed, _ right: Pressed) -> Bool {
    let (worse, better) = (portion(left.user), portion(right.user))
    return worse == better
      ? left.user.name.bytes.lexicographicallyPrecedes(right.user.name.bytes) : worse > better
  }

  /// A user whose quota is nearly or wholly used up, nil for others.
  ///
  /// - Parameters:
  ///   - moved: what he moved lately.
  ///   - start: since when, in seconds since 1970 in UTC.
  private func examine(_ user: UserRecord, moved: Traffic, since start: Int64) -> Pressed? {
    let quota = user.standing.quota
    guard quota > 0, portion(user) * 100 >= Double(Overview.nearlyUsedUp) else { return nil }
    let left = quota - user.used(by: rules)
    if left <= 0 { return Pressed(user: user, end: now, isOver: true) }
    let recent = rules.count.bytes(of: moved)
    let (limit, isTooMuch) = recent.addingReportingOverflow(left)
    let end = projectedEnd(
      used: recent, of: isTooMuch ? .max : limit, since: start, now: now)
    return Pressed(user: user, end: end, isOver: false)
  }

  /// What part of the quota is used.
  private func portion(_ user: UserRecord) -> Double {
    share(user.used(by: rules), of: user.standing.quota)
  }
}
