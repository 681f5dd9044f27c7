import Quota

// To which session an end and a row of a listing belong. OpenVPN runs hooks one after another, so
// the order of the journal's records is the clock; names, addresses and ports all change in the
// course of a session. Nothing here reads or writes anything.

/// Where a client is, outside and inside the tunnel.
package struct Endpoints: Hashable, Sendable {
  package var real: RealAddress
  /// The IPv4 address in the tunnel, else the IPv6 address; none on a tap server without a pool.
  package var virtual: NetworkAddress

  package init(real: RealAddress, virtual: NetworkAddress) {
    self.real = real
    self.virtual = virtual
  }
}

/// A session, or a refusal, as far as ends and rows are compared with it.
struct PairingCandidate: Equatable {
  let id: Int64
  /// Where its `in` or `out` begins in the journal; nil for a session known from a listing only.
  var position: Int64?
  /// When it began, in seconds since 1970.
  let since: Int64
  let isRefusal: Bool
  /// Whether a record of its end was found already.
  var hasEnd: Bool
  /// Whether something else than its hook has closed it, as no listing showed it any more.
  var isClosed = false
  /// Where the client was at the connect hook; nil for a session known from a listing only.
  let atConnect: Endpoints?
  /// Where a listing showed it last, if it was elsewhere by then.
  var listed: Endpoints?

  private func holds(_ condition: (Endpoints) -> Bool) -> Bool {
    (atConnect.map(condition) ?? false) || (listed.map(condition) ?? false)
  }

  /// Whether it may still be open before a place in the journal.
  fileprivate func isOpen(at position: Int64) -> Bool {
    !hasEnd && self.position.map { $0 < position } ?? true
  }

  /// Likewise, and was let in.
  func mayEnd(at position: Int64) -> Bool { !isRefusal && isOpen(at: position) }

  /// The rules by which an end finds its session, the surest first.
  fileprivate static let tiers: [@Sendable (PairingCandidate, Endpoints) -> Bool] = [
    { candidate, end in
      candidate.holds { $0.real == end.real && end.real.hasPort }
        && candidate.holds { $0.virtual == end.virtual }
    },
    { candidate, end in candidate.holds { $0.real == end.real && end.real.hasPort } },
    { candidate, end in candidate.holds { $0.virtual == end.virtual && !end.virtual.isNone } },
  ]
}

/// To which candidate an `end` belongs.
///
/// Sessions of which a listing alone told come before the last rule, which guesses: an end that fits
/// one of them by its addresses is not that of another session of the second.
///
/// - Parameters:
///   - end: where the client was by the disconnect hook.
///   - position: where the `end` begins in the journal.
///   - mayGuess: whether the only open session of the second may be it if nothing else tells: not
///     where it may be the end of a client that another handler refused.
///   - candidates: those of the same server process and connected-since, in the journal's order.
/// - Returns: the candidate's place; nil where none fits.
func candidate<Candidates: RandomAccessCollection<PairingCandidate>>(
  forEndAt position: Int64, _ end: Endpoints, mayGuess: Bool = true, among candidates: Candidates
) -> Candidates.Index? {
  for isFromListing in [false, true] {
    for fits in PairingCandidate.tiers {
      let found = candidates.lastIndex {
        $0.isOpen(at: position) && ($0.position == nil) == isFromListing && fits($0, end)
      }
      if let found { return found }
    }
  }
  guard mayGuess else { return nil }
  let only = onlyCandidate(forEndAt: position, among: candidates)
  return candidates.firstIndex { $0.id == only }
}

/// The last rule for an `end`: it belongs to the only open session of the second.
///
/// - Returns: the session's number; nil where there is none, or several.
func onlyCandidate(
  forEndAt position: Int64, among candidates: some Sequence<PairingCandidate>
) -> Int64? {
  for isFromListing in [false, true] {
    for mayBeClosed in [false, true] {
      var open = candidates.lazy.filter {
        $0.isOpen(at: position) && !$0.isRefusal && ($0.position == nil) == isFromListing
          && (mayBeClosed || !$0.isClosed)
      }.makeIterator()
      if let only = open.next(), open.next() == nil { return only.id }
    }
  }
  return nil
}

/// Which session, of those that only a listing has shown so far, an `in` is of whose record came late.
///
/// - Parameter candidates: those of the same server process and connected-since.
func candidate<Candidates: RandomAccessCollection<PairingCandidate>>(
  of connect: Endpoints, among candidates: Candidates
) -> Candidates.Index? {
  for fits in PairingCandidate.tiers {
    let found = candidates.lastIndex {
      $0.position == nil && !$0.hasEnd && fits($0, connect)
    }
    if let found { return found }
  }
  return nil
}

