import Quota
import SQLite

/// A live session that may not stay.
package struct Violation: Equatable, Sendable {
  package let session: LiveSession
  /// Whose it is.
  package let owner: UserName
  /// Why it has to go.
  package let reason: Reason
}

extension Ledger {
  /// Decides on live sessions, by the same rule as the connect hook. Of a user who has too many at
  /// once the newest go.
  ///
  /// To be asked once all servers are reconciled: a user's sessions add up across servers.
  ///
  /// - Parameters:
  ///   - report: the report the sessions are in.
  ///   - listed: when each server last gave a whole listing.
  ///   - time: seconds since 1970 in UTC.
  /// - Returns: those that have to go, in the order of the report.
  package func violations(
    among live: [LiveSession], of report: ServerReport, listed: [String: Int64], at time: Int64
  ) throws(SQLiteError) -> [Violation] {
    let suspects = try suspects(among: live.compactMap(\.user).sorted(), at: time)
    var violations: [Violation] = []
    for session in live {
      if let user = session.user {
        guard let suspect = suspects[user],
          let reason = try judge(
            suspect, report.identity(of: report.sightings[session.sighting]), listed: listed,
            at: time)
        else { continue }
        violations.append(Violation(session: session, owner: suspect.name, reason: reason))
      } else if case .refused(let reason) = decide(nil, at: time, by: rules) {
        let sighting = report.sightings[session.sighting]
        violations.append(
          Violation(
            session: session, owner: sighting.owner ?? sighting.commonName, reason: reason))
      }
    }
    return violations
  }

  /// Somebody who may not have another session, and perhaps not all that he has.
  private struct Suspect {
    let user: Int64
    let name: UserName
    /// What the ledger knows of him; nil for who was removed, whom the door would not know.
    var standing: Standing?
  }

  /// Those users whom the rule would refuse another session, by their ids.
  ///
  /// - Parameter users: ids in ascending order. Nearly all of them may stay.
  private func suspects(
    among users: [Int64], at time: Int64
  ) throws(SQLiteError) -> [Int64: Suspect] {
    var rows = try StandingRows(self)
    var suspects: [Int64: Suspect] = [:]
    try rows.forEach(of: users) { row, columns throws(SQLiteError) in
      var standing = try standing(row, at: time)
      standing.sessionsBefore = .max
      if decide(standing, at: time, by: rules) == .allowed { return }
      let name = StandingRow.name(columns)
      let former = FormerName(name)
      suspects[row.user] = Suspect(
        user: row.user, name: former?.name ?? name, standing: former == nil ? standing : nil)
    }
    return suspects
  }

  /// - Parameter listed: when each server last gave a whole listing.
  /// - Returns: why a session of his has to go, nil for one that may stay.
  private func judge(
    _ suspect: Suspect, _ session: SessionIdentity, listed: [String: Int64], at time: Int64
  ) throws(SQLiteError) -> Reason? {
    var standing = suspect.standing
    if let most = standing?.maxSessions, most > 0 {
      let sessions = try liveSessions(of: suspect.user, listed: listed, at: time)
      standing?.sessionsBefore = Int64(sessions.firstIndex(of: session) ?? 0)
    }
    if case .refused(let reason) = decide(standing, at: time, by: rules) { return reason }
    return nil
  }
}
