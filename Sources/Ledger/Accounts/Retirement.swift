import Quota
import SQLite

// A client that leaves and is back within the second gets the same address again as a rule, and so
// what identifies its session is what identified the one before. That one was closed by its hook
// within that very second; its account makes room by taking an address that no session has, the
// old one with `#` and a number behind it.

extension Account {
  /// Whether the account was closed by its hook so soon that another session with the same identity
  /// can follow; not where it ended before it began, by a clock that was set back.
  private var mayHaveSuccessor: Bool {
    guard let closing, closing.by == .hook else { return false }
    return (0...1).contains(closing.at - identity.connectedSince)
  }

  /// Whether a final report is of a later session than this account's. The hook of a session runs
  /// once, so another end is the end of another one; the same end told again is the same.
  func endedBefore(_ report: FinalReport) -> Bool {
    mayHaveSuccessor && !isClosed(by: report)
  }

  /// Whether a final report is of an earlier session than this account's: it waited in the spool while
  /// the client was back from another port, left again and was closed by its own hook.
  func isSuccessor(of report: FinalReport) -> Bool {
    guard report.endsAtOnce, let closing, closing.by == .hook, closing.at > report.endedAt,
      let realAddress, let address = report.clientAddress
    else { return false }
    return realAddress != address
  }

  /// Whether a sighting is of a later session than this account's: a server forgets a session in the
  /// moment its hook has run, and a client that is back comes from another port.
  func endedBefore(_ sighting: Sighting, in report: ServerReport) -> Bool {
    guard let closing, mayHaveSuccessor else { return false }
    return report.at > closing.at || isElsewhere(sighting)
  }

  /// Whether this final report is the one that closed the account.
  fileprivate func isClosed(by report: FinalReport) -> Bool {
    if let realAddress, let address = report.clientAddress, realAddress != address { return false }
    // Counters of a listing that came late may have raised the account above the report's since.
    return closing?.at == report.endedAt
      && (report.counters ?? Traffic()).increase(over: counters).isZero
  }

  /// Whether a sighting shows the client at another IPv4 address or port than the account has it at
  /// its end. OpenVPN 2.7 puts the transport before the address; IPv6 has no port up to 2.6.
  private func isElsewhere(_ sighting: Sighting) -> Bool {
    guard let realAddress, !realAddress.hasPrefix("[") else { return false }
    return !sighting.realAddress.hasSuffix(realAddress)
  }
}

extension FinalReport {
  /// Whether the session was over within the second, or the next, and may have had a successor.
  var endsAtOnce: Bool { (0...1).contains(endedAt - identity.connectedSince) }
}

extension Ledger {
  /// Makes room for the next session with the same identity.
  func retire(_ account: Account) throws(SQLiteError) {
    try move(account.identity, to: retiredIdentity(of: account.identity).address)
  }

  /// The identity of the next account that makes room for a successor, or would have.
  func retiredIdentity(of session: SessionIdentity) throws(SQLiteError) -> SessionIdentity {
    let number = try retiredAccounts(of: session).count + 1
    return session.moved(to: "\(session.address)#\(number)")
  }

  /// The account that this final report closed, if it has made room for a successor since: what is
  /// told again of it must not end the successor.
  func retired(_ report: FinalReport) throws(SQLiteError) -> Account? {
    try retiredAccounts(of: report.identity).first { $0.isClosed(by: report) }
  }

  private func retiredAccounts(of session: SessionIdentity) throws(SQLiteError) -> [Account] {
    var statement = try database.prepare(
      """
      SELECT \(Account.columns) FROM sessions WHERE boot = ?1 AND pid = ?2
        AND connected_since = ?3 AND address > ?4 || '#' AND address < ?4 || '$'
      """)
    statement.bind(1, session.boot)
    statement.bind(2, session.pid)
    statement.bind(3, session.connectedSince)
    statement.bind(4, session.address)
    return try statement.accounts()
  }
}