/// One client of a listing, as far as it is compared with sessions.
package struct ListedClient: Equatable, Sendable {
  /// When it connected, in seconds since 1970; nil in format 1.
  package var since: Int64?
  package var endpoints: Endpoints
  package var counters: Traffic
  /// Whether the row is a session's by itself; handshakes and refused clients are rows as well.
  package var isSession: Bool

  package init(since: Int64?, endpoints: Endpoints, counters: Traffic, isSession: Bool) {
    self.since = since
    self.endpoints = endpoints
    self.counters = counters
    self.isSession = isSession
  }
}

/// Finds out which session each row of a listing is.
///
/// Where several rows cannot be told apart, each of them counts for the least of them: a session
/// that got the counters of another one would be billed twice at its end.
struct ListingMatch {
  private(set) var rows: [ListedClient]
  /// Which rows have been found to be a session.
  private(set) var isTaken: [Bool]
  /// Rows that could have been exchanged for another one, so that their addresses prove nothing.
  private(set) var isAmbiguous: Set<Int> = []
  /// An open hash table of places in `rows`, by all that a row is told apart by.
  private var slots: [Int32]
  private let seed = UInt64.random(in: 0 ... .max)

  init(_ rows: [ListedClient]) {
    self.rows = rows
    isTaken = Array(repeating: false, count: rows.count)
    var size = 16
    while size < rows.count * 2 { size *= 2 }
    slots = Array(repeating: -1, count: size)
    var equal: [Int32: [Int]] = [:]
    for index in rows.indices {
      var slot = place(of: rows[index].since ?? 0, rows[index].endpoints)
      var first: Int32?
      while slots[slot] >= 0 {
        if isSame(Int(slots[slot]), index), first == nil { first = slots[slot] }
        slot = (slot + 1) & (slots.count - 1)
      }
      slots[slot] = Int32(truncatingIfNeeded: index)
      if let first { equal[first, default: [Int(first)]].append(index) }
    }
    for group in equal.values { level(group) }
  }

  /// The row of a session by the surest rule: real address with port, and virtual address.
  ///
  /// To be asked for all sessions, the last in the journal's order first.
  mutating func claim(_ session: PairingCandidate) -> Int? {
    if let listed = session.listed, let row = take(session.since, listed) { return row }
    guard let atConnect = session.atConnect else { return nil }
    if let row = take(session.since, atConnect) { return row }
    if let listed = session.listed {
      let mixed = [
        Endpoints(real: atConnect.real, virtual: listed.virtual),
        Endpoints(real: listed.real, virtual: atConnect.virtual),
      ]
      for endpoints in mixed { if let row = take(session.since, endpoints) { return row } }
    }
    // A row that shows no port: the host alone does, but only with an address in the tunnel.
    guard !atConnect.real.host.isIPv4, !atConnect.virtual.isNone else { return nil }
    let host = RealAddress(host: atConnect.real.host, port: 0)
    return take(session.since, Endpoints(real: host, virtual: atConnect.virtual))
  }

  /// The rows of those sessions that `claim` found none for, by the other rules.
  ///
  /// - Parameter sessions: the last in the journal's order first.
  /// - Returns: the row of each session; nil for one that is in no row.
  mutating func claim(rest sessions: [PairingCandidate]) -> [Int?] {
    var found = [Int?](repeating: nil, count: sessions.count)
    if sessions.isEmpty { return found }
    // What only one row and one session share comes first: it leaves less to be decided by order.
    for condition in [Claim.oneOfEach, .oneOfEach, .lastOpen, .last] {
      claim(sessions, &found, sharing: Key.real, if: condition)
      claim(sessions, &found, sharing: Key.virtual, if: condition)
    }
    for condition in [Claim.asManyOpen, .asMany] {
      claim(sessions, &found, sharing: Key.host, if: condition)
      claim(sessions, &found, sharing: Key.second, if: condition)
    }
    // A row without an address in the tunnel is a handshake as a rule. It may be a session whose
    // address was taken away, but not one that has another row.
    claim(sessions, &found, sharing: Key.real, if: .last, sessionRows: false)
    return found
  }

  /// What one of the rules compares; what has none is not the same as anything.
  private struct Key: Hashable {
    let since: Int64
    var host = NetworkAddress.none
    var port: UInt16 = 0

