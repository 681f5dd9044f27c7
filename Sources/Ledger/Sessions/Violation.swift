import Gate
import Quota
import SQLite

/// A live session that may not stay.
package struct Violation: Equatable, Sendable {
  package let session: ListedSession
  /// Whose it is.
  package let owner: UserName
  /// Why it has to go.
  package let reason: Reason
}

extension Sessions {
  /// Decides on live sessions, by the same rule as the connect hook. Of a user who has too many at
  /// once the newest go.
  ///
  /// To be asked once all servers are reconciled: a user's sessions add up across servers.
  ///
  /// - Parameters:
  ///   - report: the report the sessions are in.
  ///   - time: seconds since 1970 in UTC.
  /// - Returns: those that have to go, in the order of `live`.
  package func violations(
    among live: [ListedSession], of report: ServerReport, at time: Int64
  ) throws(SQLiteError) -> [Violation] {
    let users = try ledger.allowed.others(live.compactMap(\.user), at: time, in: ledger.database)
      .sorted()
    let suspects = try suspects(among: users, at: time)
    let listed = suspects.isEmpty ? [:] : try ledger.lastListings()
    var violations: [Violation] = []
    for session in live {
      if let user = session.user {
        guard let suspect = suspects[user],
          let reason = try judge(suspect, session, listed, at: time)
        else { continue }
        violations.append(Violation(session: session, owner: suspect.name, reason: reason))
      } else if case .refused(let reason) = decide(nil, at: time, by: ledger.rules) {
        let names = report.names(at: session.row)
        violations.append(
          Violation(session: session, owner: names.owner ?? names.commonName, reason: reason))
      }
    }
    return violations
  }

  /// A user who may not have another session, and perhaps not all that they have.
  private struct Suspect {
    let user: Int64
    let name: UserName
    /// What the ledger knows of them; nil for a removed user, whom the hook would not know.
    var entitlement: Entitlement?
  }

  /// Those users whom the rule would refuse another session, by their ids.
  ///
  /// - Parameter users: ids in ascending order. Nearly all of them may stay.
  private func suspects(
    among users: [Int64], at time: Int64
  ) throws(SQLiteError) -> [Int64: Suspect] {
    var rows = try EntitlementRows(ledger)
    var suspects: [Int64: Suspect] = [:]
    try rows.forEach(of: users) { row, columns throws(SQLiteError) in
      var entitlement = try ledger.periods.entitlement(row, at: time)
      entitlement.sessionsBefore = .max
      if decide(entitlement, at: time, by: ledger.rules).isAllowed { return }
      let name = EntitlementRow.name(columns)
      let former = FormerName(name)
      suspects[row.user] = Suspect(
        user: row.user, name: former?.name ?? name, entitlement: former == nil ? entitlement : nil)
    }
    return suspects
  }

  /// - Parameter listed: when each server last gave a whole listing.
  /// - Returns: why a session of the user's has to go, nil for one that may stay.
  private func judge(
    _ suspect: Suspect, _ session: ListedSession, _ listed: [String: Int64], at time: Int64
  ) throws(SQLiteError) -> Reason? {
    var entitlement = suspect.entitlement
    // Each host counts its own sessions: two that see too many at once would both disconnect.
    entitlement?.sessionsElsewhere = 0
    if let most = entitlement?.maxSessions, most > 0 {
      let sessions = try recentSessions(of: suspect.user, listed, at: time)
      entitlement?.sessionsBefore = Int64(
        sessions.firstIndex { $0 == session.session } ?? 0)
    }
    if case .refused(let reason) = decide(entitlement, at: time, by: ledger.rules) { return reason }
    return nil
  }

  /// The sessions of a user that are live, the oldest first, but for those that nobody has seen for
  /// three sweeps: their server listed them, or the connect hook let them in.
  private func recentSessions(
    of user: Int64, _ listed: [String: Int64], at time: Int64
  ) throws(SQLiteError) -> [Int64] {
    var rows = try ledger.database.prepare(
      """
      SELECT sessions.id, \(OpenSession.server), opened_at FROM \(OpenSession.tables)
      WHERE user_id = ?1 AND ended_at IS NULL AND reason IS NULL
      ORDER BY connected_since, sessions.id
      """)
    rows.bind(1, user)
    var recent: [Int64] = []
    while try rows.step() {
      let seen = max(listed[rows.text(1)] ?? .min, rows.integer(2))
      if seen > time - ledger.rules.patience { recent.append(rows.integer(0)) }
    }
    return recent
  }

