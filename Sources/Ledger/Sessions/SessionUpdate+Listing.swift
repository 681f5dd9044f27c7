import Quota
import SQLite

/// What a server's listing came to.
package struct ListingResult: Sendable {
  /// The sessions that may be judged: all but those whose owner nobody can tell yet.
  package var live: [ListedSession] = []
  /// How many rows are sessions.
  package var sessionCount = 0
  /// Why the listing was not taken in, nil where it was.
  package var failure: String?

  package init() {}
}

extension SessionUpdate {
  /// Brings sessions up to date with what a server said of them. The same report again changes
  /// nothing.
  ///
  /// The journal has to be taken in first, up to a moment after the listing was answered.
  mutating func take(_ report: ServerReport) throws(SQLiteError) -> ListingResult {
    try closeEarlierProcesses(of: report)
    let rivals = try ledger.rivals(of: report)
    var matching = ListingMatch(Array(report.clients))
    var result = ListingResult()
    result.sessionCount = matching.rows.count { $0.isSession }
    guard let processes = try processes.processes(in: report, rivals: rivals) else {
      let rival = rivals.sorted().first ?? ""
      result.failure =
        "it and server \(rival) both answer with process id \(report.pid), and the hooks have other "
        + "names for them"
      return result
    }
    result.live.reserveCapacity(report.clients.count)
    let rest = try matchAll(of: processes, report, &matching, &result)
    let rows = matching.claim(rest: rest.map(\.candidate))
    // A row that none of several sessions of its second has may be any of them, a half-open one too:
    // none is closed then, and none is opened for it.
    let unclear = Set(
      matching.rows.indices.filter { !matching.isTaken[$0] }.compactMap { matching.rows[$0].since })
    var left: Set<Int64> = []
    for (session, row) in zip(rest, rows) {
      if let row {
        try raise(session, to: row, of: report, matching, &result)
      } else {
        left.insert(session.since)
        if !unclear.contains(session.since) { try close(session, missingIn: report) }
      }
    }
    try openUnknown(report, matching, left, processes, &result)
    return result
  }

  /// Matches sessions by the surest rule, the last in the journal's order first, and raises them.
  ///
  /// - Returns: those that it did not find, in the same order.
  private mutating func matchAll(
    of processes: [ServerProcess], _ report: ServerReport, _ matching: inout ListingMatch,
    _ result: inout ListingResult
  ) throws(SQLiteError) -> [SessionRow] {
    try writeCounters()
    let isNoted = try ledger.access.formerHeader(of: ledger, at: report.at) != nil
    ledger.access.reserve(sessions: matching.rows.count)
    reserveIncreases(matching.rows.count)
    let ids = processes.map { "\($0.id)" }.joined(separator: ", ")
    var rows = try ledger.database.prepare(
      """
      SELECT \(SessionRow.columns), device FROM \(SessionRow.tables)
      WHERE +process_id IN (\(ids)) AND reason IS NULL
        AND (end_mark IS NULL OR end_position >= ?1)
      ORDER BY id DESC
      """)
    rows.bind(1, report.position)
    var rest: [SessionRow] = []
    while try rows.step() {
      let session = SessionRow(rows)
      guard let row = matching.claim(session.candidate) else {
        rest.append(session)
        continue
      }
      let known = try raise(session, to: row, of: report, matching, &result)
      if isNoted, let known {
        rows.withText(SessionRow.count) { device in
          ledger.access.note(session, of: known.user, known.counters, device: device)
        }
      }
      if raisedCount >= 2048 { try writeCounters(areNoted: isNoted) }
    }
    try writeCounters(areNoted: isNoted)
    return rest
  }

  /// Raises a session to the counters of its row, and opens it again if something else than its hook
  /// closed it. Not one that ended meanwhile, nor one that began too late for the listing: the row may
  /// be that of one before it.
  ///
  /// - Returns: its owner, and what its counters are then; nil where it was left as it is.
  @discardableResult
  private mutating func raise(
    _ session: SessionRow, to row: Int, of report: ServerReport, _ matching: ListingMatch,
    _ result: inout ListingResult
  ) throws(SQLiteError) -> (user: Int64, counters: Traffic)? {
    guard !session.candidate.hasEnd, session.candidate.position ?? -1 < report.position else {
      return nil
    }
    var counters = session.counters
    let client = matching.rows[row]
    var user = session.user
    if user == nil {
      user = try owner(try ownerName(of: session.id), since: session.since, at: report.at)
      if let user { try setUser(of: session, to: user) }
    }
    if session.endedAt != nil { try reopen(session.id) }
    if let user, isTrustworthy(client, for: session),
      try isPlausible(client.counters, of: session)
    {
      raise(
        session.id, of: user, from: session.counters, to: client.counters,
        since: lastCount(of: session.process, since: session.since), at: report.at)
      counters = counters.raised(to: client.counters)
    }
    if client.since != nil, !matching.isAmbiguous.contains(row) {
      try noteEndpoints(client.endpoints, of: session)
    }
    result.live.append(
      ListedSession(
        row: row, session: session.id, user: user, kills: session.kills,
        killedAt: session.killedAt))
    return user.map { ($0, counters) }
  }

  /// Whether a row's counters are surely the session's. A row that is no session by itself, or has no
  /// connected-since, may be that of a client which is about to come in from where another was.
  private func isTrustworthy(_ client: ListedClient, for session: SessionRow) -> Bool {
    if client.isSession { return true }
    let counted = session.counters
    let isHigher =
      client.counters.received >= counted.received && client.counters.sent >= counted.sent
    return isHigher && (client.since == nil || !counted.isZero)
  }

