import CommandSupport
import Ledger
import Quota

extension UserRecord {
  /// What counts of the usage so far.
  func used(by rules: Rules) -> Int64 { rules.count.bytes(of: standing.used) }

  /// How he stands, in a word or two.
  func state(by rules: Rules) -> String {
    switch decide(standing, by: rules) {
    case .allowed: "active"
    case .refused(.quota): "over quota"
    case .refused(let reason): reason.rawValue
    }
  }

  /// How much of the quota is used, cut to whole percents, so that 100% is over; nil where there is
  /// no quota.
  func share(by rules: Rules) -> String? {
    guard standing.quota > 0 else { return nil }
    let (whole, rest) = used(by: rules).quotientAndRemainder(dividingBy: standing.quota)
    let (high, low) = rest.multipliedFullWidth(by: 100)
    let part = standing.quota.dividingFullWidth((high, low)).quotient
    let (percent, isTooMuch) = whole.multipliedReportingOverflow(by: 100)
    return "\(isTooMuch ? Int64.max : percent + part)%"
  }

  /// Whether he would be let in now, and why.
  func access(by rules: Rules) -> String {
    switch decide(standing, by: rules) {
    case .refused(let reason): return "would be refused: \(reason.text)"
    case .allowed where standing.quota == 0: return "would be let in: there is no quota"
    case .allowed:
      let left = ByteSize.format(standing.quota - used(by: rules))
      return "would be let in: \(left) left"
    }
  }

  /// What a change has in store for him, to go behind what was changed; empty where he is and stays
  /// as he should.
  func consequence(by rules: Rules) -> String {
    guard case .refused(let reason) = decide(standing, by: rules) else { return "" }
    let why = reason == .disabled ? "" : "; kept out: \(reason.text)"
    return openSessions == 0
      ? why : "\(why); \(sessions(openSessions)) will end with the next sweep"
  }
}

/// `1 session`, `2 sessions`.
func sessions(_ count: Int) -> String { count == 1 ? "1 session" : "\(count) sessions" }

/// A quota for people.
func words(forQuota quota: Int64) -> String { quota == 0 ? "unlimited" : ByteSize.format(quota) }

/// A moment in the zone of the settings, to the minute: `2026-11-23 14:05`.
func words(forTime time: Int64, in zone: Zone) -> String {
  let offset = Int64(zone.offset(time))
  let second = ((time + offset) % 86_400 + 86_400) % 86_400
  let clock = [second / 3600, second / 60 % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
  return "\(Day(of: time, in: zone)) \(clock[0]):\(clock[1])"
}

/// A length of time to the minute, or in days and hours: `0min`, `1h 05min`, `3d 04h`.
func words(forDuration seconds: Int64) -> String {
  let (hours, minutes) = (seconds / 3600, seconds / 60 % 60)
  if hours == 0 { return "\(minutes)min" }
  if hours < 24 { return "\(hours)h \(minutes < 10 ? "0" : "")\(minutes)min" }
  return "\(hours / 24)d \(hours % 24 < 10 ? "0" : "")\(hours % 24)h"
}

/// The user that history belongs to, who may have been removed since.
func words(forOwner name: UserName?) -> String { name?.forPeople ?? "(removed)" }
