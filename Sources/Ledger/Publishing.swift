import Gate
import Glibc
import Quota
import SQLite
import System

/// What the access table has of the settings, besides the ledger's rules.
package struct AccessSettings: Equatable, Sendable {
  package let onError: OnError
  package let identifyBy: IdentifyBy

  package init(onError: OnError, identifyBy: IdentifyBy) {
    self.onError = onError
    self.identifyBy = identifyBy
  }
}

/// Publishes the access table, which tells the hooks what users may do.
///
/// It is written under the publication lock, from what one read transaction that begins under it sees: so
/// a later table never says less than an earlier one. `meta` has the version of the table that would be in
/// force: every transaction that changes what a user may do gives it another.
package struct AccessPublisher {
  let ledger: Ledger
}

extension AccessPublisher {
  /// The tables from whose rows the access table is made; of the others it knows by what they do to
  /// these.
  static let watchedTables = ["users", "user_quotas", "plans", "sessions", "counters"]

  /// Notes that what the access table says is no longer all.
  func noteChange() throws(SQLiteError) {
    let version = UInt64.random(in: 1 ... .max)
    ledger.access.changed(from: try self.version(), to: version)
    try ledger.setMeta("access", "\(version)")
  }

  /// The version of the table that would be in force; nil where none was given yet.
  func version() throws(SQLiteError) -> UInt64? {
    try ledger.meta("access").flatMap { UInt64($0) }
  }

  /// Publishes the access table unless the one that is there says all that the ledger does.
  ///
  /// - Throws: `LedgerError.file` where it cannot be written.
  package func publish(
    _ settings: AccessSettings, at moment: JournalMoment
  ) throws(LedgerError) {
    let directory = try ledger.stateDirectory()
    if try isPublished(settings, at: moment, in: directory) { return }
    let lock = try self.lock()
    try publish(settings, at: moment, in: directory)
    _ = consume lock
  }

  /// Waits for another publication, or a rotation, to be over.
  func lock() throws(LedgerError) -> StateLock {
    try Ledger.asLedgerError { () throws(SystemError) in
      let lock = try StateLock.attempt(
        .publication, beside: ledger.database.path,
        patience: .milliseconds(Int64(Ledger.busyTimeout)))
      if let lock { return lock }
      throw SystemError("lock", "\(directory(of: ledger.database.path))/lock", code: EAGAIN)
    }
  }

  /// Whether the table that is there has the version that the ledger has, these settings, and all of
  /// the journal that was taken in.
  private func isPublished(
    _ settings: AccessSettings, at moment: JournalMoment, in directory: borrowing Directory
  ) throws(LedgerError) -> Bool {
    guard let table = try? AccessTable(in: directory) else { return false }
    var wanted = try ledger.asking { () throws(SQLiteError) in
      try accessHeader(settings, journal: ledger.journalProgress(), at: moment)
    }
    wanted?.key = table.header.key
    wanted?.writtenAt = table.header.writtenAt
    return wanted == table.header
  }

  /// What the table's header has to say; nil where no version was given yet.
  private func accessHeader(
    _ settings: AccessSettings, journal: JournalProgress, at moment: JournalMoment
  ) throws(SQLiteError) -> AccessHeader? {
    guard let version = try version() else { return nil }
    let last = journal.marks.last
    return AccessHeader(
      version: version,
      key: AccessKey(
        first: .random(in: 0 ... .max), second: .random(in: 0 ... .max)),
      generation: last?.generation ?? 0,
      position: last?.position ?? 0, boot: moment.boot,
      writtenAt: moment.realtime / 1_000_000_000, onError: settings.onError,
      unknownUsers: ledger.rules.unknownUsers, defaultQuota: ledger.rules.defaultQuota,
      identifyBy: settings.identifyBy, names: ledger.rules.names, count: ledger.rules.count,
      fence: ledger.rules.isFenced)
  }

  private func publish(
    _ settings: AccessSettings, at moment: JournalMoment, in directory: borrowing Directory
  ) throws(LedgerError) {
    let writer = try ledger.asking { () throws(SQLiteError) in
      if try version() == nil { try noteChange() }
      return try ledger.database.snapshot(failing: { $0 }) { () throws(SQLiteError) in
        try accessWriter(settings, at: moment, in: directory)
      }
    }
    guard let writer else { return }
    do throws(SystemError) { try writer.publish(in: directory) } catch { throw .file(error) }
    ledger.access = AccessChanges()
    ledger.database.watch.clear()
  }