  /// Keeps where a listing shows a client, if it is elsewhere than the hook or the last listing said.
  private func noteEndpoints(
    _ shown: Endpoints, of session: SessionRow
  ) throws(SQLiteError) {
    if let listed = session.candidate.listed {
      if shown.isShown(of: listed) { return }
    } else if let atConnect = session.candidate.atConnect, shown.isShown(of: atConnect) {
      return
    }
    // A host without a port and without an address in the tunnel is not one client's alone.
    guard shown.real.hasPort || !shown.virtual.isNone else { return }
    var update = try ledger.database.prepare(
      "UPDATE sessions SET real = ?2, virtual = ?3 WHERE id = ?1")
    update.bind(1, session.id)
    update.bind(2, blob: shown.real.bytes)
    update.bind(3, blob: shown.virtual.bytes)
    try update.run()
  }

  /// Closes a session that is in no row of a whole listing which was asked for after it began.
  private mutating func close(
    _ session: SessionRow, missingIn report: ServerReport
  ) throws(SQLiteError) {
    guard report.isComplete, session.isOpen,
      session.candidate.position ?? -1 < report.position
    else { return }
    try end(
      session, session.counters, at: report.at, by: .listing, position: report.position, mark: nil)
  }

  /// Closes the sessions of a server that runs as another process now.
  private mutating func closeEarlierProcesses(of report: ServerReport) throws(SQLiteError) {
    try closeSessions(at: report.at, position: report.position) { process in
      process.isOf(report.server) && !process.isSame(boot: report.boot, pid: report.pid)
    }
  }

  /// Closes the sessions of the machine's earlier boots, whether their servers were listed since or not.
  ///
  /// A session that began in this boot is not one of them, even if its hook has another number for the
  /// boot, as in a sandbox.
  mutating func closeEarlierBoots() throws(SQLiteError) {
    guard let boot = moment.boot, boot != 0 else { return }
    let booted = (moment.realtime - moment.boottime) / 1_000_000_000
    try closeSessions(
      at: booted, position: ledger.journalProgress().end, openedBefore: booted
    ) { $0.boot != 0 && $0.boot != boot }
  }

  /// Closes the open sessions of processes that are over.
  private mutating func closeSessions(
    at time: Int64, position: Int64, openedBefore limit: Int64 = .max,
    of isOver: (ServerProcess) -> Bool
  ) throws(SQLiteError) {
    try writeCounters()
    var rows = try ledger.database.prepare(
      """
      SELECT \(SessionRow.columns) FROM \(SessionRow.tables)
      WHERE process_id = ?1 AND ended_at IS NULL AND reason IS NULL AND opened_at < ?2
      """)
    for process in processes.all where isOver(process) {
      rows.bind(1, process.id)
      rows.bind(2, limit)
      var open: [SessionRow] = []
      while try rows.step() { open.append(SessionRow(rows)) }
      for session in open {
        try end(session, session.counters, at: time, by: .restart, position: position, mark: nil)
      }
    }
  }

  /// Opens sessions for rows that no record of a hook tells of.
  ///
  /// - Parameter left: the seconds of sessions that are in no row: a row of that second may be one of
  ///   them.
  private mutating func openUnknown(
    _ report: ServerReport, _ matching: ListingMatch, _ left: Set<Int64>,
    _ known: [ServerProcess], _ result: inout ListingResult
  ) throws(SQLiteError) {
    for row in matching.rows.indices where !matching.isTaken[row] {
      let client = matching.rows[row]
      guard client.isSession, let since = client.since, !left.contains(since),
        let owner = report.names(at: row).owner,
        try !isRefused(client.endpoints.real, since: since, known)
      else { continue }
      guard let user = try self.owner(owner, since: since, at: report.at) else {
        result.live.append(ListedSession(row: row, session: nil, user: nil))
        continue
      }
      let process = try process(of: report, known)
      let id = try open(
        Opening(
          process: process.id, since: since, user: user, owner: owner, device: report.device,
          listed: client.endpoints, at: report.at))
      if client.counters.isPlausible {
        raise(
          id, of: user, from: Traffic(), to: client.counters,
          since: lastCount(of: process.id, since: since), at: report.at)
      }
      result.live.append(ListedSession(row: row, session: id, user: user))
    }
  }
}

extension SessionUpdate {
  /// Whether a row is that of a client whom a hook kept out: it stays for some seconds, and from 2.7 on
  /// an address may be pushed to it meanwhile.
  private func isRefused(
    _ client: RealAddress, since: Int64, _ processes: [ServerProcess]
  ) throws(SQLiteError) -> Bool {
    var rows = try ledger.database.prepare(
      """
      SELECT client FROM sessions
      WHERE process_id = ?1 AND connected_since = ?2 AND reason IS NOT NULL
      """)
    for process in processes {
      rows.bind(1, process.id)
      rows.bind(2, since)
      while try rows.step() {
        let refused = RealAddress(rows, 0)
        if client.host == refused.host, client.port == refused.port || client.port == 0 {
          return true
        }
      }
      rows.reset()
    }
    return false
  }

  /// The process that sessions belong to which a listing alone tells of.
  private mutating func process(
    of report: ServerReport, _ known: [ServerProcess]
  ) throws(SQLiteError) -> ServerProcess {
    if let last = known.last { return last }
    return try processes.process(report.server, boot: report.boot, pid: report.pid, started: 0)
  }
}

extension Endpoints {
  /// Whether a listing that shows these may mean those: one without a port says less.
  fileprivate func isShown(of known: Endpoints) -> Bool {
    virtual == known.virtual && real.host == known.real.host
      && (real.port == known.real.port || real.port == 0)
  }
}

extension Traffic {
  /// Whether a session can have moved as much: what is beyond is nonsense.
  var isPlausible: Bool { received <= 1 << 53 && sent <= 1 << 53 }
}
