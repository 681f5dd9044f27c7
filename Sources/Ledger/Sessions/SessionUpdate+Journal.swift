import Gate
import Quota
import SQLite

extension SessionUpdate {
  /// Takes in one record of the journal. The same record again changes nothing.
  mutating func take(_ entry: JournalEntry, _ reading: JournalReading) throws(SQLiteError) {
    let record = entry.record
    let time = record.time(by: moment)
    if record.kind == .auth {
      guard let reason = record.reason else { return }
      return try refusals.add(
        try refused(record), reason, at: time, mayBeKnown: reading.isAgain)
    }
    let process = try processes.process(
      String(decoding: record.server, as: UTF8.self), boot: record.boot ?? 0, pid: record.pid,
      started: record.serverStart)
    let seconds = ([process] + processes.listings(of: process)).map {
      SecondOfProcess(process: $0.id, since: record.connectedSince)
    }
    let changed = try take(entry, process, seconds, reading, at: time)
    if let changed { try keepUp(with: changed, seconds) }
  }

  /// - Returns: the number of the session that the record begins or ends; nil where it changes nothing.
  private mutating func take(
    _ entry: JournalEntry, _ process: ServerProcess, _ seconds: [SecondOfProcess],
    _ reading: JournalReading, at time: Int64
  ) throws(SQLiteError) -> Int64? {
    let record = entry.record
    let known = try sessions(of: seconds)
    if known.contains(where: { $0.has(record) }) || reading.isForgotten(entry) { return nil }
    switch record.kind {
    case .auth: return nil
    case .in: return try takeIn(entry, process, known, at: time)
    case .end: return try takeEnd(entry, process, known, at: time)
    case .out:
      let id = try open(Opening(entry, process.id, user: nil, at: time))
      if let reason = record.reason {
        try refusals.add(
          try refused(record), reason, at: time, mayBeKnown: reading.isAgain)
      }
      return id
    }
  }

  /// Whom a refusal is of: a user by their own spelling of the name.
  private func refused(_ record: JournalRecord) throws(SQLiteError) -> UserName {
    try ledger.users.spelling(of: ledger.users.key(of: UserName(ofClient: record.owner)))
  }

  /// A session begins, unless a listing has shown it before its record could be read.
  ///
  /// - Returns: its number.
  private mutating func takeIn(
    _ entry: JournalEntry, _ process: ServerProcess, _ known: [SessionsOfSecond], at time: Int64
  ) throws(SQLiteError) -> Int64 {
    var opening = Opening(entry, process.id, user: nil, at: time)
    let near = SessionsNearby(opening.endpoints, known)
    if let shown = candidate(of: opening.endpoints, among: near.candidates) {
      try adopt(near[shown].id, opening)
      return near[shown].id
    }
    // A stranger is no user before something is counted.
    opening.user = try ledger.users.knownOwner(named: opening.owner, since: opening.since)
    return try open(opening)
  }

  /// - Returns: the number of the session that ended; nil where the record counts for none.
  private mutating func takeEnd(
    _ entry: JournalEntry, _ process: ServerProcess, _ known: [SessionsOfSecond], at time: Int64
  ) throws(SQLiteError) -> Int64? {
    let record = entry.record
    let endpoints = Opening(entry, process.id, user: nil, at: time).endpoints
    let near = SessionsNearby(endpoints, known)
    let place = candidate(
      forEndAt: entry.start, endpoints, mayGuess: false, among: near.candidates)
    if let place {
      try end(near[place], with: entry, at: time)
      return near[place].id
    }
    if record.looksRefused { return nil }
    let all = known.lazy.flatMap(\.open)
    if let only = onlyCandidate(forEndAt: entry.start, among: all.map(\.candidate)),
      let session = all.first(where: { $0.id == only })
    {
      try end(session, with: entry, at: time)
      return only
    }
    // One of several sessions of its second, and nothing tells which: a listing may have counted it as
    // any of them already.
    if all.contains(where: { $0.candidate.mayEnd(at: entry.start) }) { return nil }
    var opening = Opening(entry, process.id, user: nil, at: time)
    opening.inPosition = nil
    opening.inMark = nil
    opening.listed = endpoints
    // A disconnect hook does not know IDENTIFY_BY.
    opening.owner = UserName(
      ofClient: ledger.rules.identifyBy.user(
        commonName: record.commonName, username: record.username, .exact))
    opening.user = try owner(opening.owner, since: record.connectedSince, at: time)
    guard opening.user != nil else { return nil }
    let id = try open(opening)
    if let session = try session(id) { try end(session, with: entry, at: time) }
    return id
  }

