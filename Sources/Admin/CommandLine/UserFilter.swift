import ArgumentParser
import Ledger
import Quota

/// Which users are listed, and in what order.
struct UserFilter: ParsableArguments {
  @Flag(help: "Only who has used up the quota.")
  var over = false
  @Flag(help: "Only who is near the quota: past the least percentage of NOTIFY_AT, and not over.")
  var near = false
  @Flag(help: "Only who is disabled.")
  var disabled = false
  @Flag(help: "Only whose time is over.")
  var expired = false
  @Flag(help: "Only who had a live session at the last sweep.")
  var online = false
  @Option(help: "Order by name, used, quota, share, sessions or created; the largest first.")
  var sort = Order.name
  @Flag(help: "Turn the order round.")
  var reverse = false

  /// Whether every user passes.
  var isEmpty: Bool { !(over || near || disabled || expired || online) }

  /// What a list may be ordered by.
  enum Order: String, ExpressibleByArgument, CaseIterable {
    case name, used, quota, share, sessions, created
  }

  /// Hands on who passes, in order.
  ///
  /// - Parameter each: hands every user to a body, in the order of names.
  func apply(
    by rules: Rules, nearFrom percent: Int, _ each: ((UserRecord) -> Void) throws -> Void
  ) rethrows -> [UserRecord] {
    var users: [UserRecord] = []
    try each { user in
      if passes(user, by: rules, nearFrom: percent) { users.append(user) }
    }
    if sort != .name { order(&users, by: rules) }
    return reverse ? users.reversed() : users
  }

  private func passes(_ user: UserRecord, by rules: Rules, nearFrom percent: Int) -> Bool {
    if disabled, user.entitlement.isEnabled { return false }
    if online, user.openSessions == 0 { return false }
    if expired, user.entitlement.expiresAt.map({ $0 > user.at }) ?? true { return false }
    guard over || near else { return true }
    let share = user.shareOfLimit(by: rules)
    if over, near { return share * 100 >= Double(percent) }
    return over ? share >= 1 : share * 100 >= Double(percent) && share < 1
  }

  /// Sorts by a number, the largest first; equal ones stay in the order of names.
  private func order(_ users: inout [UserRecord], by rules: Rules) {
    let keys = users.map { key(of: $0, by: rules) }
    let places = users.indices.sorted { keys[$0] == keys[$1] ? $0 < $1 : keys[$0] > keys[$1] }
    users = places.map { users[$0] }
  }

  private func key(of user: UserRecord, by rules: Rules) -> Double {
    switch sort {
    case .name: 0
    case .used: Double(user.used(by: rules))
    // No quota is more than any.
    case .quota: user.entitlement.limit == 0 ? .infinity : Double(user.entitlement.limit)
    case .share: user.shareOfLimit(by: rules)
    case .sessions: Double(user.openSessions)
    case .created: Double(user.createdAt ?? 0)
    }
  }
}
