import Quota

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

  /// A session, or a refused client, of which there may be an `end`.
  struct Session {
    let key: Key
    let serverStart: Int64
    let boot: Int64?
    /// Whether it is the user's.
    let isOwn: Bool
    /// Whether it is an `out`, whose `end` counts nothing.
    let isRefused: Bool
    /// The hash of the client's real address with its port, 0 where that is not known.
    let client: UInt64
    let addresses: VirtualAddresses
    /// What the table counted of it.
    let counted: Traffic
    /// The absolute position of its record; 0 where the table has none, `max` for one of the tail.
    let position: Int64
    var isEnded = false
    /// The number of the open session before it in its bucket.
    fileprivate var previous: Int?
  }

  /// Traffic of an ended session that the table does not include.
  package struct Ended: Equatable, Sendable {
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
  private var asked = [[Key]](repeating: [], count: Self.bucketCount)
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
        client: session.client, addresses: session.addresses,
        counted: Traffic(received: session.received, sent: session.sent),
        position: session.position ?? 0))
  }

  /// Whether an `end` may be of a session of the user, so that the table's sessions of others with its
  /// key have to be known too; true only once for each key.
  ///
  /// None of them, which are all older, would take it from one of the tail that fits it in all.
  mutating func wantsOthers(for record: JournalRecord) -> Bool {
    let key = key(of: record)
    let open = openSessions(key)
    guard open.contains(where: { sessions[$0].isOwn }) else { return false }
    let fits = fits(of: record, open)
    if let best = SessionFit.best(of: fits), fits[best] == .clientAndAddress,
      sessions[open[best]].position == .max
    {
      return false
    }
    let bucket = bucket(of: key)
    if asked[bucket].contains(key) { return false }
    asked[bucket].append(key)
    return true
  }

  /// Takes the next record of the tail.
  mutating func add(_ record: JournalRecord) {
    switch record.kind {
    case .in, .out:
      add(
        Session(
          key: key(of: record), serverStart: record.serverStart, boot: record.boot,
          isOwn: record.owner == owner, isRefused: record.kind == .out,
          client: client(of: record), addresses: addresses(of: record), counted: Traffic(),
          position: .max))
    case .end: end(record)
    case .auth: break
    }
  }

  func key(of record: JournalRecord) -> Key {
    Key(
      server: hashKey.hash(record.server), pid: record.pid, connectedSince: record.connectedSince)
  }

  private mutating func add(_ session: Session) {
    let bucket = bucket(of: session.key)
    var session = session
    session.previous = buckets[bucket]
    buckets[bucket] = sessions.count
    sessions.append(session)
  }

  /// Gives an `end` to the session that it fits best.
  private mutating func end(_ record: JournalRecord) {
    let open = openSessions(key(of: record))
    let fits = fits(of: record, open)
    guard let found = SessionFit.best(of: fits).map({ open[$0] }) ?? onlyOne(of: open) else {
      return
    }
    close(found)
    guard sessions[found].isOwn, !sessions[found].isRefused, let counters = record.counters else {
      return
    }
    let traffic = counters.increase(over: sessions[found].counted)
    ended.append(Ended(traffic: traffic, time: record.time(by: now)))
  }

  /// How an `end` fits each of some sessions.
  private func fits(of record: JournalRecord, _ open: [Int]) -> [SessionFit?] {
    let (client, addresses) = (client(of: record), addresses(of: record))
    return open.map { index in
      let session = sessions[index]
      return SessionFit(
        isSameClient: client != 0 && client == session.client, addresses, session.addresses)
    }
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

  /// The only session of these that was let in.
  private func onlyOne(of open: [Int]) -> Int? {
    let entered = open.filter { !sessions[$0].isRefused }
    return entered.count == 1 ? entered[0] : nil
  }

  /// The numbers of the sessions with a key that have no end, in the order of the journal.
  private func openSessions(_ key: Key) -> [Int] {
    var open: [Int] = []
    var next = buckets[bucket(of: key)]
    while let index = next {
      if sessions[index].key == key { open.append(index) }
      next = sessions[index].previous
    }
    open.sort { (sessions[$0].position, $0) < (sessions[$1].position, $1) }
    return open
  }

  private func bucket(of key: Key) -> Int {
    Int(truncatingIfNeeded: key.connectedSince) & (Self.bucketCount - 1)
  }

  private func client(of record: JournalRecord) -> UInt64 {
    hashKey.hash(clientHost: record.clientHost, port: record.clientPort)
  }

  private func addresses(of record: JournalRecord) -> VirtualAddresses {
    VirtualAddresses(ipv4: record.ipv4, ipv6: record.ipv6)
  }
}

extension SessionReplay {
  /// The user's live sessions beside one that is about to begin.
  ///
  /// Not counted are those of another boot, those of an earlier process of the same server, which
  /// are over, and what is known of the new session itself already.
  package func liveSessions(beside new: JournalRecord) -> Int64 {
    let key = key(of: new)
    let (client, addresses) = (client(of: new), addresses(of: new))
    var count: Int64 = 0
    for session in sessions where session.isOwn && !session.isRefused && !session.isEnded {
      let isOfOtherBoot = session.boot != nil && new.boot != nil && session.boot != new.boot
      let isOfOtherProcess =
        session.key.pid != key.pid
        || session.serverStart != 0 && new.serverStart != 0
          && session.serverStart != new.serverStart
      let isOver = isOfOtherBoot || session.key.server == key.server && isOfOtherProcess
      let isNew =
        session.key == key
        && (client != 0 && session.client != 0
          ? client == session.client : addresses.fits(session.addresses))
      if !isOver, !isNew { count += 1 }
    }
    return count
  }
}
