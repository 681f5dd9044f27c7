import Gate
import Quota
import System
import TestSupport
import Testing

@testable import Ledger

/// What a server knows of one client's connection.
private struct Life {
  let number: Int
  let owner: UserName
  let since: Int64
  /// Where the client is by the connect hook.
  let atConnect: Endpoints
  /// Where a listing shows it.
  var listed: Endpoints
  /// Where the disconnect hook will say it is.
  var atEnd: Endpoints
  /// The kind of the hook's record.
  let kind: JournalRecord.Kind
  var counters = Traffic()
  /// The counters at the last whole listing that was taken in.
  var swept = Traffic()
  var isAlive = true
  /// Whether a script gave it another address than the connect hook saw.
  var isPushed: Bool { atEnd.virtual != atConnect.virtual }
  /// The marks of its records.
  var mark: Int64 = 0
  var endMark: Int64 = 0
}

/// A random history of one OpenVPN server, told by its hooks and listings.
private struct History {
  let bench: Bench
  private var chance: SeededRandom
  private var lives: [Life] = []
  private var pid: Int64 = 100
  private var now: Int64 = Bench.noon
  private var mark: UInt64 = 0
  private var ports: [UInt16] = []
  /// The share of records of some kinds that are lost, in percent.
  private let loss: Int
  private let losable: Set<JournalRecord.Kind>
  /// The seconds of sessions that a record was lost of.
  private var damagedSeconds: Set<Int64> = []
  /// Whether listings show no ports, as up to OpenVPN 2.6 for IPv6.
  private let showsPorts: Bool
  /// Whether the server has no pool, so that nobody has an address in the tunnel.
  private let hasPool: Bool
  /// What happened, for a history that came out wrong.
  private(set) var story: [String] = []

  init(seed: UInt64, loss: Int = 0, of kinds: Set<JournalRecord.Kind> = []) throws {
    bench = try Bench()
    try bench.ledger.database.execute("PRAGMA synchronous = OFF")
    chance = SeededRandom(seed: seed &* 0xd134_2543_de82_ef95)
    self.loss = loss
    losable = kinds
    showsPorts = Int.random(in: 0..<4, using: &chance) > 0
    hasPool = Int.random(in: 0..<4, using: &chance) > 0
    ports = [1000, 1001, 1002]
  }

  private mutating func some(_ range: ClosedRange<Int>) -> Int {
    Int.random(in: range, using: &chance)
  }

  /// Does something, as one server thread does: one thing after another.
  mutating func step() throws {
    if some(1...3) == 1 { now += Int64(some(0...2)) }
    switch some(1...20) {
    case 1...6: try connect(.in)
    case 7: try connect(.out)
    case 8: abort()
    case 9: floatClient()
    case 10: pushAddress()
    case 11...13: try end()
    case 14: if some(1...6) == 1 { try restart() }
    default: try sweep()
    }
    for index in lives.indices where lives[index].isAlive {
      lives[index].counters += Traffic(
        received: Int64(some(0...5000)), sent: Int64(some(0...20_000)))
    }
  }

  private static func address(_ number: Int) -> NetworkAddress {
    NetworkAddress(ipv4: 0x0a08_0000 + UInt32(number))
  }

  private mutating func connect(_ kind: JournalRecord.Kind) throws {
    // A port is free again once its client is gone, or elsewhere; on two sockets one port serves two.
    // Where scripts push addresses nothing would tell the ends of two on one port apart.
    let alive = lives.filter(\.isAlive)
    let isUsed = Set(alive.map(\.listed.real.port))
    let isPushed = Set(
      alive.filter(\.isPushed).map(\.atConnect.real.port))
    let onOtherSocket = hasPool && showsPorts && some(1...8) == 1
    let free = ports.filter { !isPushed.contains($0) && (onOtherSocket || !isUsed.contains($0)) }
    let port = free.isEmpty ? UInt16(some(10_000...60_000)) : free[some(0...free.count - 1)]
    let isShared = alive.contains { $0.atConnect.real.port == port }
    let host = NetworkAddress(
      text: Array((showsPorts ? "192.0.2.1" : "2001:db8::\(some(1...3))").utf8))
    let taken = Set(lives.filter(\.isAlive).map(\.atConnect.virtual))
    let pool = (2...60).map(History.address).first { !taken.contains($0) } ?? .none
    let here = Endpoints(
      real: RealAddress(host: host, port: port), virtual: hasPool ? pool : .none)
    var life = Life(
      number: lives.count, owner: UserName("user\(some(0...3))"), since: now, atConnect: here,
      listed: here, atEnd: here, kind: kind)
    if hasPool, !isShared, some(1...6) == 1 {
      life.listed.virtual = History.address(some(100...4000))
      life.atEnd.virtual = life.listed.virtual
    }
    try tell(kind, life, here)
    life.mark = Int64(mark)
    if kind == .out {
      life.isAlive = false
      // Before OpenVPN 2.6 no disconnect hook runs for it.
      if some(0...2) > 0 {
        life.counters = Traffic(received: 1700, sent: 1800)
        try tell(.end, life, here)
      }
      life.counters = Traffic()
    }
    story.append(
      "\(now): \(kind) \(life.number) \(life.owner) \(place(here)), listed \(place(life.listed)), end \(place(life.atEnd))"
    )
    lives.append(life)
  }