  /// Ends a session, or what there was of a refused one, with its final counters.
  private mutating func end(
    _ session: SessionRow, with entry: JournalEntry, at time: Int64
  ) throws(SQLiteError) {
    var session = session
    if session.candidate.isRefusal {
      return try end(
        session, Traffic(), at: time, by: .hook, position: entry.start, mark: entry.record.mark)
    }
    let name = try ownerName(of: session.id)
    if session.user == nil {
      session.user = try owner(name, since: session.since, at: time)
      if let user = session.user { try setUser(of: session, to: user) }
    }
    var counters = session.counters
    if entry.record.hasImpossibleCounters {
      problems.append("the end of a session of \(name) claims more than 100 Gbit/s: not counted")
    }
    if let user = session.user, let final = entry.record.counters,
      try isPlausible(final, of: session)
    {
      raise(
        session.id, of: user, from: session.counters, to: final,
        since: lastCount(of: session.process, since: session.since), at: session.endedAt ?? time)
      counters = counters.raised(to: final)
    }
    try end(
      session, counters, at: time, by: .hook, position: entry.start, mark: entry.record.mark)
  }

  /// Lets a session that a listing showed first be the one of its `in`.
  private func adopt(_ id: Int64, _ opening: Opening) throws(SQLiteError) {
    var update = try ledger.database.prepare(
      """
      UPDATE sessions SET process_id = ?2, client = ?3, ipv4 = ?4, ipv6 = ?5, device = ?6,
        in_position = ?7, in_mark = ?8 WHERE id = ?1
      """)
    update.bind(1, id)
    update.bind(2, opening.process)
    update.bind(3, blob: opening.client.bytes)
    update.bind(4, blob: opening.ipv4.bytes)
    update.bind(5, blob: opening.ipv6.bytes)
    update.bind(6, opening.device.isEmpty ? nil : String(decoding: opening.device, as: UTF8.self))
    update.bind(7, opening.inPosition)
    update.bind(8, opening.inMark.map { Int64(bitPattern: $0) })
    try update.run()
  }

  /// Whom a session is billed to; nil for a stranger who is not metered.
  func owner(_ name: UserName, since: Int64, at time: Int64) throws(SQLiteError) -> Int64? {
    try ledger.users.owner(named: name, since: since, at: time)
  }

  /// The name that a session's owner had when it began.
  func ownerName(of session: Int64) throws(SQLiteError) -> UserName {
    var find = try ledger.database.prepare("SELECT owner FROM sessions WHERE id = ?1")
    find.bind(1, session)
    return UserName(bytes: try find.step() ? find.bytes(0) : [])
  }

  private mutating func session(_ id: Int64) throws(SQLiteError) -> SessionRow? {
    try writeCounters()
    var find = try ledger.database.prepare(
      "SELECT \(SessionRow.columns) FROM \(SessionRow.tables) WHERE id = ?1")
    find.bind(1, id)
    return try find.step() ? SessionRow(find) : nil
  }

  /// The sessions and refusals of processes that began in a second, for each of them.
  private mutating func sessions(
    of seconds: [SecondOfProcess]
  ) throws(SQLiteError) -> [SessionsOfSecond] {
    try writeCounters()
    var sessions: [SessionsOfSecond] = []
    for second in seconds {
      let found = if let crowd = crowds[second] { crowd } else { try storedSessions(of: second) }
      if found.isCrowd, crowds[second] == nil { crowds[second] = found }
      sessions.append(found)
    }
    return sessions
  }

  private func storedSessions(
    of second: SecondOfProcess
  ) throws(SQLiteError) -> SessionsOfSecond {
    var find = try ledger.database.prepare(
      """
      SELECT \(SessionRow.columns) FROM \(SessionRow.tables)
      WHERE process_id = ?1 AND connected_since = ?2 ORDER BY id
      """)
    find.bind(1, second.process)
    find.bind(2, second.since)
    var sessions = SessionsOfSecond()
    while try find.step() { sessions.insert(SessionRow(find)) }
    return sessions
  }

  /// Brings what is kept of some seconds up to date with a session that began or ended.
  private mutating func keepUp(
    with id: Int64, _ seconds: [SecondOfProcess]
  ) throws(SQLiteError) {
    guard seconds.contains(where: { crowds[$0] != nil }), let session = try session(id) else {
      return
    }
    let own = SecondOfProcess(process: session.process, since: session.since)
    for second in seconds where second != own { crowds[second]?.remove(id) }
    crowds[own]?.insert(session)
  }
}

