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
    var bench = try Bench(self, listed: listed, at: time)
    var violations: [Violation] = []
    for session in live {
      if let user = session.user {
        guard
          let (owner, reason) = try bench.judge(
            user, report.identity(of: report.sightings[session.sighting]))
        else { continue }
        violations.append(Violation(session: session, owner: owner, reason: reason))
      } else if case .refused(let reason) = decide(nil, at: time, by: rules) {
        let sighting = report.sightings[session.sighting]
        violations.append(
          Violation(
            session: session, owner: sighting.owner ?? sighting.commonName, reason: reason))
      }
    }
    return violations
  }

  /// Judges sessions by the ids of their users, each user once but for those who may have only so
  /// many at once.
  private struct Bench: ~Copyable {
    private let ledger: Ledger
    private let listed: [String: Int64]
    private let time: Int64
    private var find: Statement
    private var innocent: Set<Int64> = []

    init(_ ledger: Ledger, listed: [String: Int64], at time: Int64) throws(SQLiteError) {
      find = try ledger.database.prepare(
        "\(StandingRow.selection) users.id = ?1")
      self.ledger = ledger
      self.listed = listed
      self.time = time
    }

    /// - Returns: who it is and why the session has to go, nil for one that may stay.
    mutating func judge(
      _ user: Int64, _ session: @autoclosure () -> SessionIdentity
    ) throws(SQLiteError) -> (UserName, Reason)? {
      if innocent.contains(user) { return nil }
      find.bind(1, user)
      defer { find.reset() }
      guard try find.step() else { return nil }
      let name = StandingRow.name(find)
      if let former = FormerName(name) { return judgeStranger(called: former.name) }
      var standing = try ledger.standing(StandingRow(find), at: time)
      if standing.maxSessions > 0 {
        let sessions = try ledger.liveSessions(of: user, listed: listed, at: time)
        standing.sessionsBefore = Int64(sessions.firstIndex(of: session()) ?? 0)
      }
      if case .refused(let reason) = decide(standing, at: time, by: ledger.rules) {
        return (name, reason)
      }
      if standing.maxSessions == 0 { innocent.insert(user) }
      return nil
    }

    /// Who was removed is nobody the door would know.
    private func judgeStranger(called name: UserName) -> (UserName, Reason)? {
      guard case .refused(let reason) = decide(nil, at: time, by: ledger.rules) else { return nil }
      return (name, reason)
    }
  }
}
