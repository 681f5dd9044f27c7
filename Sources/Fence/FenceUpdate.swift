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
  /// Users whose object is another one, and users whose object gets another size.
  private(set) var replaced: Set<UInt64> = []
  private(set) var resized: Set<UInt64> = []
  /// Users whose rates are others: the kernel does not change those of an object.
  private(set) var rerated: Set<UInt64> = []

  /// - Parameters:
  ///   - sent: what the kernel has; nil to send all anew.
  ///   - sweep: when the last sweep ended, in seconds since 1970 in UTC.
  ///   - counts: what the kernel says; only where `needsCounts`.
  package init(
    from sent: SentFence?, to wanted: Fence, by rules: FenceRules, sweep: Int64,
    counts: Counts? = nil
  ) {
    self.init(
      from: sent, to: wanted, by: rules, sweep: sweep, counts: counts,
      generation: (sent?.generation ?? .random(in: 0 ... .max)) &+ 1)
  }

  private init(
    from sent: SentFence?, to wanted: Fence, by rules: FenceRules, sweep: Int64,
    counts: Counts? = nil, generation: UInt32
  ) {
    let known = sent.flatMap { $0.rules == rules.checksum ? $0 : nil }
    self.sent = known
    self.wanted = wanted
    self.rules = rules
    isAnew = known == nil
    result = SentFence(
      generation: generation, rules: rules.checksum,
      sweep: counts == nil && !isAnew ? known?.sweep ?? sweep : sweep)
    result.places = wanted.places
    result.users.reserveCapacity(wanted.users.count)
    for (user, hold) in wanted.users { set(user, hold, counts) }
    if isEmpty, let known { result.generation = known.generation }
  }

  /// The same where the kernel turned out not to have what was sent.
  package var anew: FenceUpdate {
    FenceUpdate(
      from: nil, to: wanted, by: rules, sweep: result.sweep, generation: result.generation &+ 1)
  }

  /// Whether the kernel's counts are to be read first: after a sweep, and where a limit was raised.
  package static func needsCounts(
    from sent: SentFence, to wanted: Fence, by rules: FenceRules, sweep: Int64
  ) -> Bool {
    guard sent.rules == rules.checksum else { return false }
    if sent.sweep != sweep { return sent.users.values.contains { $0.quota != nil } }
    return wanted.users.contains { user, hold in
      guard case .passes(let allowance?, _) = hold, let quota = sent.users[user]?.quota else {
        return false
      }
      return allowance.limit > quota.limit
    }
  }

  /// Whether there is nothing to tell; then the batch only finds out whether another program changed
  /// anything.
  package var isEmpty: Bool {
    !isAnew && replaced.isEmpty && result.users == sent?.users && result.places == sent?.places
  }

  private mutating func set(_ user: UInt64, _ hold: Fence.Hold, _ counts: Counts?) {
    guard case .passes(let allowance, let rates) = hold else {
      return result.users[user] = SentFence.User(isRefused: true)
    }
    result.users[user] = SentFence.User(
      quota: allowance.map { quota(of: user, used: $0.used, limit: $0.limit, counts) },
      rates: rates)
    if let former = sent?.users[user], former.rates != rates { rerated.insert(user) }
  }

  private mutating func quota(
    of user: UInt64, used: Int64, limit: Int64, _ counts: Counts?
  ) -> SentFence.Quota {
    var quota = SentFence.Quota(limit: limit, used: used, base: 0, size: 0)
    quota.size = size(of: quota)
    result.used[user] = used
    if let former = sent?.users[user]?.quota {
      let known = sent?.used[user] ?? former.used
      let next = next(former, known: known, used: used, limit: limit, count: counts?[user])
      if let next { quota = next.quota }
      if next?.isAnother ?? true {
        replaced.insert(user)
      } else if quota.size != former.size {
        resized.insert(user)
      }
    }
    return quota
  }

  /// What a quota object becomes, and whether another one has to take its place; nil where that one
  /// counts from now on.
  ///
  /// - Parameter known: what the ledger said the last time that the user had used.
  private func next(
    _ former: SentFence.Quota, known: Int64, used: Int64, limit: Int64, count: Int64?
  ) -> (quota: SentFence.Quota, isAnother: Bool)? {
    // A period has begun, or an administrator has reset the user.
    if used < known { return nil }
    var quota = former
    quota.limit = limit
    let isUsedUp = count.map { $0 >= former.size } ?? false
    // A sweep that heard nothing of the user, as of a server that does not answer, does not know what
    // passed.
    if let count, result.sweep != sent?.sweep, used > known || !isUsedUp {
      // Before the limit, for the ledger has counted what passed: it was early.
      if isUsedUp { return nil }
      let expected = former.base + inside(used - former.used)
      if expected - count > max(Self.largestPacket, inside(limit - used) / 512) {
        (quota.base, quota.used) = (count, used)
      }
    } else if limit == former.limit {
      return (former, false)
    } else if isUsedUp, limit > former.limit {
      // Just its size has passed.
      quota.base -= former.size
    }
    quota.size = size(of: quota)
    return (quota, quota.base < former.base)
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
