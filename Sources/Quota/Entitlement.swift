/// What the ledger knows of a user that decides whether they may be in, as of one moment.
package struct Entitlement: Equatable, Sendable {
  /// Whether an administrator lets the user in at all.
  package var isEnabled: Bool
  /// Bytes the user may use in a period, 0 for unlimited.
  package var quota: Int64
  /// Bytes granted on top for this period only.
  package var granted: Int64
  /// Bytes that grants which are carried from period to period had left when this one began.
  package var carried: Int64
  /// How far past all that the user may go before they are refused.
  package var grace: Grace
  /// Bytes used in the present period, live sessions included as far as they were counted.
  package var used: Traffic
  /// The same on other hosts that share the user, as far as they have told.
  package var elsewhere: Traffic
  package var span: TimeSpan
  /// Whether the user is metered only: never refused or disconnected for usage, expiry or the
  /// number of sessions.
  package var isExempt: Bool
  /// The second of UTC at which the account expires; nil for never.
  package var expiresAt: Int64?
  /// Sessions the user may have at once, 0 for any number.
  package var maxSessions: Int64
  /// The user's live sessions that began before the one in question.
  package var sessionsBefore: Int64
  /// The user's live sessions on other hosts.
  package var sessionsElsewhere: Int64
  /// How fast the user may ever be; nil for as fast as it goes.
  package var rate: Rate?
  /// How fast the user may be once the quota is used up, if `rate` is not slower; nil where they are
  /// refused then.
  package var thenRate: Rate?

  package init(
    isEnabled: Bool = true, quota: Int64 = 0, granted: Int64 = 0, carried: Int64 = 0,
    grace: Grace = .none, used: Traffic = Traffic(), elsewhere: Traffic = Traffic(),
    span: TimeSpan = .always, isExempt: Bool = false, expiresAt: Int64? = nil,
    maxSessions: Int64 = 0, sessionsBefore: Int64 = 0, sessionsElsewhere: Int64 = 0,
    rate: Rate? = nil, thenRate: Rate? = nil
  ) {
    self.isEnabled = isEnabled
    self.quota = quota
    self.granted = granted
    self.carried = carried
    self.grace = grace
    self.used = used
    self.elsewhere = elsewhere
    self.span = span
    self.isExempt = isExempt
    self.expiresAt = expiresAt
    self.maxSessions = maxSessions
    self.sessionsBefore = sessionsBefore
    self.sessionsElsewhere = sessionsElsewhere
    self.rate = rate
    self.thenRate = thenRate
  }

  /// Bytes used in the present period, on this host and on all others.
  package var usedInAll: Traffic { used + elsewhere }

  /// Sessions the user may have at once on this host: 0 for any number, -1 for none, as their sessions
  /// on other hosts are all that they may have.
  package var maxSessionsHere: Int64 {
    if maxSessions == 0 { return 0 }
    return maxSessions > sessionsElsewhere ? maxSessions - sessionsElsewhere : -1
  }

  /// Bytes the user may use in this period, grants included, 0 for unlimited.
  package var limit: Int64 {
    quota == 0 ? 0 : saturatingSum(saturatingSum(quota, granted), carried)
  }

  /// The bytes at which the user is refused, grace included, 0 for never.
  package var limitWithGrace: Int64 {
    quota == 0 ? 0 : saturatingSum(limit, grace.bytes(over: quota))
  }

  /// Whether the quota is used up, grants and grace included.
  package func isOver(by count: Count) -> Bool {
    quota > 0 && count.bytes(of: usedInAll) >= limitWithGrace
  }

  /// Whether the quota is used up, or taken to be while there is no news of other hosts.
  package func isOver(by rules: Rules) -> Bool {
    isOver(by: rules.count) || (rules.isStale && isPresumedOver(by: rules.staleness.answer))
  }

  /// What the access table has as used of a quota that is only taken to be used up.
  package static let presumedUse = Int64.max - 1

  /// Whether a quota that is over is only taken to be.
  func isPresumedOver(by rules: Rules) -> Bool {
    !isOver(by: rules.count) || used.received == Entitlement.presumedUse
  }

  private func isPresumedOver(by answer: Staleness.Answer) -> Bool {
    quota > 0 && (answer == .reject || (answer == .slow && thenRate != nil))
  }

  /// The rate of a user whom their used-up quota slows down; nil for any other.
  package func slowRate(by rules: Rules) -> Rate? {
    rules.isFenced && !isExempt && isOver(by: rules) ? thenRate?.atMost(rate) : nil
  }

  /// How much of the carried grants this period has taken: what was used beyond the quota and this
  /// period's own grants.
  package func takenFromCarried(by count: Count) -> Int64 {
    if quota == 0 { return 0 }
    let before = saturatingSum(quota, granted)
    let used = count.bytes(of: usedInAll)
    return used > before ? min(used - before, carried) : 0
  }
}

