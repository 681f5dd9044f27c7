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

// The access table is written under the publication lock, from what one read transaction that begins
// under it sees: so a later table never says less than an earlier one. `meta` has the version of the
// table that would be in force: every transaction that changes what a user may do gives it another.

extension Ledger {
  /// Notes that what the access table says is no longer all.
  func noteAccessChange() throws(SQLiteError) {
    try setMeta("access", "\(UInt64.random(in: 1 ... .max))")
  }

  /// Publishes the access table unless the one that is there says all that the ledger does.
  ///
  /// - Throws: `LedgerError.file` where it cannot be written.
  package func publishAccess(
    _ settings: AccessSettings, at moment: JournalMoment
  ) throws(LedgerError) {
    let directory = try stateDirectory()
    if try isPublished(settings, at: moment, in: directory) { return }
    let lock = try publicationLock()
    try publish(settings, at: moment, in: directory)
    _ = consume lock
  }

  /// Waits for another publication, or a rotation, to be over.
  func publicationLock() throws(LedgerError) -> StateLock {
    try Ledger.asLedgerError { () throws(SystemError) in
      let lock = try StateLock.attempt(
        .publication, beside: database.path,
        patience: .milliseconds(Int64(Ledger.busyTimeout)))
      if let lock { return lock }
      throw SystemError("lock", "\(directory(of: database.path))/lock", code: EAGAIN)
    }
  }

  /// Whether the table that is there has the version that the ledger has, these settings, and all of
  /// the journal that was taken in.
  private func isPublished(
    _ settings: AccessSettings, at moment: JournalMoment, in directory: borrowing Directory
  ) throws(LedgerError) -> Bool {
    guard let table = try? AccessTable(in: directory) else { return false }
    var wanted = try asking { () throws(SQLiteError) in
      try accessHeader(settings, journal: journalProgress(), at: moment)
    }
    wanted?.key = table.header.key
    wanted?.writtenAt = table.header.writtenAt
    return wanted == table.header
  }

  /// What the table's header has to say; nil where no version was given yet.
  private func accessHeader(
    _ settings: AccessSettings, journal: JournalProgress, at moment: JournalMoment
  ) throws(SQLiteError) -> AccessHeader? {
    guard let version = try meta("access").flatMap({ UInt64($0) }) else { return nil }
    let last = journal.marks.last
    return AccessHeader(
      version: version,
      key: AccessKey(
        first: .random(in: 0 ... .max), second: .random(in: 0 ... .max)),
      generation: last?.generation ?? 0,
      position: last?.position ?? 0, boot: moment.boot,
      writtenAt: moment.realtime / 1_000_000_000, onError: settings.onError,
      unknownUsers: rules.unknownUsers, defaultQuota: rules.defaultQuota,
      identifyBy: settings.identifyBy, count: rules.count)
  }

  private func publish(
    _ settings: AccessSettings, at moment: JournalMoment, in directory: borrowing Directory
  ) throws(LedgerError) {
    let writer = try asking { () throws(SQLiteError) in
      if try meta("access") == nil { try noteAccessChange() }
      return try snapshot { () throws(SQLiteError) in try accessWriter(settings, at: moment) }
    }
    guard let writer else { return }
    try Ledger.asLedgerError { () throws(SystemError) in _ = try writer.publish(in: directory) }
  }

  private func accessWriter(
    _ settings: AccessSettings, at moment: JournalMoment
  ) throws(SQLiteError) -> AccessWriter? {
    let header = try accessHeader(settings, journal: journalProgress(), at: moment)
    guard let header else { return nil }
    let time = moment.realtime / 1_000_000_000
    var rules = PeriodRules(zone: zone, at: time)
    var writer = AccessWriter(header, boundaries: try periodRules(&rules))
    try forEachEntitlement { row, columns throws(SQLiteError) in
      let entitlement = try self.entitlement(row, at: time)
      writer.add(
        AccessUser(entitlement, rule: rules.number(of: row.periodRule), counting: self.rules.count),
        named: EntitlementRow.name(columns).bytes)
    }
    try addSessions(to: &writer)
    return writer
  }

  private func forEachEntitlement(
    _ body: (EntitlementRow, borrowing Statement) throws(SQLiteError) -> Void
  ) throws(SQLiteError) {
    var rows = try database.prepare(
      "\(EntitlementRow.selection) \(Ledger.isPresent) ORDER BY users.id")
    while try rows.step() { try body(EntitlementRow(rows), rows) }
  }

