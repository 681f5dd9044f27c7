import Gate
import Quota
import SQLite

/// Everything that one transaction changes about sessions, from the journal and from listings.
///
/// Each session keeps the highest counters seen. What they rose by is summed up for each user and
/// counted at the end, in the order of users, so that each page is touched once.
struct SessionUpdate: ~Copyable {
  let ledger: Ledger
  let moment: JournalMoment
  var processes: ServerProcesses
  var refusals: RefusalRuns
  /// Bytes that were new.
  private(set) var added = Traffic()
  private(set) var opened = 0
  private(set) var closed = 0
  /// Whether what users may do can be another now.
  var hasChanges: Bool { !added.isZero || opened > 0 || closed > 0 || haveStrangersMoved }
  /// Whether a session without a user began or ended.
  private var haveStrangersMoved = false
  /// What has to be told.
  var problems: [String] = []
  /// The sessions of seconds that have many, while a file of the journal is taken in.
  var crowds: [SecondOfProcess: SessionsOfSecond] = [:]
  private var increases: [Increase] = []
  private var insert: Statement
  private var begin: Statement
  /// New counters of sessions; they are written before any are read again.
  private var raised: BulkUpdate
  private var close: Statement

  init(_ ledger: Ledger, at moment: JournalMoment) throws(SQLiteError) {
    let processes = try ServerProcesses(ledger)
    let insert = try ledger.database.prepare(
      """
      INSERT INTO sessions (process_id, connected_since, user_id, owner, client, ipv4, ipv6, device,
        real, virtual, opened_at, in_position, in_mark, reason, end_position, end_mark)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
      """)
    // A purge leaves counters behind, and its session's number may be given again.
    let begin = try ledger.database.prepare("INSERT OR REPLACE INTO counters VALUES (?1, 0, 0)")
    let raised = try BulkUpdate(
      ledger.database,
      """
      UPDATE counters SET bytes_received = given(session_id, 0), bytes_sent = given(session_id, 1)
      WHERE session_id BETWEEN ?1 AND ?2 AND (?3 OR given(session_id))
      """)
    let close = try ledger.database.prepare(
      """
      UPDATE sessions SET ended_at = ?2, ended_by = ?3, end_position = ?4, end_mark = ?5,
        log_id = ?6 WHERE id = ?1
      """)
    self.ledger = ledger
    self.moment = moment
    self.processes = processes
    refusals = RefusalRuns(ledger)
    self.insert = insert
    self.begin = begin
    self.raised = raised
    self.close = close
  }

  /// A session or a refusal that is new.
  struct Opening {
    let process: Int64
    let since: Int64
    var user: Int64?
    var owner: UserName
    var client = RealAddress.none
    var ipv4 = NetworkAddress.none
    var ipv6 = NetworkAddress.none
    var device: [UInt8] = []
    /// Where a listing shows it, if it is known from there only.
    var listed: Endpoints?
    /// When it was opened, in seconds since 1970.
    let at: Int64
    var inPosition: Int64?
    var inMark: UInt64?
    var reason: Reason?
    var isRefusal = false
  }

  /// Adds a session or a refusal, and gives its number.
  mutating func open(_ opening: Opening) throws(SQLiteError) -> Int64 {
    insert.bind(1, opening.process)
    insert.bind(2, opening.since)
    insert.bind(3, opening.user)
    insert.bind(4, bytes: opening.owner.bytes)
    insert.bind(5, blob: opening.client.bytes)
    insert.bind(6, blob: opening.ipv4.bytes)
    insert.bind(7, blob: opening.ipv6.bytes)
    insert.bind(8, opening.device.isEmpty ? nil : String(decoding: opening.device, as: UTF8.self))
    insert.bind(9, blob: opening.listed?.real.bytes ?? [])
    insert.bind(10, blob: opening.listed?.virtual.bytes ?? [])
    insert.bind(11, opening.at)
    insert.bind(12, opening.inPosition)
    insert.bind(13, opening.inMark.map { Int64(bitPattern: $0) })
    insert.bind(14, opening.isRefusal ? opening.reason?.rawValue ?? "" : nil)
    insert.bind(15, nil as Int64?)
    insert.bind(16, nil as Int64?)
    try insert.run()
    let id = ledger.database.lastInsertedRow
    if opening.isRefusal { return id }
    begin.bind(1, id)
    try begin.run()
    if let user = opening.user {
      opened += 1
      try ledger.users.beginLifetime(of: user, at: opening.since)
    } else {
      haveStrangersMoved = true
    }
    return id
  }

