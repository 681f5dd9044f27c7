import Quota
import SQLite

/// What is known of a session at its end.
package struct FinalReport: Equatable, Sendable {
  package let identity: SessionIdentity
  /// The address in the tunnel that the record of the connect hook has; nil where there is none.
  package var doorAddress: String?
  /// The common name the disconnect hook was given: the session's own, unless a renegotiation
  /// changed it.
  package let commonName: UserName
  /// The owner by the record the connect hook left; nil where it left none.
  package let owner: UserName?
  /// The owner by the disconnect hook's own word, believed only of a session that nobody has heard
  /// of before; nil where it names nobody.
  package let claimedOwner: UserName?
  /// Whether the connect hook's yes was the last word. Where it was not, or left no record, somebody
  /// else's handler may have turned the client away: OpenVPN 2.6+ runs the disconnect hook then too.
  package let wasLetIn: Bool
  /// Where the client was at the end, `10.77.0.2:35040`; nil where OpenVPN did not say.
  package let clientAddress: String?
  /// OpenVPN's final counters, nil where it gave none.
  package let counters: Traffic?
  /// Seconds since 1970 in UTC.
  package let endedAt: Int64

  package init(
    identity: SessionIdentity, doorAddress: String? = nil, commonName: UserName,
    owner: UserName?, claimedOwner: UserName?, wasLetIn: Bool, clientAddress: String?,
    counters: Traffic?, endedAt: Int64
  ) {
    self.identity = identity
    self.doorAddress = doorAddress
    self.commonName = commonName
    self.owner = owner
    self.claimedOwner = claimedOwner
    self.wasLetIn = wasLetIn
    self.clientAddress = clientAddress
    self.counters = counters
    self.endedAt = endedAt
  }

  /// Whether all that is known of the session is the little that a client turned away at the door
  /// moves.
  var looksRefused: Bool {
    let counters = counters ?? Traffic()
    return !wasLetIn && endedAt - identity.connectedSince <= 2 && counters.received < 8192
      && counters.sent < 8192
  }
}

extension Ledger {
  /// Closes a session's account with its final counters, in one transaction with the usage and the
  /// session's row in `traffic_logs`. Closing again changes nothing, a larger counter aside.
  ///
  /// - Parameter note: what the last sweep left word of: since then nothing of the session was
  ///   counted.
  /// - Returns: the bytes that were new, nil for a session nobody is billed for.
  @discardableResult
  package func close(
    _ report: FinalReport, lastSwept note: SweepNote?
  ) throws(SQLiteError) -> Traffic? {
    try database.transaction { () throws(SQLiteError) in
      var accounts = try Accounts(database)
      guard let (known, isNew) = try account(for: report, in: &accounts) else { return nil }
      var account = known
      let increase = (report.counters ?? Traffic()).increase(over: account.counters)
      account.counters += increase
      let time = account.closing?.at ?? report.endedAt
      account.closing = .init(at: time, by: .hook)
      account.realAddress = report.clientAddress ?? account.realAddress
      if !(isNew && report.looksRefused) {
        account.log = try log(
          account.counters, of: account.user, endedAt: time, as: account.log)
      }
      try accounts.write(account)
      if !increase.isZero {
        var counting = try Counting(self)
        try counting.add(
          increase, to: account.user, since: account.lastCount(note), at: report.endedAt)
      }
      return increase
    }
  }

  /// The account a final report belongs to: by identity; else the one account without its hook yet
  /// that began in the same second under the same name, whose address changed meanwhile; else a new
  /// one.
  private func account(
    for report: FinalReport, in accounts: inout Accounts
  ) throws(SQLiteError) -> (Account, isNew: Bool)? {
    if report.endsAtOnce, let earlier = try retired(report) { return (earlier, false) }
    if let known = try accounts.account(of: report.identity) {
      if known.isSuccessor(of: report) {
        return try newAccount(for: report, as: retiredIdentity(of: report.identity))
      }
      if !known.endedBefore(report) { return (known, false) }
      try retire(known)
    }
    // Whose record of the door is still there, under this very address, has no account elsewhere.
    if report.doorAddress == report.identity.address {
      return try newAccount(for: report, as: report.identity)
    }
    let alike = try accountsWithoutHook(like: report.identity, named: report.commonName)
    if var moved = alike.first, alike.count == 1 {
      try move(moved.identity, to: report.identity.address)
      moved.identity = report.identity
      return (moved, false)
    }
    return try newAccount(for: report, as: report.identity)
  }

  /// An account for a session that has none; nil where nobody is billed for it.
  private func newAccount(
    for report: FinalReport, as identity: SessionIdentity
  ) throws(SQLiteError) -> (Account, isNew: Bool)? {
    guard let name = report.owner ?? report.claimedOwner,
      let user = try owner(
        named: name, since: report.identity.connectedSince, at: report.endedAt)
    else { return nil }
    try beginLifetime(of: user, at: report.identity.connectedSince)
    let account = Account(
      identity: identity, user: user, commonName: report.commonName, server: nil,
      realAddress: nil, counters: Traffic())
    return (account, true)
  }
}

extension Account {
  /// When its counters were seen last: it began then, or its server gave a whole listing.
  fileprivate func lastCount(_ note: SweepNote?) -> Int64 {
    let listed = server.flatMap { note?.listed[$0] ?? note?.at }
    return max(identity.connectedSince, listed ?? 0)
  }
}
