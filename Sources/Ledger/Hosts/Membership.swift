import Quota
import SQLite

/// That this host is one of several, and what it knows of the centre.
package struct Membership: Equatable, Sendable {
  /// What this host is called in the centre.
  package let host: String
  /// 32 random hexadecimal digits, drawn when it joined.
  package let id: String
  /// Drawn each time that the centre is told something, and those before it, as far as it is not known
  /// which of them the centre has: it has one of all, unless this ledger is a restored or a copied one.
  package let token: String
  package let formerTokens: [String]
  /// Which centre that was told; empty where it is not known yet.
  package let centre: String
  /// How many times a restored centre had been given back what it lost, when this host last heard of it.
  package let epoch: Int64
  /// The version of the facts up to which this ledger has them all.
  package let factsSeen: Int64
  /// The versions of the other hosts' usage up to which it was taken in.
  package let usageSeen: [String: Int64]
  /// When the centre last gave all its news, in seconds since 1970 in UTC; nil for never.
  package let heardAt: Int64?
  /// How many hosts there are, this one included.
  package let hosts: Int64
  /// The first day whose changes go with usage: changes of earlier ones are noted one by one. Nil where no
  /// day was ever told.
  package let toldDay: Day?
  /// The days before this one are still to be told; nil for none, and where that has not begun.
  package let history: Day?
}

extension Membership {
  /// All tokens that the centre may have.
  package var tokens: [String] { formerTokens + [token] }

  /// Bytes that a user can use beyond their quota as long as the hosts hear nothing of each other: each other
  /// host lets them have what was left or, with a fence on every host and nobody let on without news, its share
  /// of that.
  package func mostBeyond(for user: UserRecord, by rules: Rules) -> Int64 {
    let entitlement = user.entitlement
    if entitlement.quota == 0 || entitlement.isExempt { return 0 }
    let left = max(0, entitlement.limitWithGrace - rules.count.bytes(of: entitlement.usedInAll))
    let others = max(0, hosts - 1)
    func times(_ hosts: Int64, _ bytes: Int64) -> Int64 {
      let (most, isTooMuch) = bytes.multipliedReportingOverflow(by: hosts)
      return isTooMuch ? .max : most
    }
    guard rules.isFenced, rules.staleness.answer == .reject else { return times(others, left) }
    let live = min(user.row.elsewhere?.hosts ?? 0, others)
    let sharing = live + (user.openSessions > 0 ? 1 : 0)
    // One that they come to meanwhile counts itself, too.
    return saturatingSum(
      times(live, left / max(1, sharing)), times(others - live, left / (sharing + 1)))
  }
}

/// What a user used on this host in one period. Absolute, so that it can be told twice.
package struct OwnUsage: Equatable, Sendable {
  /// The user's uid.
  package let user: String
  /// In seconds since 1970 in UTC.
  package let periodStart: Int64
  package let traffic: Traffic
  /// Live sessions; 0 for a period that is over.
  package let sessions: Int64

  package init(user: String, periodStart: Int64, traffic: Traffic, sessions: Int64) {
    self.user = user
    self.periodStart = periodStart
    self.traffic = traffic
    self.sessions = sessions
  }
}

/// What a user used on all other hosts in one period.
package struct ElsewhereUsage: Equatable, Sendable {
  package let periodStart: Int64
  package let traffic: Traffic
  /// Live sessions.
  package let sessions: Int64
  /// On how many other hosts there are live ones.
  package let hosts: Int64

  package init(
    periodStart: Int64, traffic: Traffic = Traffic(), sessions: Int64 = 0, hosts: Int64 = 0
  ) {
    self.periodStart = periodStart
    self.traffic = traffic
    self.sessions = sessions
    self.hosts = hosts
  }
}