/// A second in which sessions of a server's process began.
struct SecondOfProcess: Hashable {
  let process: Int64
  let since: Int64
}

/// What there is of a second to compare a record with.
struct SessionsOfSecond {
  /// In the journal's order. Those that were read without a record of their end stay when it comes.
  fileprivate private(set) var open: [SessionRow] = []
  /// The places of those without an end, by where a hook or a listing saw them.
  private var byReal: [RealAddress: [Int]] = [:]
  private var byVirtual: [NetworkAddress: [Int]] = [:]
  private var inMarks: Set<UInt64> = []
  private var endMarks: Set<UInt64> = []

  /// Whether they are so many that they are kept: read again for each record of their second, 10 000
  /// would take minutes. A server lets in a few in a second, but anybody in the hooks' group can lie.
  fileprivate var isCrowd: Bool { inMarks.count + endMarks.count > 64 }

  /// Whether a record was taken in.
  fileprivate func has(_ record: JournalRecord) -> Bool {
    record.kind == .end ? endMarks.contains(record.mark) : inMarks.contains(record.mark)
  }

  /// The places of sessions without an end that have an address in common with a client. One may be
  /// there twice.
  fileprivate func places(near client: Endpoints) -> [Int] {
    (byReal[client.real, default: []] + byVirtual[client.virtual, default: []]).sorted()
  }

  fileprivate mutating func insert(_ session: SessionRow) {
    if let mark = session.inMark { inMarks.insert(mark) }
    if let mark = session.endMark { endMarks.insert(mark) }
    let place = open.lowerBound(of: session.id) { $0.id }
    if place == open.count {
      if session.candidate.hasEnd { return }
      open.append(session)
    } else if open[place].id == session.id {
      index(place) { places, place in places.removeAll { $0 == place } }
      open[place] = session
      if session.candidate.hasEnd { return }
    } else {
      if session.candidate.hasEnd { return }
      open.insert(session, at: place)
      return indexAll()
    }
    index(place) { $0.append($1) }
  }

  fileprivate mutating func remove(_ id: Int64) {
    let place = open.lowerBound(of: id) { $0.id }
    guard place < open.count, open[place].id == id else { return }
    open.remove(at: place)
    indexAll()
  }

  private mutating func indexAll() {
    (byReal, byVirtual) = ([:], [:])
    for place in open.indices where !open[place].candidate.hasEnd { index(place) { $0.append($1) } }
  }

  private mutating func index(_ place: Int, _ change: (inout [Int], Int) -> Void) {
    for client in [open[place].candidate.atConnect, open[place].candidate.listed] {
      guard let client else { continue }
      if client.real.hasPort { change(&byReal[client.real, default: []], place) }
      if !client.virtual.isNone { change(&byVirtual[client.virtual, default: []], place) }
    }
  }
}

/// The sessions of some seconds that have an address in common with a client, in the journal's order.
private struct SessionsNearby {
  private let known: [SessionsOfSecond]
  private let places: [(second: Int, place: Int)]

  init(_ client: Endpoints, _ known: [SessionsOfSecond]) {
    self.known = known
    places = known.indices.flatMap { second in
      known[second].places(near: client).map { (second, $0) }
    }
  }

  subscript(index: Int) -> SessionRow { known[places[index].second].open[places[index].place] }

  var candidates: LazyMapCollection<Range<Int>, PairingCandidate> {
    places.indices.lazy.map { self[$0].candidate }
  }
}

extension SessionUpdate.Opening {
  init(_ entry: JournalEntry, _ process: Int64, user: Int64?, at time: Int64) {
    let record = entry.record
    self.init(
      process: process, since: record.connectedSince, user: user,
      owner: UserName(ofClient: record.owner),
      client: RealAddress(host: record.clientHost, port: record.clientPort),
      ipv4: NetworkAddress(text: record.ipv4), ipv6: NetworkAddress(text: record.ipv6),
      device: record.device, at: time, inPosition: entry.start, inMark: record.mark,
      reason: record.reason, isRefusal: record.kind == .out)
  }

  /// Where the client is by the hook.
  var endpoints: Endpoints { Endpoints(real: client, virtual: ipv4.isNone ? ipv6 : ipv4) }
}

extension JournalRecord {
  /// Whether it is the end of a client that another handler refused: OpenVPN 2.6
  /// and later run the disconnect hook then too.
  fileprivate var looksRefused: Bool {
    (duration ?? 0) <= 2 && received ?? 0 < 8192 && sent ?? 0 < 8192
  }
}