    // What a row, or a session at one of its two places, is known by.
    static func real(_ since: Int64?, _ endpoints: Endpoints) -> Key? {
      guard endpoints.real.hasPort else { return nil }
      return Key(since: since ?? 0, host: endpoints.real.host, port: endpoints.real.port)
    }
    static func virtual(_ since: Int64?, _ endpoints: Endpoints) -> Key? {
      guard let since, !endpoints.virtual.isNone else { return nil }
      return Key(since: since, host: endpoints.virtual)
    }
    static func host(_ since: Int64?, _ endpoints: Endpoints) -> Key? {
      guard let since, !endpoints.real.isNone else { return nil }
      return Key(since: since, host: endpoints.real.host)
    }
    static func second(_ since: Int64?, _ endpoints: Endpoints) -> Key? {
      since.map { Key(since: $0) }
    }
  }

  /// When a session may have a row with which it shares what a rule compares.
  private enum Claim {
    /// The last session in the journal's order has it.
    case last
    /// Likewise, but of the sessions that are not closed.
    case lastOpen
    /// If no other session is left that shares it, and no other row.
    case oneOfEach
    /// If as many sessions are left that share it as rows.
    case asMany
    /// Likewise, but of the sessions that are not closed.
    case asManyOpen
  }

  /// Gives rows to sessions by one rule.
  ///
  /// - Parameter sessionRows: whether it is for rows that are sessions by themselves, or for others.
  private mutating func claim(
    _ sessions: [PairingCandidate], _ found: inout [Int?],
    sharing key: (Int64?, Endpoints) -> Key?, if condition: Claim, sessionRows: Bool = true
  ) {
    var free: [Key: [Int]] = [:]
    for index in rows.indices where !isTaken[index] && rows[index].isSession == sessionRows {
      if let key = key(rows[index].since, rows[index].endpoints) {
        free[key, default: []].append(index)
      }
    }
    if free.isEmpty { return }
    let groups = free
    let isFormat1 = rows.first?.since == nil
    func keys(_ session: PairingCandidate) -> Set<Key> {
      if condition == .asManyOpen || condition == .lastOpen, session.isClosed { return [] }
      let since = isFormat1 ? nil : session.since
      let places = [session.listed, session.atConnect].compactMap { $0 }
      return Set(places.compactMap { key(since, $0) })
    }
    var rivals: [Key: Int] = [:]
    for index in sessions.indices where found[index] == nil {
      for key in keys(sessions[index]) { rivals[key, default: 0] += 1 }
    }
    for index in sessions.indices where found[index] == nil {
      for key in keys(sessions[index]) {
        guard let row = free[key]?.last else { continue }
        switch condition {
        case .last, .lastOpen: break
        case .oneOfEach: if rivals[key] != 1 || groups[key]?.count != 1 { continue }
        case .asMany, .asManyOpen: if rivals[key] != groups[key]?.count { continue }
        }
        free[key]?.removeLast()
        isTaken[row] = true
        found[index] = row
        if let group = groups[key], group.count > 1 { level(group) }
        break
      }
    }
  }

  /// Takes the row with just these addresses, if there is one that is not taken.
  private mutating func take(_ since: Int64, _ endpoints: Endpoints) -> Int? {
    var slot = place(of: since, endpoints)
    while slots[slot] >= 0 {
      let row = Int(slots[slot])
      if !isTaken[row], rows[row].since == since, rows[row].endpoints == endpoints {
        isTaken[row] = true
        return row
      }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// Lets rows that cannot be told apart count for the least of them.
  private mutating func level(_ group: [Int]) {
    let least = Traffic(
      received: group.map { rows[$0].counters.received }.min() ?? 0,
      sent: group.map { rows[$0].counters.sent }.min() ?? 0)
    for index in group { rows[index].counters = least }
    isAmbiguous.formUnion(group)
  }

  private func isSame(_ one: Int, _ other: Int) -> Bool {
    rows[one].since == rows[other].since && rows[one].endpoints == rows[other].endpoints
  }

  private func place(of since: Int64, _ endpoints: Endpoints) -> Int {
    var hash = seed ^ UInt64(bitPattern: since)
    func mix(_ part: UInt64) {
      hash = (hash ^ part) &* 0xff51_afd7_ed55_8ccd
      hash ^= hash >> 32
    }
    mix(endpoints.real.host.high)
    mix(endpoints.real.host.low ^ UInt64(endpoints.real.port) << 48)
    mix(endpoints.virtual.high)
    mix(endpoints.virtual.low)
    return Int(truncatingIfNeeded: hash) & (slots.count - 1)
  }
}
