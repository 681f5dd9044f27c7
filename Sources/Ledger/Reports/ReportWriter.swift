import Quota
import SQLite

/// Writes the changes that a server's report calls for, some of them in each transaction.
///
/// What a change was planned by may be out of date: a hook may have closed the account meanwhile.
/// So under the write lock each account has to be as it was, or is read again, and only increases over
/// that are counted.
struct ReportWriter: ~Copyable {
  private let ledger: Ledger
  private let report: ServerReport
  private let admissions: [Admission]
  private var accounts: Ledger.Accounts
  private var raising: Ledger.Raising
  private var counting: Ledger.Counting
  /// What the present user moved, summed over his sessions until another user's turn.
  private var pending = (user: Int64.max, increase: Traffic())

  /// For how many changes at a time the users' rows are read ahead.
  private static let readAhead = 100

  init(
    _ ledger: Ledger, _ report: ServerReport, _ admissions: [Admission]
  ) throws(SQLiteError) {
    let accounts = try Ledger.Accounts(ledger.database)
    let raising = try Ledger.Raising(ledger, for: report)
    let counting = try Ledger.Counting(ledger)
    self.ledger = ledger
    self.report = report
    self.admissions = admissions
    self.accounts = accounts
    self.raising = raising
    self.counting = counting
  }

  /// Writes the changes of one transaction, which are sorted by user.
  mutating func apply(
    _ changes: ArraySlice<Change>, into result: inout Reconciliation
  ) throws(SQLiteError) {
    var rest = changes
    while !rest.isEmpty {
      let some = rest.prefix(ReportWriter.readAhead)
      try counting.prepare(for: some.map(\.user))
      for change in some { try apply(change, into: &result) }
      rest = rest.dropFirst(some.count)
    }
    try finish()
  }

  private mutating func apply(
    _ change: Change, into result: inout Reconciliation
  ) throws(SQLiteError) {
    switch change.kind {
    case .count(let session, let counted):
      try count(session, of: change.user, over: counted, into: &result)
    case .move(let address, let index):
      try move(address, to: report.sightings[Int(index)], Int(index), into: &result)
    case .open(let index, let admission):
      try open(
        report.sightings[Int(index)], Int(index), admission.map { admissions[Int($0)] },
        into: &result)
    case .close(let identity, let closer):
      try close(identity, by: closer, into: &result)
    }
  }

  /// Writes what is still pending.
  private mutating func finish() throws(SQLiteError) {
    try counting.add(pending.increase, to: pending.user, since: report.at, at: report.at)
    pending.increase = Traffic()
  }

  private mutating func count(
    _ session: LiveSession, of user: Int64, over counted: Traffic,
    into result: inout Reconciliation
  ) throws(SQLiteError) {
    let sighting = report.sightings[session.sighting]
    let increase = sighting.counters.increase(over: counted)
    if try raising.raise(sighting, by: increase, over: counted) {
      try add(increase, to: user, since: report.lastCount(of: sighting), into: &result)
      result.live.append(session)
    } else if let account = try accounts.account(of: report.identity(of: sighting)) {
      try raise(account, to: sighting, session.sighting, into: &result)
    }
  }

  private mutating func move(
    _ address: String, to sighting: Sighting, _ index: Int, into result: inout Reconciliation
  ) throws(SQLiteError) {
    let identity = report.identity(of: sighting)
    try ledger.move(identity.moved(to: address), to: sighting.address)
    guard let account = try accounts.account(of: identity) else { return }
    try raise(account, to: sighting, index, into: &result)
  }

  private mutating func open(
    _ sighting: Sighting, _ index: Int, _ admission: Admission?,
    into result: inout Reconciliation
  ) throws(SQLiteError) {
    let identity = report.identity(of: sighting)
    if let closed = try accounts.account(of: identity) {
      if !closed.endedBefore(sighting, in: report) {
        if let admission { result.spent.append(admission) }
        return try raise(closed, to: sighting, index, into: &result)
      }
      try ledger.retire(closed)
    }
    guard let owner = admission?.owner ?? sighting.owner else { return }
    let since = sighting.connectedSince
    guard let user = try ledger.owner(named: owner, since: since, at: report.at) else {
      result.live.append(LiveSession(sighting: index, user: nil, kills: 0, killedAt: nil))
      return
    }
    let account = Account(
      identity: identity, user: user,
      commonName: admission?.commonName ?? sighting.commonName, server: report.server,
      realAddress: sighting.realAddress, counters: Traffic())
    result.opened += 1
    if let admission { result.spent.append(admission) }
    try ledger.beginLifetime(of: user, at: sighting.connectedSince)
    try raise(account, to: sighting, index, into: &result)
  }

  /// Raises an account to the counters in the listing. An account that was closed without its hook
  /// opens again, one that a hook closed only takes the counters.
  private mutating func raise(
    _ account: Account, to sighting: Sighting, _ index: Int, into result: inout Reconciliation
  ) throws(SQLiteError) {
    var account = account
    let increase = sighting.counters.increase(over: account.counters)
    account.counters += increase
    account.server = report.server
    if account.closing?.by != .hook { account.realAddress = sighting.realAddress }
    if let closing = account.closing {
      if closing.by != .hook {
        account.closing = nil
        result.opened += 1
      } else if let row = account.log {
        _ = try ledger.log(account.counters, of: account.user, endedAt: closing.at, as: row)
      }
    }
    try accounts.write(account)
    try add(increase, to: account.user, since: report.lastCount(of: sighting), into: &result)
    if account.closing == nil {
      result.live.append(
        LiveSession(
          sighting: index, user: account.user, kills: account.kills, killedAt: account.killedAt))
    }
  }

  private mutating func close(
    _ identity: SessionIdentity, by closer: Closer, into result: inout Reconciliation
  ) throws(SQLiteError) {
    guard var account = try accounts.account(of: identity), account.closing == nil else { return }
    account.closing = .init(at: report.at, by: closer)
    account.log = try ledger.log(
      account.counters, of: account.user, endedAt: report.at, as: account.log)
    try accounts.write(account)
    result.closed += 1
  }

  /// Adds an increase to what the user's other sessions moved, unless it came about over so long that
  /// it has to be divided.
  private mutating func add(
    _ increase: Traffic, to user: Int64, since start: Int64, into result: inout Reconciliation
  ) throws(SQLiteError) {
    result.added += increase
    if report.at - start > ledger.rules.patience {
      return try counting.add(increase, to: user, since: start, at: report.at)
    }
    if pending.user != user { try finish() }
    pending.user = user
    pending.increase += increase
  }
}

extension ServerReport {
  /// When a session's counters were seen last, before this report: it began then, or its server gave
  /// a whole listing.
  fileprivate func lastCount(of sighting: Sighting) -> Int64 {
    max(sighting.connectedSince, previous ?? 0)
  }
}
