import Support
import Ledger
import Quota

/// All there is to know at a glance: what was moved, by whom, whose quota comes to its end, and who
/// was kept out.
struct Overview {
  let window: Window
  let words: Words
  /// Seconds since 1970 in UTC.
  let now: Int64

  var rules: Rules { words.rules }

  /// What everybody together moved, day by day.
  private(set) var days: [UsagePoint] = []
  /// Who moved anything, the most first.
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

  /// A user whose quota is nearly or wholly used up.
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

  /// What everybody moved.
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

  /// A user whose quota is nearly or wholly used up, nil for others.
  private func examine(_ user: UserRecord) -> Pressed? {
    guard user.entitlement.limit > 0, !user.entitlement.isExempt,
      user.shareOfLimit(by: rules) * 100 >= Double(Overview.nearlyUsedUp)
    else { return nil }
    let isOver = user.used(by: rules) >= user.entitlement.limit
    return Pressed(user: user, end: isOver ? now : user.projectedEnd(by: rules), isOver: isOver)
  }
}