  private func accessWriter(
    _ settings: AccessSettings, at moment: JournalMoment, in directory: borrowing Directory
  ) throws(SQLiteError) -> AccessWriter? {
    let header = try accessHeader(settings, journal: ledger.journalProgress(), at: moment)
    guard var header else { return nil }
    let time = header.writtenAt
    if var former = try? AccessTable(in: directory) {
      header.key = former.header.key
      if header.names == .exact, former.header.writtenAt <= time,
        former.header.sharesEntries(with: header),
        ledger.access.areAll(since: former.header.version, until: header.version),
        // Where most users are new the former table is of no use.
        ledger.database.watch.rows(of: "users").count <= former.userCount,
        var writer = try changedWriter(header, of: &former, at: time)
      {
        writer.shares = try shares(by: header)
        return writer
      }
    }
    // What was noted is not needed any more, and large where many were counted.
    _ = ledger.access.take()
    var writer = AccessWriter(header)
    var numbers = AccessNumbers(zone: ledger.zone, at: time)
    var rows = try ledger.database.prepare(
      "\(EntitlementRow.selection) \(Users.isPresent) ORDER BY users.id")
    while try rows.step() { try put(EntitlementRow(rows), rows, header, &numbers, to: &writer) }
    writer.boundaries = numbers.boundaries
    writer.rates = numbers.rates
    try addSessions(to: &writer)
    writer.shares = try shares(by: header)
    return writer
  }

  /// What the fence may let users have here who are on other hosts as well: there what is left is
  /// theirs, too. Nobody has to wait at their share for news that does not come.
  private func shares(by header: AccessHeader) throws(SQLiteError) -> [UInt64: HostShare] {
    guard header.fence, !ledger.rules.isUnheard, try ledger.hosts.isJoined() else { return [:] }
    var shares: [UInt64: HostShare] = [:]
    var rows = try ledger.database.prepare(
      """
      SELECT username, elsewhere_hosts, elsewhere_start IS user_quotas.period_start,
        elsewhere_received, elsewhere_sent, coalesce(received, 0), coalesce(sent, 0)
      FROM elsewhere JOIN users ON users.id = elsewhere_user
        JOIN user_quotas ON user_quotas.user_id = elsewhere_user
        LEFT JOIN pushed ON pushed.user_id = elsewhere_user
          AND pushed.period_start = user_quotas.period_start
      WHERE elsewhere_hosts > 0 AND \(Users.isPresent)
      """)
    while try rows.step() {
      let elsewhere = rows.integer(2) == 0 ? Traffic() : rows.traffic(3)
      shares[rows.withText(0) { header.hash(of: $0) }] = HostShare(
        told: header.count.bytes(of: elsewhere + rows.traffic(5)),
        elsewhere: header.count.bytes(of: elsewhere), otherHosts: rows.integer(1))
    }
    return shares
  }

  /// A table that says what the former one does, but for what was changed since; nil where that may not
  /// be all: a period has begun since, a plan is another, a name was taken away, or a rate is new.
  private func changedWriter(
    _ header: AccessHeader, of former: inout AccessTable, at time: Int64
  ) throws(SQLiteError) -> AccessWriter? {
    let watch = ledger.database.watch
    guard !watch.hasChanges(in: "plans"),
      var numbers = try? AccessNumbers(of: &former, zone: ledger.zone, at: time)
    else { return nil }
    var writer = AccessWriter(header)
    do { try writer.keepUsers(of: &former) } catch { return nil }
    var noted = ledger.access.take()
    writer.put(encoded: noted.users)
    noted.users = []
    let named = watch.rows(of: "users")
    var changed = named
    for row in watch.rows(of: "user_quotas") {
      let user = try ledger.database.first("SELECT user_id FROM user_quotas WHERE id = ?1", row) {
        $0.integer(0)
      }
      if let user { changed.append(user) }
    }
    changed.sort()
    var rows = try EntitlementRows(ledger, where: Users.isPresent)
    try rows.forEach(of: changed) { row, columns throws(SQLiteError) in
      try put(row, columns, header, &numbers, to: &writer)
    }
    if !named.isEmpty {
      let count = try ledger.database.integer("SELECT count(*) FROM users WHERE \(Users.isPresent)")
      if writer.countUsers() != Int(count) { return nil }
    }
    if !numbers.areAll(in: former) { return nil }
    writer.boundaries = numbers.boundaries
    writer.rates = numbers.rates
    var haveChanged = watch.hasChanges(in: "sessions") || watch.hasChanges(in: "counters")
    // A session has its owner's name.
    if !haveChanged { haveChanged = try haveOpenSessions(users: named) }
    if !haveChanged, noted.shown.isEmpty {
      do { try writer.keepSessions(of: &former) } catch { return nil }
    } else {
      let areAll = try named.isEmpty ? addSessions(&noted, to: &writer) : false
      if !areAll { try addSessions(to: &writer) }
    }
    return writer
  }