  /// The live sessions that are a user's, or a stranger's who is not metered, by the name; also those
  /// of a user who had the name when they were removed.
  package func live(
    of name: UserName, among live: [ListedSession], of report: ServerReport
  ) throws(SQLiteError) -> [ListedSession] {
    let removed = try ledger.users.formers(named: name).filter { $0.name.renamed == nil }.map(\.row)
    let owners = Set(removed + [try ledger.users.id(of: name)].compactMap(\.self))
    let stranger = ledger.users.key(of: name)
    return live.filter { session in
      session.user.map(owners.contains) ?? (report.names(at: session.row).owner == stranger)
    }
  }

  /// Notes that servers were told to disconnect sessions, so that the next sweep knows when that
  /// was and how often it was tried.
  ///
  /// - Parameters:
  ///   - kills: the sessions, nil where the ledger has none, and why each had to go.
  ///   - time: seconds since 1970 in UTC.
  package func recordKills(
    _ kills: [(session: Int64?, owner: UserName, reason: Reason)], at time: Int64
  ) throws(SQLiteError) {
    if kills.isEmpty { return }
    try ledger.database.transaction { () throws(SQLiteError) in
      var note = try ledger.database.prepare(
        "UPDATE sessions SET kills = kills + 1, killed_at = ?2 WHERE id = ?1")
      for kill in kills {
        note.bind(1, kill.session)
        note.bind(2, time)
        try note.run()
        try ledger.events.record(
          Event(at: time, user: kill.owner, kind: .killed, detail: kill.reason.rawValue))
        try ledger.notices.note(.killed, kill.reason, of: kill.owner, at: time)
      }
    }
  }
}

/// The users whom the rule would let have one session more, as was seen when they were counted.
final class AllowedUsers {
  /// Who was let in, in the order in which they were noted, or sorted.
  private var users: [Int64] = []
  private var areSorted = true
  /// Those of them of whom something else was noted later.
  private var refused: Set<Int64> = []
  /// The second from which on it may be otherwise for one of them.
  private var until = Int64.max
  /// What tells whether their rows have been changed since.
  private var state: [Int64] = []

  private static func state(_ database: borrowing Connection) throws(SQLiteError) -> [Int64] {
    [
      try database.integer("PRAGMA data_version"),
      Int64(database.watch.changes(in: ["users", "user_quotas", "plans"])),
    ]
  }

  /// Runs a body that notes users.
  func noting(
    in database: borrowing Connection, _ body: () throws(SQLiteError) -> Void
  ) throws(SQLiteError) {
    if try AllowedUsers.state(database) != state { forget() }
    try body()
    state = try AllowedUsers.state(database)
  }

  /// Notes how a user stands who was counted.
  func note(_ row: EntitlementRow, at time: Int64, by rules: Rules) {
    var entitlement = row.entitlement
    entitlement.sessionsBefore = .max
    guard decide(entitlement, at: time, by: rules).isAllowed else {
      refused.insert(row.user)
      return
    }
    if !refused.isEmpty { refused.remove(row.user) }
    if let last = users.last, last >= row.user { areSorted = false }
    users.append(row.user)
    until = min(until, entitlement.span.end)
    if let end = entitlement.expiresAt, !entitlement.isExempt { until = min(until, end) }
  }

  /// Those of some users who are not known to be allowed.
  func others(
    _ some: [Int64], at time: Int64, in database: borrowing Connection
  ) throws(SQLiteError) -> [Int64] {
    if users.isEmpty { return some }
    let present = try AllowedUsers.state(database)
    if time >= until || present != state { forget() }
    if !areSorted {
      users.sort()
      areSorted = true
    }
    return some.filter { refused.contains($0) || !isNoted($0) }
  }

  private func isNoted(_ user: Int64) -> Bool {
    let place = users.lowerBound(of: user) { $0 }
    return place < users.count && users[place] == user
  }

  private func forget() {
    users.removeAll(keepingCapacity: true)
    refused.removeAll()
    (areSorted, until) = (true, .max)
  }
}