/// What one of several hosts may let a user have before it hears of the others again, so that no two of them
/// give away the same bytes.
package struct HostShare: Equatable, Sendable {
  /// Bytes that the user had used on all hosts, by what this one last told and heard.
  package var told: Int64
  /// What of that was used on the others.
  package var elsewhere: Int64
  /// The other hosts that the user is live on.
  package var otherHosts: Int64

  package init(told: Int64, elsewhere: Int64, otherHosts: Int64) {
    self.told = told
    self.elsewhere = elsewhere
    self.otherHosts = otherHosts
  }

  /// The bytes at which this host stops the user: what was left is divided by all hosts that they are on.
  /// It stays the same however much they use here meanwhile.
  ///
  /// - Parameters:
  ///   - limit: the bytes at which they are refused.
  ///   - used: what is known to be used by now; less than was told once a new period has begun.
  package func limit(of limit: Int64, used: Int64) -> Int64 {
    let told = min(told, used)
    return told < limit ? told + (limit - told) / (max(0, otherHosts) + 1) : limit
  }
}

/// How far a user may go past the quota: a number of bytes and a share of the quota, which add up.
package struct Grace: Equatable, Sendable {
  /// Bytes, 0 or more.
  package var bytes: Int64
  /// Percent of the quota, 0 to 1000.
  package var percent: Int64

  package static let none = Grace()
  /// The percentages there may be.
  package static let percentages: ClosedRange<Int64> = 0...1000

  package init(bytes: Int64 = 0, percent: Int64 = 0) {
    self.bytes = bytes
    self.percent = percent
  }

  package func bytes(over quota: Int64) -> Int64 {
    let (high, low) = quota.multipliedFullWidth(by: percent)
    // From 50 in the high word on, a hundredth of it no longer fits.
    let share = high < 50 ? Int64(100).dividingFullWidth((high, low)).quotient : .max
    return saturatingSum(bytes, share)
  }
}

/// When a limit is reached if traffic goes on as it did so far.
///
/// - Parameters:
///   - used: bytes used since `start`.
///   - limit: bytes, 0 for as many as one likes.
///   - start: when counting began, in UTC seconds.
///   - now: the present, in UTC seconds.
/// - Returns: UTC seconds; `now` if the limit is reached already; nil without a limit, where
///   nothing was used, or before an hour was observed.
package func projectedEnd(
  used: Int64, of limit: Int64, since start: Int64, now: Int64
) -> Int64? {
  if limit <= 0 || used <= 0 { return nil }
  if used >= limit { return now }
  let observed = Int128(now) - Int128(start)
  if observed < 3600 { return nil }
  // Rounded up: the first second at which it is reached.
  let needed = (Int128(limit) * observed + Int128(used) - 1) / Int128(used)
  return Int64(clamping: Int128(start) + needed)
}

/// The highest of some percentages of a limit that usage has reached.
///
/// - Parameters:
///   - percentages: in any order; above 100 as well.
///   - used: bytes, 0 or more.
///   - limit: bytes, 0 for as many as one likes.
/// - Returns: nil where none is reached, or without a limit.
package func highestThreshold(
  _ percentages: [Int], reachedBy used: Int64, of limit: Int64
) -> Int? {
  guard limit > 0 else { return nil }
  return percentages.filter { Int128(used) * 100 >= Int128($0) * Int128(limit) }.max()
}