  private func place(_ endpoints: Endpoints) -> String {
    "\(endpoints.real)/\(endpoints.virtual)"
  }

  /// A client is gone without a disconnect hook, before it moved anything to speak of.
  private mutating func abort() {
    guard let index = someAlive(where: { $0.counters.total < 30_000 && $0.swept.isZero }) else {
      return
    }
    lives[index].isAlive = false
    lives[index].counters = Traffic()
    story.append("\(now): abort \(index)")
  }

  /// A client goes on from another port, and may restart its TLS from there: then that is the port in
  /// its disconnect hook too. Not where a script gave it an address: nothing would tell its end.
  private mutating func floatClient() {
    guard hasPool, let index = someAlive() else { return }
    let port = UInt16(some(2000...60_000))
    lives[index].listed.real.port = port
    if !lives[index].isPushed, some(0...1) == 1 { lives[index].atEnd.real.port = port }
    note(index)
  }

  /// The server gives a live client another address, or takes it away: OpenVPN 2.7 can, and that lists
  /// ports. Not both of two on one port: nothing would tell their rows apart.
  private mutating func pushAddress() {
    guard hasPool, showsPorts, let index = someAlive(where: { !$0.isPushed }) else { return }
    let port = lives[index].atConnect.real.port
    let isOtherMoved = lives.contains {
      $0.isAlive && $0.number != index && $0.atConnect.real.port == port
        && $0.listed.virtual != $0.atConnect.virtual
    }
    if isOtherMoved { return }
    lives[index].listed.virtual =
      some(0...3) == 0 ? .none : History.address(some(5000...9000))
    note(index)
  }

  private mutating func note(_ index: Int) {
    let life = lives[index]
    story.append(
      "\(now): move \(index) to \(place(life.listed)), end \(place(life.atEnd))")
  }

  private mutating func someAlive(where isWanted: (Life) -> Bool = { _ in true }) -> Int? {
    lives.indices.filter { lives[$0].isAlive && isWanted(lives[$0]) }
      .randomElement(using: &chance)
  }

  private mutating func end() throws {
    guard let index = someAlive() else { return }
    lives[index].isAlive = false
    story.append("\(now): end \(index) with \(lives[index].counters.total)")
    try tell(.end, lives[index], lives[index].atEnd)
    lives[index].endMark = Int64(mark)
  }

  /// The server stops: all sessions end, and another process begins.
  private mutating func restart() throws {
    while let index = someAlive() {
      lives[index].isAlive = false
      story.append("\(now): end \(index) with \(lives[index].counters.total)")
      try tell(.end, lives[index], lives[index].atEnd)
      lives[index].endMark = Int64(mark)
    }
    pid += 1
  }

  private mutating func tell(
    _ kind: JournalRecord.Kind, _ life: Life, _ place: Endpoints
  ) throws {
    mark += 1
    if some(1...100) <= loss, losable.contains(kind) {
      damagedSeconds.insert(life.since)
      story.append("\(now): that was lost")
      return
    }
    let time = moment(now)
    try bench.append(
      JournalRecord(
        kind: kind, mark: mark, boot: 7, serverStart: 5, server: Array("server".utf8), pid: pid,
        connectedSince: life.since, realtime: time.realtime, boottime: time.boottime,
        ipv4: Array(place.virtual.description.utf8),
        clientHost: Array(place.real.host.description.utf8),
        clientPort: Array("\(place.real.port)".utf8), commonName: life.owner.bytes,
        owner: life.owner.bytes, reason: kind == .out ? .quota : nil,
        received: kind == .end ? life.counters.received : nil,
        sent: kind == .end ? life.counters.sent : nil,
        duration: kind == .end ? now - life.since : nil))
  }