  /// The boundaries of all rules of periods that users have.
  private func periodRules(_ rules: inout PeriodRules) throws(SQLiteError) -> [[Int64]] {
    var texts = try database.prepare(
      """
      SELECT DISTINCT coalesce(user_quotas.period, plans.period) FROM user_quotas
        LEFT JOIN plans ON plans.id = plan_id
      """)
    while try texts.step() {
      if let period = texts.optionalText(0).flatMap(Period.init(stored:)) { rules.add(period) }
    }
    return rules.boundaries
  }

  private func addSessions(to writer: inout AccessWriter) throws(SQLiteError) {
    // There are few processes, and many sessions.
    var processes: [Int64: (server: [UInt8], pid: Int64, start: Int64)] = [:]
    try database.query(
      """
      SELECT processes.id, name, processes.pid, started FROM processes
        JOIN servers ON servers.id = server_id
      """
    ) { processes[$0.integer(0)] = ($0.bytes(1), $0.integer(2), $0.integer(3)) }
    var rows = try database.prepare(
      """
      SELECT process_id, connected_since, coalesce(username, owner), bytes_received, bytes_sent,
        ipv4, ipv6, device, coalesce(client, real), in_position, virtual
      FROM sessions LEFT JOIN users ON users.id = user_id
        LEFT JOIN counters ON session_id = sessions.id
      WHERE ended_at IS NULL AND reason IS NULL
      """)
    while try rows.step() {
      guard let process = processes[rows.integer(0)] else { continue }
      let real = RealAddress(rows, 8)
      var (ipv4, ipv6) = (NetworkAddress(rows, 5), NetworkAddress(rows, 6))
      let listed = NetworkAddress(rows, 10)
      if ipv4.isNone, ipv6.isNone {
        if listed.isIPv4 { ipv4 = listed } else { ipv6 = listed }
      }
      writer.add(
        LiveSession(
          server: process.server, pid: process.pid, serverStart: process.start,
          connectedSince: rows.integer(1), owner: rows.bytes(2), received: rows.integer(3),
          sent: rows.integer(4),
          addresses: VirtualAddresses(ipv4: ipv4.internetAddress, ipv6: ipv6.internetAddress),
          device: rows.bytes(7), clientHost: real.host.text,
          clientPort: real.port == 0 ? [] : Array("\(real.port)".utf8),
          position: rows.optionalInteger(9)))
    }
  }
}

extension NetworkAddress {
  /// As the access table has it; nil for none.
  fileprivate var internetAddress: InternetAddress? {
    isNone ? nil : InternetAddress(bytes: bytes)
  }
}

/// The rules of periods in use, each with its next boundaries.
private struct PeriodRules {
  private let zone: Zone
  private let time: Int64
  private var periods: [Period] = []
  private(set) var boundaries: [[Int64]] = []

  /// How many boundaries of each the access table has.
  private static let count = 64

  init(zone: Zone, at time: Int64) {
    self.zone = zone
    self.time = time
  }

  mutating func add(_ period: Period) {
    guard period != .none, number(of: period) == nil else { return }
    var moments: [Int64] = []
    var next = period.span(at: time, in: zone).end
    while moments.count < PeriodRules.count, next != .max {
      moments.append(next)
      next = period.span(at: next, in: zone).end
    }
    periods.append(period)
    boundaries.append(moments)
  }

  /// The number of a rule; nil where no new period begins.
  func number(of period: Period) -> Int? { periods.firstIndex(of: period) }
}

extension AccessUser {
  /// What the table says of a user. A new period has no grants of its own; of those that are carried
  /// it has what the present one leaves.
  fileprivate init(_ entitlement: Entitlement, rule: Int?, counting count: Count) {
    var next = entitlement
    next.granted = 0
    next.carried -= entitlement.takenFromCarried(by: count)
    self.init(
      isEnabled: entitlement.isEnabled, isExempt: entitlement.isExempt,
      used: count.bytes(of: entitlement.used), limit: entitlement.limitWithGrace,
      nextLimit: next.limitWithGrace, laterLimit: next.limitWithGrace, rule: rule,
      expiresAt: entitlement.expiresAt, maxSessions: entitlement.maxSessions)
  }
}
