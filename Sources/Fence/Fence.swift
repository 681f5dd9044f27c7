import Gate
import Quota
import System

/// Whom the kernel has to hold, and where it finds their packets, as of one moment.
package struct Fence: Equatable, Sendable {
  /// What becomes of a user's packets.
  package enum Hold: Equatable, Sendable {
    /// They are refused: the user may not be in, and the sweep is about to say so.
    case refused
    /// They pass within the allowance, at the rate if there is one. When the allowance is used up they
    /// are refused, or pass at `thenRate`.
    case passes(Allowance?, AccessRates)

    package static func quota(used: Int64, limit: Int64) -> Hold {
      .passes(Allowance(used: used, limit: limit), AccessRates())
    }
  }

  /// What a user may move: `limit` bytes in all, of which the ledger knows `used`; both as OpenVPN
  /// counts.
  package struct Allowance: Equatable, Sendable {
    package let used: Int64
    /// Not above `used` only where it is a share.
    package let limit: Int64
    /// What of `used` was used on other hosts; nil where the user is on none of them.
    package let elsewhere: Int64?
    /// Whether the limit is this host's share of what is left: at it packets have to wait for news of the
    /// other hosts.
    package let isShare: Bool

    package init(used: Int64, limit: Int64, share: HostShare? = nil) {
      self.used = used
      self.limit = share?.limit(of: limit, used: used) ?? limit
      elsewhere = share.map { min($0.elsewhere, used) }
      isShare = self.limit < limit
    }
  }

  /// Where packets are a user's: a tunnel device, and an address or a network at its other end.
  package struct Place: Hashable, Sendable {
    package let device: String
    package let network: InternetNetwork

    package init(device: String, network: InternetNetwork) {
      self.device = device
      self.network = network
    }

    package init(device: String, address: InternetAddress) {
      self.init(device: device, network: InternetNetwork(address))
    }

    /// By the address alone: a host has few tunnels.
    package func hash(into hasher: inout Hasher) {
      hasher.combine(network.address.high ^ network.address.low)
    }
  }

  /// By the hash of the user's name in the access table. Users without a limit are in neither.
  package private(set) var users: [UInt64: Hold] = [:]
  /// Whose packets are where.
  package private(set) var places: [Place: UInt64] = [:]
  /// Sessions of held users whose packets cannot be told, for want of a device, which is a tunnel, or
  /// of an address; and networks behind clients that another client's address or network lies in.
  package private(set) var unknownPlaces = 0
  /// Users with a session on a server that has not answered: what they used meanwhile is not known.
  package private(set) var unheard: Set<UInt64> = []

  /// Whether any of the places is a network.
  package var hasNetworks: Bool { places.keys.contains { !$0.network.isHost } }

  /// Networks behind clients: by the hash of the server's name, and an address of the client.
  package typealias Networks = [UInt64: [InternetAddress: [InternetNetwork]]]

  /// The tunnel devices.
  package var devices: Set<String> {
    var (devices, last): (Set<String>, String) = ([], "")
    for place in places.keys where place.device != last {
      last = place.device
      devices.insert(last)
    }
    return devices
  }

  package init() {}

  /// - Parameters:
  ///   - time: seconds since 1970 in UTC, not before the table was written.
  ///   - heard: the hashes of the names of servers that gave a whole listing since the last run.
  ///   - networks: as of the last sweep.
  package init(
    _ online: OnlineSessions, by table: inout AccessTable, at time: Int64, heard: Set<UInt64>,
    networks: Networks = [:]
  ) throws(AccessError) {
    var judge = Judge(online, try table.allShares(), at: time)
    var places = PlacesOfSessions(networks: networks, since: table.header.position)
    let found = online.sessions.map { places.find($0) }
    let latest = Self.latest(online.sessions, found)
    for (index, session) in online.sessions.enumerated() {
      guard let hold = try judge.hold(of: session.owner, by: &table) else { continue }
      if !heard.contains(session.server) { noteUnheard(session.owner) }
      if found[index].isEmpty { unknownPlaces += 1 }
      for place in found[index] where latest[place] == index {
        self.places[place] = session.owner
        users[session.owner] = hold
      }
    }
    if hasNetworks { leaveOutNetworks(around: latest.keys) }
  }

  /// Leaves out the networks in which another place lies: a packet is a single user's.
  private mutating func leaveOutNetworks(around places: some Sequence<Place>) {
    let lengths = Set(self.places.keys.map(\.network.prefix))
    for place in places {
      for length in lengths where length < place.network.prefix {
        guard let network = InternetNetwork(of: place.network.address, prefix: length) else {
          continue
        }
        let around = Place(device: place.device, network: network)
        if self.places.removeValue(forKey: around) != nil { unknownPlaces += 1 }
      }
    }
  }

  package mutating func hold(_ user: UInt64, _ hold: Hold, at places: [Place]) {
    users[user] = hold
    for place in places { self.places[place] = user }
  }

  /// Notes a user of whom not all is known.
  mutating func noteUnheard(_ user: UInt64) { unheard.insert(user) }

  /// Leaves out the places on devices that are no tunnels.
  package mutating func leaveOut(_ devices: Set<String>) {
    if devices.isEmpty { return }
    let count = places.count
    places = places.filter { !devices.contains($0.key.device) }
    unknownPlaces += count - places.count
    let held = Set(places.values)
    users = users.filter { held.contains($0.key) }
  }

  /// The last session at each place: an earlier one whose end nobody told has lost it, also to a user
  /// who is not held.
  private static func latest(
    _ sessions: [OnlineSession], _ found: [[Place]]
  ) -> [Place: Int] {
    var latest: [Place: Int] = [:]
    latest.reserveCapacity(sessions.count * 2)
    for (index, session) in sessions.enumerated() {
      for place in found[index] {
        if let other = latest[place], sessions[other].position > session.position { continue }
        latest[place] = index
      }
    }
    return latest
  }
}