  private func put(
    _ row: EntitlementRow, _ columns: borrowing Statement, _ header: AccessHeader,
    _ numbers: inout AccessNumbers, to writer: inout AccessWriter
  ) throws(SQLiteError) {
    let user = AccessUser(
      try ledger.periods.entitlement(row, at: header.writtenAt), row.periodRule, &numbers,
      by: ledger.rules)
    writer.put(user, named: EntitlementRow.nameHash(columns, by: header))
  }

  private func haveOpenSessions(users: [Int64]) throws(SQLiteError) -> Bool {
    for user in users
    where try ledger.database.exists(
      "SELECT 1 FROM sessions WHERE user_id = ?1 AND ended_at IS NULL AND reason IS NULL", user)
    {
      return true
    }
    return false
  }

  /// What `liveSession` reads: a session, its server's device and its owner's name.
  private static let liveSessions =
    """
    SELECT \(SessionRow.columns), device, coalesce(username, owner) FROM \(SessionRow.tables)
      LEFT JOIN users ON users.id = user_id
    WHERE ended_at IS NULL AND reason IS NULL
    """

  /// Adds all live sessions.
  private func addSessions(to writer: inout AccessWriter) throws(SQLiteError) {
    writer.removeSessions()
    var processes = try AccessProcesses(ledger.database, by: writer.key)
    var rows = try ledger.database.prepare(AccessPublisher.liveSessions)
    while try rows.step() { add(rows, &processes, to: &writer) }
  }

  /// Adds the live sessions that listings showed, and those that were changed otherwise.
  ///
  /// - Returns: whether these are all.
  private func addSessions(
    _ noted: inout AccessChanges.Noted, to writer: inout AccessWriter
  ) throws(SQLiteError) -> Bool {
    if noted.shown.isEmpty { return false }
    var processes = try AccessProcesses(ledger.database, by: writer.key)
    let changed = Set(
      ledger.database.watch.rows(of: "sessions") + ledger.database.watch.rows(of: "counters"))
    var names = try ledger.database.prepare("SELECT username FROM users WHERE id = ?1")
    writer.take(sessions: noted.entries)
    noted.entries = []
    for session in noted.shown where !changed.contains(session.id) {
      var owner = noted.nameHash(of: session.user)
      if owner == nil {
        owner = try names.first(session.user) { row in row.withText(0) { writer.hash(of: $0) } }
      }
      let device = noted.devices[Int(session.device)]
      guard let owner,
        let process = processes.number(of: device.process, device: device.name.span, in: &writer)
      else { return false }
      writer.addSession(at: Int(session.place), owner: owner, process: process)
    }
    var rows = try ledger.database.prepare("\(AccessPublisher.liveSessions) AND sessions.id = ?1")
    for id in changed.sorted() {
      rows.bind(1, id)
      while try rows.step() { add(rows, &processes, to: &writer) }
    }
    let count = try ledger.database.integer(
      "SELECT count(*) FROM sessions WHERE ended_at IS NULL AND reason IS NULL")
    return writer.sessionCount == Int(count)
  }

  private func add(
    _ row: borrowing Statement, _ processes: inout AccessProcesses, to writer: inout AccessWriter
  ) {
    let session = SessionRow(row)
    let number = row.withText(SessionRow.count) {
      processes.number(of: session.process, device: $0, in: &writer)
    }
    guard let number else { return }
    var text: [UInt8] = []
    var entry = AccessSession(session, session.counters, by: writer.key, &text)
    entry.process = number
    entry.owner = row.withText(SessionRow.count + 1) { writer.hash(of: $0) }
    writer.add(entry)
  }
}

/// The numbers that servers' processes have in a table.
private struct AccessProcesses {
  private var processes: [Int64: AccessProcess] = [:]
  /// What was asked for last: there are few processes, and many sessions.
  private var last: (process: Int64, device: [UInt8], number: Int)?

  init(_ database: borrowing Connection, by key: AccessKey) throws(SQLiteError) {
    var rows = try database.prepare(
      """
      SELECT processes.id, name, processes.pid, started FROM processes
        JOIN servers ON servers.id = server_id
      """)
    while try rows.step() {
      processes[rows.integer(0)] = AccessProcess(
        server: rows.withText(1) { key.hash($0) }, pid: rows.integer(2),
        serverStart: rows.integer(3), device: [])
    }
  }

  /// The number of a process with a device; nil where there is no such process.
  mutating func number(
    of process: Int64, device: Span<UInt8>, in writer: inout AccessWriter
  ) -> Int? {
    if let last, last.process == process, device.isSame(as: last.device) { return last.number }
    guard var known = processes[process] else { return nil }
    known.device = [UInt8](copying: device)
    let number = writer.number(of: known)
    last = (process, known.device, number)
    return number
  }
}

