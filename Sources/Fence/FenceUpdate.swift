import System

/// How the kernel comes from what it was last told to what is wanted.
///
/// A quota object that was set to end at a limit stays right however much is used, so it is left alone
/// until the limit is another one. After a sweep, whose listing says what OpenVPN really counted, the
/// kernel's counts are read, and an object is corrected that let more pass than it should have. One that
/// has dropped packets cannot go on, for those were counted as well: a new one takes its place.
package struct FenceUpdate {
  /// Bytes by user that the quota objects have counted, dropped packets included.
  package typealias Counts = [UInt64: Int64]

  package let sent: SentFence?
  package let wanted: Fence
  let rules: FenceRules
  /// Whether all is sent, in the place of whatever there is.
  package let isAnew: Bool
  /// What the kernel will have been told.
  package private(set) var result: SentFence
  /// Whether there is nothing to tell.
  package private(set) var isEmpty = false
  private let counts: Counts?

  /// - Parameters:
  ///   - sent: what the kernel has; nil to send all anew.
  ///   - run: what is new with this run.
  ///   - counts: what the kernel says; only where `needsCounts`.
  package init(
    from sent: SentFence?, to wanted: Fence, by rules: FenceRules, in run: FenceRun,
    counts: Counts? = nil
  ) {
    let known = sent.flatMap { $0.isKnown(under: rules, in: run) ? $0 : nil }
    self.sent = known
    self.wanted = wanted
    self.rules = rules
    self.counts = counts
    isAnew = known == nil
    result = SentFence(run, rules: rules.checksum)
    result.comparison = known?.comparison ?? Comparison()
    if let known, counts != nil, run.sweep != known.sweep { result.comparison = Comparison() }
    result.places = wanted.places
    result.users.reserveCapacity(wanted.users.count)
    for (user, hold) in wanted.users { set(user, hold) }
    guard let known, result.users == known.users, result.places == known.places else { return }
    isEmpty = true
    result.run.generation = known.generation
  }

  /// The same where the kernel turned out not to have what was sent.
  package var anew: FenceUpdate {
    FenceUpdate(from: nil, to: wanted, by: rules, in: result.run)
  }

  /// Whether the kernel's counts are to be read first: after a sweep, and where a limit was raised.
  package static func needsCounts(
    from sent: SentFence, to wanted: Fence, in run: FenceRun
  ) -> Bool {
    if sent.sweep != run.sweep { return sent.users.values.contains { $0.quota != nil } }
    return wanted.users.contains { user, hold in
      guard case .passes(let allowance?, _) = hold, let quota = sent.users[user]?.quota else {
        return false
      }
      return allowance.limit > quota.limit
    }
  }

  /// Whether what was sent is to be written down again.
  package var isNews: Bool {
    !isEmpty || result.run != sent?.run || result.comparison != sent?.comparison
      || result.used != sent?.used
  }

  private mutating func set(_ user: UInt64, _ hold: Fence.Hold) {
    guard case .passes(let allowance, let rates) = hold else {
      return result.users[user] = SentFence.User(isRefused: true)
    }
    result.users[user] = SentFence.User(
      quota: allowance.map { quota(of: user, $0) }, rates: rates)
  }

  /// The quota object of a user. One that counts anew has the next number.
  private mutating func quota(of user: UInt64, _ allowance: Fence.Allowance) -> SentFence.Quota {
    result.used[user] = allowance.used
    let former = sent?.users[user]?.quota
    var quota =
      former.flatMap { next($0, of: user, allowance) }
      ?? SentFence.Quota(
        number: former.map { $0.number &+ 1 } ?? 0, limit: allowance.limit, used: allowance.used,
        elsewhere: allowance.elsewhere)
    quota.size = size(of: quota)
    quota.isShare = allowance.isShare
    return quota
  }

  /// What a quota object becomes; nil where another one has to take its place that counts from now on.
  private mutating func next(
    _ former: SentFence.Quota, of user: UInt64, _ allowance: Fence.Allowance
  ) -> SentFence.Quota? {
    // A period has begun, or an administrator has reset the user.
    if allowance.used < sent?.used[user] ?? former.used { return nil }
    var quota = former
    quota.limit = allowance.limit
    // What was used on other hosts meanwhile passes no kernel of this one.
    if let before = former.elsewhere, let now = allowance.elsewhere { quota.used += now - before }
    quota.elsewhere = allowance.elsewhere
    guard let count = counts?[user] else { return quota }
    let isUsedUp = count >= former.size
    // A server that does not answer does not know what passed.
    if result.sweep != sent?.sweep, !wanted.unheard.contains(user) {
      // Before the limit, for the ledger has counted what passed: it was early.
      if isUsedUp { return allowance.used < allowance.limit ? nil : quota }
      let expected = inside(allowance.used - quota.used)
      result.comparison.add(expected, counted: count - former.base)
      let late = expected - (count - former.base)
      if late > max(Self.largestPacket, inside(allowance.limit - allowance.used) / 512) {
        (quota.base, quota.used) = (count, allowance.used)
      }
    } else if isUsedUp, allowance.limit > former.limit {
      // Just its size has passed.
      quota.base -= former.size
      quota.number &+= 1
    }
    return quota
  }

  /// The packet that crosses the line is dropped whole, and the shares that count twice are not even:
  /// nobody is to be early for that.
  private func size(of quota: SentFence.Quota) -> Int64 {
    max(1, quota.base + inside(quota.limit - quota.used) + Self.largestPacket)
  }

  private func inside(_ bytes: Int64) -> Int64 { rules.packets.inside(bytes) }

  /// Bytes that the kernel takes for one packet, at most.
  private static let largestPacket: Int64 = 64 << 10
}

/// What is new with a run of the program.
package struct FenceRun: Equatable, Sendable {
  /// Random bits, for the element that each batch exchanges.
  package var generation: UInt32
  /// When the last sweep ended, in seconds since 1970 in UTC.
  package let sweep: Int64
  /// The number of the machine's boot, see `Boot`; what was sent in another is gone.
  package let boot: Int64

  package init(generation: UInt32, sweep: Int64, boot: Int64) {
    self.generation = generation
    self.sweep = sweep
    self.boot = boot
  }
}