  /// A sweep, between whose question and answer the server may go on.
  private mutating func sweep() throws {
    let position = try bench.journalEnd()
    if some(0...3) == 0 { try connect(.in) }
    let alive = lives.filter(\.isAlive).shuffled(using: &chance)
    var rows = alive.map { life in
      var place = life.listed
      if !showsPorts { place.real.port = 0 }
      return ListedClient(
        since: life.since, endpoints: place, counters: life.counters,
        isSession: !place.virtual.isNone || !hasPool)
    }
    if some(0...4) == 0, showsPorts {
      // A handshake from where another was a moment ago.
      rows.append(
        ListedClient(
          since: now,
          endpoints: Endpoints(
            real: RealAddress(
              host: NetworkAddress(text: Array("192.0.2.1".utf8)), port: ports[some(0...2)]),
            virtual: .none), counters: Traffic(received: 300), isSession: false))
    }
    story.append("\(now): listing \(alive.map { "\($0.number): \($0.counters.total)" })")
    let names = alive.map(\.owner)
    if some(0...3) == 0 { try end() }
    let report = ServerReport(
      server: "server", boot: 7, pid: pid, at: now, isComplete: some(0...9) > 0,
      position: position, clients: ListedClients(rows)
    ) { row in
      .init(
        commonName: row < names.count ? names[row] : "UNDEF",
        owner: row < names.count ? names[row] : nil)
    }
    try bench.take([report], at: now)
    for life in alive { lives[life.number].swept = life.counters }
  }

  /// Lets all that lives end, and takes that in.
  mutating func finish() throws {
    try restart()
    try bench.take(at: now)
  }

  /// The users who are not billed for just what they moved, and what is wrong.
  func wrongBills() throws -> [String] {
    let used = try bench.probe.usage(by: .periods)
    let wrong = truth().filter { name, moved in (used[name] ?? Usage()) != moved }
    if wrong.isEmpty { return [] }
    return try wrong.map { "\($0): \(used[$0] ?? Usage()), and not \($1)" } + differences()
  }

  /// Whether listings tell all sessions apart.
  var hasClearListings: Bool { showsPorts && hasPool }

  /// What is wrong with the sum of all bills: that it is more than was moved, or less than the sweeps
  /// saw. A lost end can make an end that of another client of its second.
  func sumOutOfBounds() throws -> [String] {
    let billed = try bench.probe.usage(by: .periods).values.reduce(Usage(), +)
    let moved = truth().values.reduce(Usage(), +)
    let swept = lives.filter { $0.kind == .in }.map(\.swept).reduce(Traffic(), +)
    let isRight =
      swept.received...moved.received ~= billed.received && swept.sent...moved.sent ~= billed.sent
    return isRight ? [] : ["\(billed), of \(moved), swept \(swept)"]
  }

  /// The sessions with other counters than the server has, of seconds that no record was lost of.
  func differencesWhereNothingWasLost() throws -> [String] {
    try differences { !damagedSeconds.contains($0) }
  }

  /// The sessions that the ledger has other counters of than the server.
  func differences(since isWanted: (Int64) -> Bool = { _ in true }) throws -> [String] {
    var rows = try bench.ledger.database.prepare(
      """
      SELECT coalesce(in_mark, 0), coalesce(end_mark, 0), bytes_received + bytes_sent, owner,
        connected_since
      FROM sessions JOIN counters ON session_id = id
      """)
    var found: [String] = []
    while try rows.step() {
      let life = lives.first { $0.mark == rows.integer(0) }
      let total = life?.counters.total ?? 0
      if total != rows.integer(2), isWanted(rows.integer(4)) {
        found.append(
          "\(life?.number ?? -1): \(rows.integer(2)), and not \(total); ended by that of "
            + "\(lives.first { $0.endMark == rows.integer(1) }?.number ?? -1)")
      }
    }
    return found
  }

  /// What each user moved.
  func truth() -> [String: Usage] {
    lives.filter { $0.kind == .in }.reduce(into: [:]) { truth, life in
      truth[life.owner.description, default: Usage()] += Usage(
        received: life.counters.received, sent: life.counters.sent)
    }
  }
}

@Suite struct `Whatever a server lives through` {
  private func forEachHistory(
    _ hundred: Int, loss: Int = 0, of kinds: Set<JournalRecord.Kind> = [],
    _ body: (History) throws -> [String]
  ) throws {
    for number in 1...100 {
      let seed = UInt64(hundred * 100 + number)
      var history = try History(seed: seed, loss: loss, of: kinds)
      for _ in 0..<60 { try history.step() }
      try history.finish()
      let wrong = try body(history)
      #expect(wrong.isEmpty, "seed \(seed)\n\(history.story.joined(separator: "\n"))")
      #expect(try history.bench.probe.faults().isEmpty)
    }
  }

  @Test(arguments: 0..<10)
  func `each session is billed once, to the byte, if no record is lost`(hundred: Int) throws {
    try forEachHistory(hundred) { try $0.wrongBills() }
  }

  @Test(arguments: 0..<3)
  func `no more is billed than was moved, and no less than sweeps saw, if ends are lost`(
    hundred: Int
  ) throws {
    try forEachHistory(hundred, loss: 10, of: [.end]) {
      $0.hasClearListings ? try $0.sumOutOfBounds() : []
    }
  }

  @Test(arguments: 0..<3)
  func `a lost record touches only sessions of its second`(hundred: Int) throws {
    try forEachHistory(hundred, loss: 10, of: [.in, .out, .end]) {
      try $0.differencesWhereNothingWasLost()
    }
  }
}
