import Quota
import System

/// Follows the sessions of one user through the journal's tail, beginning with those that the access
/// table has.
///
/// Sessions of others count as far as an `end` may be theirs: those of the same server, process and
/// second.
package struct SessionReplay {
  /// What an `end` has in common with its session.
  struct Key: Equatable {
    /// The hash of the server's name.
    var server: UInt64
    var pid: Int64
    var connectedSince: Int64
  }

  /// Where a session's client is.
  struct Place {
    /// The hash of the real address with its port; 0 where that is not known.
    let client: UInt64
    let addresses: VirtualAddresses

    /// How an `end` from here fits a session that is there. A server gives no address twice at a time.
    func fit(_ other: Place) -> SessionFit {
      let isSame = addresses.shareOne(with: other.addresses)
      if client != 0, client == other.client {
        return isSame || hasNoAddress && other.hasNoAddress ? .clientAndAddress : .client
      }
      return isSame ? .address : .none
    }

    private var hasNoAddress: Bool { addresses.ipv4 == nil && addresses.ipv6 == nil }

    /// Whether a client that comes in from here is the one of a session there.
    func isSame(as other: Place) -> Bool {
      if client != 0, other.client != 0 { return client == other.client }
      return fit(other) == .address || hasNoAddress && other.hasNoAddress
    }
  }

  /// A session, or a refused client, of which there may be an `end`.
  struct Session {
    let key: Key
    let serverStart: Int64
    let boot: Int64?
    /// Whether it is the user's.
    let isOwn: Bool
    /// Whether it is an `out`, whose `end` counts nothing.
    let isRefused: Bool
    let place: Place
    /// What the table counted of it.
    let counted: Traffic
    /// The absolute position of its record; 0 where the table has none, `max` for one of the tail.
    let position: Int64
    var isEnded = false
    /// The number of the open session before it in its bucket.
    fileprivate var previous: Int?
  }

  /// The open session that an `end` belongs to.
  private struct Match {
    var index: Int
    var fit: SessionFit
  }

  /// Traffic of an ended session that the table does not include.
  package struct Ended: Equatable, Sendable {
    /// The session's number among those that are followed.
    let session: Int
    package let traffic: Traffic
    /// When it ended, in seconds since 1970 in UTC.
    package let time: Int64
  }

  let owner: [UInt8]
  let hashKey: AccessKey
  private let now: JournalMoment
  private(set) var sessions: [Session] = []
  /// What the ends of the user's sessions add to what the table counted.
  package private(set) var ended: [Ended] = []
  /// The number of the last open session of each bucket; a session's bucket follows from its second.
  private var buckets = [Int?](repeating: nil, count: Self.bucketCount)
  /// The keys by bucket whose sessions of others are known.
  private var asked: [[Key]] = []
  private static let bucketCount = 64

  /// - Parameters:
  ///   - owner: the user's name.
  ///   - hashKey: the access table's.
  ///   - now: later than every record.
  init(owner: [UInt8], hashKey: AccessKey, now: JournalMoment) {
    self.owner = owner
    self.hashKey = hashKey
    self.now = now
  }

  /// Takes a session of the table.
  mutating func add(
    _ session: AccessSession, of process: AccessProcess, isOwn: Bool, boot: Int64?
  ) {
    add(
      Session(
        key: Key(
          server: process.server, pid: process.pid, connectedSince: session.connectedSince),
        serverStart: process.serverStart, boot: boot, isOwn: isOwn, isRefused: false,
        place: Place(client: session.client, addresses: session.addresses),
        counted: Traffic(received: session.received, sent: session.sent),
        position: session.position ?? 0))
  }

  /// Takes the next record of the tail.
  ///
  /// - Parameter others: adds the table's sessions of others with a key. It is asked before the first
  ///   `end` that may be of a session of the user.
  mutating func add<Failure: Error>(
    _ event: SessionEvent, others: (inout SessionReplay, Key) throws(Failure) -> Void
  ) throws(Failure) {
    switch event.kind {
    case .in, .out:
      add(
        Session(
          key: event.key, serverStart: event.serverStart, boot: event.moment.boot,
          isOwn: event.isOwn, isRefused: event.kind == .out, place: event.place,
          counted: Traffic(), position: .max))
    case .end:
      var match = match(event.key, event.place)
      if match.hasOwn, wantsOthers(for: match.best, event.key) {
        try others(&self, event.key)
        match = self.match(event.key, event.place)
      }
      if let best = match.best { end(best.index, with: event) }
    case .auth: break
    }
  }

  /// Whether the table's sessions of others with a key have to be known to tell whose an `end` is; true
  /// only once for each key.
  ///
  /// None of them, which are all older, would take it from one of the tail that fits it in all.
  private mutating func wantsOthers(for match: Match?, _ key: Key) -> Bool {
    if let match, match.fit == .clientAndAddress, sessions[match.index].position == .max {
      return false
    }
    let bucket = bucket(of: key)
    if asked.isEmpty { asked = [[Key]](repeating: [], count: Self.bucketCount) }
    if asked[bucket].contains(key) { return false }
    asked[bucket].append(key)
    return true
  }

  private mutating func add(_ session: Session) {
    let bucket = bucket(of: session.key)
    sessions.append(session)
    sessions[sessions.count - 1].previous = buckets[bucket]
    buckets[bucket] = sessions.count - 1
  }

  /// The open session that an `end` fits best, the last of the journal where several fit alike, or the
  /// only one that was let in; and whether any open one with its key is the user's.
  private func match(_ key: Key, _ place: Place) -> (best: Match?, hasOwn: Bool) {
    var (best, hasOwn, entered): (Match?, Bool, Int) = (nil, false, 0)
    var next = buckets[bucket(of: key)]
    while let index = next {
      next = sessions[index].previous
      if sessions[index].key != key { continue }
      if sessions[index].isOwn { hasOwn = true }
      if !sessions[index].isRefused { entered += 1 }
      let fit = place.fit(sessions[index].place)
      if fit == .none, sessions[index].isRefused { continue }
      if let best, best.fit < fit || best.fit == fit && !isLater(index, than: best.index) {
        continue
      }
      best = Match(index: index, fit: fit)
    }
    if let found = best, found.fit == .none, entered > 1 { best = nil }
    return (best, hasOwn)
  }

  private func isLater(_ index: Int, than other: Int) -> Bool {
    (sessions[index].position, index) > (sessions[other].position, other)
  }

  /// Ends a session, and counts what it moved since it was counted.
  private mutating func end(_ index: Int, with event: SessionEvent) {
    close(index)
    guard sessions[index].isOwn, !sessions[index].isRefused, let counters = event.counters.traffic
    else { return }
    let traffic = counters.increase(over: sessions[index].counted)
    ended.append(Ended(session: index, traffic: traffic, time: now.second(of: event.moment)))
  }

  private mutating func close(_ index: Int) {
    sessions[index].isEnded = true
    let bucket = bucket(of: sessions[index].key)
    guard var next = buckets[bucket] else { return }
    if next == index { return buckets[bucket] = sessions[index].previous }
    while let previous = sessions[next].previous {
      if previous == index { return sessions[next].previous = sessions[index].previous }
      next = previous
    }
  }

  private func bucket(of key: Key) -> Int {
    Int(truncatingIfNeeded: key.connectedSince) & (Self.bucketCount - 1)
  }
}

extension SessionReplay {
  /// The user's live sessions beside one that is about to begin.
  ///
  /// Not counted are those of another boot, those of an earlier process of the same server, which
  /// are over, and what is known of the new session itself already.
  ///
  /// - Parameter replaces: leaves out those of the same server, one of which the new session may take
  ///   the place of.
  package func liveSessions(beside new: JournalRecord, replaces: Bool = false) -> Int64 {
    let new = SessionEvent(new, isOwn: true, by: hashKey)
    let (key, place, boot) = (new.key, new.place, new.moment.boot)
    var count: Int64 = 0
    for session in sessions where session.isOwn && !session.isRefused && !session.isEnded {
      let isOfOtherBoot = session.boot != nil && boot != nil && session.boot != boot
      let isOfOtherProcess =
        session.key.pid != key.pid
        || session.serverStart != 0 && new.serverStart != 0
          && session.serverStart != new.serverStart
      let isOver =
        isOfOtherBoot || session.key.server == key.server && (isOfOtherProcess || replaces)
      let isNew = session.key == key && place.isSame(as: session.place)
      if !isOver, !isNew { count += 1 }
    }
    return count
  }
}
