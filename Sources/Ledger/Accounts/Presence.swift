import Quota
import SQLite

/// A session that somebody may have now.
private struct Present {
  let identity: SessionIdentity
  /// The server's name; nil where nobody knows it yet.
  let server: String?
  /// When it was let in at the door; nil for one that has an account.
  let admittedAt: Int64?
}

extension Ledger {
  /// How many other sessions a user has when one is about to begin, from what the ledger and the
  /// spool know.
  ///
  /// Where they are so many that he would be kept out, those are left out first that may be over: a
  /// stale row must not lock anybody out. These are sessions that a hook closed in the spool, those
  /// of an earlier process of the same server, and those that nobody has seen for three sweeps.
  ///
  /// - Parameters:
  ///   - session: the one that is about to begin.
  ///   - server: the name of its server, where that is known.
  ///   - most: how many he may have at once.
  ///   - time: seconds since 1970 in UTC.
  package func sessionsBefore(
    _ session: SessionIdentity, on server: String?, of name: UserName, most: Int64, spool: Spool,
    at time: Int64
  ) throws(SQLiteError) -> Int64 {
    let accounts = try presentAccounts(of: name)
    let known = Set(accounts.map(\.identity))
    let admitted = spool.admissions(of: name).filter { !known.contains($0.admission.identity) }
      .map {
        Present(identity: $0.admission.identity, server: $0.admission.server, admittedAt: $0.at)
      }
    let all = (accounts + admitted).filter {
      $0.identity != session && $0.identity.boot == session.boot
    }
    if all.count < most { return Int64(all.count) }
    let server = try self.server(ofProcess: session) ?? server
    let listed = spool.sweepNote?.listed ?? [:]
    let left = all.filter { present in
      !(present.server == server && server != nil && present.identity.pid != session.pid)
        && isRecent(present, listed, at: time) && !spool.hasClosed(present.identity)
    }
    return Int64(left.count)
  }

  /// The sessions of a user that are live, the oldest first, but for those that nobody has seen for
  /// three sweeps.
  ///
  /// - Parameter listed: when each server last gave a whole listing.
  func liveSessions(
    of user: Int64, listed: [String: Int64], at time: Int64
  ) throws(SQLiteError) -> [SessionIdentity] {
    var statement = try database.prepare("\(Ledger.presence) user_id = ?1 \(Ledger.seniority)")
    statement.bind(1, user)
    return try statement.present().filter { isRecent($0, listed, at: time) }.map(\.identity)
  }

  private func presentAccounts(of name: UserName) throws(SQLiteError) -> [Present] {
    var statement = try database.prepare(
      "\(Ledger.presence) user_id = (SELECT id FROM users WHERE username = ?1)")
    statement.bind(1, bytes: name.bytes)
    return try statement.present()
  }

  private static let presence =
    """
    SELECT boot, pid, connected_since, address, server FROM sessions INDEXED BY open_sessions
    WHERE closed_at IS NULL AND
    """
  private static let seniority = "ORDER BY connected_since, server, address"

  /// The name of the server that runs as this process, where a sweep has seen it.
  private func server(ofProcess session: SessionIdentity) throws(SQLiteError) -> String? {
    var statement = try database.prepare(
      """
      SELECT server FROM sessions WHERE boot = ?1 AND pid = ?2 AND server IS NOT NULL LIMIT 1
      """)
    statement.bind(1, session.boot)
    statement.bind(2, session.pid)
    return try statement.step() ? statement.text(0) : nil
  }

  /// Whether somebody has seen a session not longer than three sweeps ago: its server listed it, or
  /// the door let it in.
  private func isRecent(_ present: Present, _ listed: [String: Int64], at time: Int64) -> Bool {
    let seen = present.admittedAt ?? present.server.flatMap { listed[$0] }
    return seen.map { abs(time - $0) <= rules.patience } ?? false
  }
}

extension Statement {
  fileprivate mutating func present() throws(SQLiteError) -> [Present] {
    var all: [Present] = []
    while try step() {
      let identity = SessionIdentity(
        boot: integer(0), pid: integer(1), connectedSince: integer(2), address: text(3))
      all.append(Present(identity: identity, server: isNull(4) ? nil : text(4), admittedAt: nil))
    }
    return all
  }
}