  /// Gives a session its owner, once that is a user.
  mutating func setUser(of session: SessionRow, to user: Int64) throws(SQLiteError) {
    try ledger.database.run("UPDATE sessions SET user_id = ?2 WHERE id = ?1", session.id, user)
    opened += 1
    try ledger.users.beginLifetime(of: user, at: session.since)
  }

  /// Raises a session's counters, and counts the increase for its owner. Counters never fall.
  ///
  /// - Parameters:
  ///   - user: the owner.
  ///   - start: when the session was counted before, in seconds since 1970.
  ///   - time: when the counters were so.
  mutating func raise(
    _ id: Int64, of user: Int64, from known: Traffic, to counters: Traffic, since start: Int64,
    at time: Int64
  ) {
    let increase = counters.increase(over: known)
    if increase.isZero { return }
    let sum = known + increase
    raised.add(id, sum.received, sum.sent)
    added += increase
    increases.append(Increase(user: user, since: start, at: time, traffic: increase))
  }

  /// Makes room for what the counters of so many sessions rise by.
  mutating func reserveIncreases(_ count: Int) {
    increases.reserveCapacity(increases.count + count)
  }

  /// How many sessions' counters were raised and not written yet.
  var raisedCount: Int { raised.count }

  /// Writes the counters that were raised.
  ///
  /// - Parameter areNoted: whether the next access table knows of these sessions already.
  mutating func writeCounters(areNoted: Bool = false) throws(SQLiteError) {
    ledger.database.watch.isPaused = areNoted
    defer { ledger.database.watch.isPaused = false }
    try raised.run()
  }

  /// Notes that a session ended, with its row in `traffic_logs`, which has its highest counters.
  ///
  /// - Parameters:
  ///   - position: where its `end` begins in the journal, else where the journal ended then.
  ///   - mark: that of its `end`; nil where something else closed it.
  mutating func end(
    _ session: SessionRow, _ counters: Traffic, at time: Int64, by ending: Ending,
    position: Int64?, mark: UInt64?
  ) throws(SQLiteError) {
    let endedAt = session.endedAt ?? time
    let log =
      session.user == nil
      ? nil
      : try ledger.sessions.log(session.id, counters, endedAt: endedAt, by: ending, as: session.log)
    close.bind(1, session.id)
    close.bind(2, endedAt)
    close.bind(3, ending.rawValue)
    close.bind(4, position)
    close.bind(5, mark.map { Int64(bitPattern: $0) })
    close.bind(6, log)
    try close.run()
    guard session.isOpen else { return }
    if session.user == nil { haveStrangersMoved = true } else { closed += 1 }
  }

  /// Opens a session again that something else than its hook closed. It has no row in `traffic_logs`
  /// until it ends.
  mutating func reopen(_ id: Int64) throws(SQLiteError) {
    try ledger.database.run(
      "DELETE FROM traffic_logs WHERE id = (SELECT log_id FROM sessions WHERE id = ?1)", id)
    close.bind(1, id)
    close.bind(2, nil as Int64?)
    close.bind(3, nil as String?)
    close.bind(4, nil as Int64?)
    close.bind(5, nil as Int64?)
    close.bind(6, nil as Int64?)
    try close.run()
    opened += 1
  }

  /// When a session was counted before: when it began, or its server last gave a whole listing.
  mutating func lastCount(of process: Int64, since: Int64) -> Int64 {
    max(since, processes.lastListing(of: process))
  }

  /// Whether a session's counters can be true; those that cannot are told of once.
  mutating func isPlausible(
    _ counters: Traffic, of session: SessionRow
  ) throws(SQLiteError) -> Bool {
    if counters.isPlausible || session.toldOfNonsense { return counters.isPlausible }
    let name = try ownerName(of: session.id)
    problems.append("a session of \(name) claims \(counters.total) bytes, which are not counted")
    try ledger.database.execute("UPDATE sessions SET nonsense = 1 WHERE id = \(session.id)")
    return false
  }

  /// Counts for each user what their sessions moved, and writes the runs of refusals.
  mutating func finish() throws(SQLiteError) {
    try refusals.write()
    try writeCounters()
    if increases.isEmpty { return }
    increases.sort { ($0.user, $0.at) < ($1.user, $1.at) }
    try ledger.allowed.noting(in: ledger.database) { () throws(SQLiteError) in
      var counting = try Counting(ledger)
      try counting.count(increases, at: moment.realtime / 1_000_000_000)
    }
    increases.removeAll()
  }
}