/// Finds where the packets of sessions are.
private struct PlacesOfSessions {
  let networks: Fence.Networks
  /// A session that the last sweep did not know has no networks yet: its address may have been another
  /// client's.
  let since: Int64
  /// The last device that was looked at, and its name.
  private var last: (device: [UInt8], name: String?) = ([], nil)

  init(networks: Fence.Networks, since: Int64) {
    self.networks = networks
    self.since = since
  }

  mutating func find(_ session: OnlineSession) -> [Fence.Place] {
    if session.device != last.device { last = (session.device, Self.name(of: session.device)) }
    guard let device = last.name else { return [] }
    var places: [Fence.Place] = []
    for case let address? in [session.addresses.ipv4, session.addresses.ipv6] {
      places.append(Fence.Place(device: device, address: address))
      if session.position < since, let behind = networks[session.server]?[address] {
        places += behind.map { Fence.Place(device: device, network: $0) }
      }
    }
    return places
  }

  /// The journal, and what follows from it, may be anybody's lie who is in the hooks' group: a device
  /// whose name the kernel's tools could take for something else is none.
  private static func name(of device: [UInt8]) -> String? {
    guard 1...15 ~= device.count,
      device.allSatisfy({
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0
          || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 || "-_.".utf8.contains($0)
      })
    else { return nil }
    return String(decoding: device, as: UTF8.self)
  }
}

/// Says what becomes of each user, asked about once.
private struct Judge {
  private let online: OnlineSessions
  private let time: Int64
  private let shares: [UInt64: HostShare]
  private var known: (user: UInt64, hold: Fence.Hold?)?
  private var boundaries: [Int: [Int64]] = [:]
  /// Where the table's next user is.
  private var next = 0

  init(_ online: OnlineSessions, _ shares: [UInt64: HostShare], at time: Int64) {
    self.online = online
    self.shares = shares
    self.time = time
  }

  mutating func hold(
    of user: UInt64, by table: inout AccessTable
  ) throws(AccessError) -> Fence.Hold? {
    // The table's sessions come in the order of their owners.
    if let known, known.user == user { return known.hold }
    let hold = try find(user, by: &table)
    known = (user, hold)
    return hold
  }

  private mutating func find(
    _ user: UInt64, by table: inout AccessTable
  ) throws(AccessError) -> Fence.Hold? {
    let header = table.header
    let entitlement = try entitlement(of: user, by: &table)
    // The table counts what the setting `COUNT` says; of that all is in one direction.
    let rules = Rules(
      count: .total, unknownUsers: header.unknownUsers, fence: header.fence)
    guard case .allowed(let rate) = decide(entitlement, at: time, by: rules) else {
      return .refused
    }
    var rates = AccessRates(rate: rate)
    guard let entitlement, !entitlement.isExempt, entitlement.quota > 0,
      !entitlement.isOver(by: rules.count)
    else { return rate == nil ? nil : .passes(nil, rates) }
    if rules.fence { rates.thenRate = entitlement.thenRate }
    return .passes(
      Fence.Allowance(
        used: entitlement.used.total, limit: entitlement.limitWithGrace, share: shares[user]),
      rates)
  }

  private mutating func entitlement(
    of user: UInt64, by table: inout AccessTable
  ) throws(AccessError) -> Entitlement? {
    let header = table.header
    let ended = online.ended[user] ?? []
    if let known = try table.user(hash: user, near: &next) {
      return known.entitlement(
        at: time, boundaries: try boundaries(of: known.rule, by: &table),
        rates: try known.rates.map { (number) throws(AccessError) in try table.rates(of: number) }
          ?? AccessRates(), ended: ended, count: header.count)
    }
    if header.unknownUsers != .allow { return nil }
    // The next sweep creates the user.
    return AccessUser(limit: header.defaultQuota).entitlement(
      at: time, boundaries: [], ended: ended, count: header.count)
  }

  private mutating func boundaries(
    of rule: Int?, by table: inout AccessTable
  ) throws(AccessError) -> [Int64] {
    guard let rule else { return [] }
    if let known = boundaries[rule] { return known }
    let moments = try table.boundaries(of: rule)
    boundaries[rule] = moments
    return moments
  }
}
