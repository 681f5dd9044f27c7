import Support
import Ledger
import Quota

extension UserRecord {
  /// What counts of the usage so far.
  func used(by rules: Rules) -> Int64 { rules.count.bytes(of: entitlement.used) }

  /// The user's state, in a word or two.
  func state(by rules: Rules) -> String {
    switch decide(entitlement, at: at, by: rules) {
    case .allowed: entitlement.isExempt ? "exempt" : "active"
    case .refused(.quota): "over quota"
    case .refused(let reason): reason.rawValue
    }
  }

  /// How much of the limit is used, cut to whole percents, so that 100% is over; nil where
  /// there is no quota.
  func share(by rules: Rules) -> String? {
    let limit = entitlement.limit
    guard limit > 0 else { return nil }
    let (whole, rest) = used(by: rules).quotientAndRemainder(dividingBy: limit)
    let (high, low) = rest.multipliedFullWidth(by: 100)
    let part = limit.dividingFullWidth((high, low)).quotient
    let (percent, isTooMuch) = whole.multipliedReportingOverflow(by: 100)
    return "\(isTooMuch ? Int64.max : percent + part)%"
  }

  /// What the door would say to one session more.
  func verdict(by rules: Rules) -> Verdict {
    var entitlement = entitlement
    entitlement.sessionsBefore = Int64(openSessions)
    return decide(entitlement, at: at, by: rules)
  }

  /// When the quota will be used up at the pace of this period, nil where that is after its end or
  /// cannot be told.
  func projectedEnd(by rules: Rules) -> Int64? {
    let start = max(entitlement.span.start, createdAt ?? 0)
    let end = Quota.projectedEnd(
      used: used(by: rules), of: entitlement.limit, since: start, now: at)
    return end.flatMap { $0 < entitlement.span.end ? $0 : nil }
  }

  /// Whether the user would be let in now, why, and until when.
  func access(by rules: Rules, in zone: Zone) -> String {
    switch verdict(by: rules) {
    case .refused(.quota) where entitlement.span.end < .max:
      return "would be refused until \(words(forTime: entitlement.span.end, in: zone)): "
        + Reason.quota.text
    case .refused(.sessions):
      return
        "would be refused: \(openSessions) of \(sessions(Int(entitlement.maxSessions))) at once"
    case .refused(let reason): return "would be refused: \(reason.text)"
    case .allowed: return "would be let in: \(room(by: rules, in: zone))"
    }
  }

  /// What is left to a user who is let in.
  private func room(by rules: Rules, in zone: Zone) -> String {
    if entitlement.isExempt { return "exempt" }
    var ends = [entitlement.expiresAt].compactMap(\.self)
    var text = "there is no quota"
    if entitlement.quota > 0 {
      let left = entitlement.limit - used(by: rules)
      text = left > 0 ? "\(ByteSize.format(left)) left" : "within the grace"
      ends.append(entitlement.span.end)
    }
    guard let end = ends.min(), end < .max else { return text }
    return "\(text) until \(words(forTime: end, in: zone))"
  }

  /// The effect of a change, appended to its confirmation; empty if there is none.
  func consequence(by rules: Rules) -> String {
    guard case .refused(let reason) = decide(entitlement, at: at, by: rules) else {
      let most = Int(entitlement.maxSessions)
      if entitlement.isExempt || most == 0 || openSessions <= most { return "" }
      return "; \(sessions(openSessions - most)) will end with the next sweep"
    }
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
  let second = (saturatingSum(time, offset) % 86_400 + 86_400) % 86_400
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

/// The user that history belongs to, who may have been removed since, also by other hands.
func words(forOwner owner: Owner?) -> String {
  guard let owner else { return "(removed)" }
  return owner.isRemoved ? "\(owner.name.forPeople) (removed)" : owner.name.forPeople
}
