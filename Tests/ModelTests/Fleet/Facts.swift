import Quota

/// What administrators have laid down, in the truth's own words: what the centre has, or what a host knows
/// of it.
struct Facts {
  /// Whether usage starts over each day.
  var isDaily = false
  var people: [Int: Fact] = [:]
  /// Quotas by the names of plans.
  var plans: [String: Plan] = [:]
  /// The centre's version when they were heard.
  var version: Int64 = 0

  /// A user, by the number of whom it is about.
  struct Fact {
    var name: String
    /// Bytes; nil where the plan has it.
    var quota: Int64?
    var plan: String?
    var isEnabled = true
    var isRemoved = false
    /// When usage last started over, in seconds since 1970.
    var resetAt: Int64?
    var grants: [Grant] = []
    /// Raised by each change of all but grants.
    var version: Int
    /// Whether some of it is still to come, by the host's clock.
    var isWaiting = false
  }

  struct Plan {
    var quota: Int64
    var version: Int
  }

  struct Grant {
    let bytes: Int64
    let periodStart: Int64
    var isRevoked = false
  }

  /// The number of the user who has a name.
  func number(of name: String) -> Int? {
    people.first { $0.value.name == name && !$0.value.isRemoved }?.key
  }

  /// Takes in what another knows better.
  mutating func merge(_ other: Facts) {
    people.merge(other.people) { mine, theirs in
      let isOlder = mine.version < theirs.version
      var last = isOlder ? theirs : mine
      for (place, grant) in (isOlder ? mine : theirs).grants.enumerated() {
        if place == last.grants.count { last.grants.append(grant) }
        if grant.isRevoked { last.grants[place].isRevoked = true }
      }
      return last
    }
    plans.merge(other.plans) { $0.version < $1.version ? $1 : $0 }
  }

  var present: [Int] { people.filter { !$0.value.isRemoved }.keys.sorted() }

  /// What a user may use in a period, 0 for everything.
  func limit(of number: Int, since start: Int64) -> Int64 {
    guard let fact = people[number] else { return 0 }
    let quota = fact.quota ?? fact.plan.flatMap { plans[$0]?.quota } ?? 0
    if quota == 0 { return 0 }
    // A grant is for the day, whatever was reset in it.
    let granted = fact.grants.filter { grant in
      !grant.isRevoked && (!isDaily || grant.periodStart / day == start / day)
    }
    return granted.reduce(quota) { $0 + $1.bytes }
  }
}

/// One who moves bytes, and what of it each host has counted, by the beginning of the period that it was
/// in by what that host knew.
final class Person {
  let number: Int
  /// By the hosts' places.
  var usage: [[Int64: Traffic]]
  /// Whether a sweep saw them, where they are a stranger.
  var isSeen = false
  /// Of hosts that were restored, what they may have told before.
  var told: [[Int64: Traffic]]

  init(number: Int, hosts: Int) {
    self.number = number
    usage = Array(repeating: [:], count: hosts)
    told = usage
  }

  func used(on host: Int, since start: Int64) -> Traffic { usage[host][start] ?? Traffic() }

  /// What all hosts but one may count for it at most; all where none is left out.
  func most(since start: Int64, butOn host: Int? = nil) -> Traffic {
    usage.indices.filter { $0 != host }.reduce(Traffic()) { sum, host in
      sum + used(on: host, since: start).greater(told[host][start] ?? Traffic())
    }
  }

  /// Adds what was used, or takes the greater of two.
  func count(_ bytes: Traffic, on host: Int, in start: Int64) {
    usage[host][start, default: Traffic()] += bytes
  }
}

extension Traffic {
  /// The greater of each direction.
  func greater(_ other: Traffic) -> Traffic {
    Traffic(received: max(received, other.received), sent: max(sent, other.sent))
  }
}