extension AccessSession {
  /// - Parameters:
  ///   - counters: what the session's are now.
  ///   - text: room for the client's address.
  ///
  /// Its process and its owner are to be set.
  init(
    _ session: SessionRow, _ counters: Traffic, by key: AccessKey, _ text: inout [UInt8]
  ) {
    text.removeAll(keepingCapacity: true)
    session.client.appendText(to: &text)
    self.init(
      process: 0, connectedSince: session.since, owner: 0, received: counters.received,
      sent: counters.sent,
      addresses: VirtualAddresses(
        ipv4: session.ipv4.internetAddress, ipv6: session.ipv6.internetAddress),
      client: text.isEmpty ? 0 : key.hash(text.span), position: session.candidate.position)
  }
}

extension Span<UInt8> {
  func isSame(as other: [UInt8]) -> Bool {
    if count != other.count { return false }
    for index in indices where self[index] != other[index] { return false }
    return true
  }
}

extension [UInt8] {
  init(copying bytes: Span<UInt8>) {
    self = unsafe bytes.withUnsafeBytes { unsafe Array($0) }
  }
}

extension RealAddress {
  /// Host and port as a hook has them, with a byte 0 between; nothing where they are not known.
  fileprivate func appendText(to text: inout [UInt8]) {
    if isNone { return }
    host.appendText(to: &text)
    text.append(0)
    if port > 0 { text.append(decimal: UInt32(port)) }
  }
}

extension NetworkAddress {
  /// As the access table has it; nil for none.
  fileprivate var internetAddress: InternetAddress? {
    if isNone { return nil }
    return isIPv4
      ? InternetAddress(high: 0, low: low & 0xFFFF_FFFF, isIPv6: false)
      : InternetAddress(high: high, low: low, isIPv6: true)
  }
}

/// What users in a table refer to by its number: the rules of periods in use, each with its next
/// boundaries, and rates. Rules that have the same boundaries are one.
struct AccessNumbers {
  private let zone: Zone
  private let time: Int64
  private(set) var boundaries: [[Int64]] = []
  private(set) var rates: [AccessRates] = []
  private var numbers: [(period: Period, number: Int?)] = [(.none, nil)]

  init(zone: Zone, at time: Int64) {
    self.zone = zone
    self.time = time
  }

  /// Those of a table; nil where a period has begun since it was written.
  init?(of table: inout AccessTable, zone: Zone, at time: Int64) throws(AccessError) {
    self.init(zone: zone, at: time)
    for rule in 0..<table.ruleCount {
      let moments = try table.boundaries(of: rule)
      if moments.first ?? .max <= time { return nil }
      boundaries.append(moments)
    }
    for number in 0..<table.ratesCount { rates.append(try table.rates(of: number)) }
  }

  /// Whether none is new to a table that they were taken from.
  func areAll(in table: borrowing AccessTable) -> Bool {
    boundaries.count == table.ruleCount && rates.count == table.ratesCount
  }

  /// The number of a user's rates, which may be new; nil for a user without any.
  mutating func number(of rates: AccessRates) -> Int? {
    if rates == AccessRates() { return nil }
    if let known = self.rates.firstIndex(of: rates) { return known }
    self.rates.append(rates)
    return self.rates.count - 1
  }

  /// The number of a rule, which may be new; nil where no new period begins.
  mutating func number(of period: Period) -> Int? {
    if let known = numbers.first(where: { $0.period == period }) { return known.number }
    let moments = moments(of: period)
    let number = boundaries.firstIndex(of: moments) ?? boundaries.count
    if number == boundaries.count { boundaries.append(moments) }
    numbers.append((period, number))
    return number
  }

  private func moments(of period: Period) -> [Int64] {
    var moments: [Int64] = []
    var next = period.span(at: time, in: zone).end
    while moments.count < AccessTable.mostBoundaries, next != .max {
      moments.append(next)
      next = period.span(at: next, in: zone).end
    }
    return moments
  }
}

extension AccessUser {
  /// What the table says of a user. A new period has no grants of its own; of those that are carried
  /// it has what the present one leaves.
  init(
    _ entitlement: Entitlement, _ period: Period, _ numbers: inout AccessNumbers, by rules: Rules
  ) {
    let count = rules.count
    let used = count.bytes(of: entitlement.usedInAll)
    var next = entitlement
    next.granted = 0
    next.carried -= entitlement.takenFromCarried(by: count)
    self.init(
      isEnabled: entitlement.isEnabled, isExempt: entitlement.isExempt,
      used: !entitlement.isOver(by: count) && entitlement.isOver(by: rules)
        ? Entitlement.presumedUse : used,
      limit: entitlement.limitWithGrace,
      nextLimit: next.limitWithGrace, laterLimit: next.limitWithGrace,
      rule: numbers.number(of: period), expiresAt: entitlement.expiresAt,
      maxSessions: entitlement.maxSessionsHere,
      rates: numbers.number(
        of: AccessRates(rate: entitlement.rate, thenRate: entitlement.thenRate)))
  }
}
