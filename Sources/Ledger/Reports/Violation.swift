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
  /// Decides on live sessions, by the same rule as the connect hook.
  ///
  /// To be asked once all servers are reconciled: a user's sessions add up across servers.
  ///
  /// - Parameter report: the report the sessions are in.
  /// - Returns: those that have to go, in the order of the report.
  package func violations(
    among live: [LiveSession], of report: ServerReport
  ) throws(SQLiteError) -> [Violation] {
    var bench = try Bench(self)
    var violations: [Violation] = []
    for session in live {
      if let user = session.user {
        guard let (owner, reason) = try bench.judge(user) else { continue }
        violations.append(Violation(session: session, owner: owner, reason: reason))
      } else if case .refused(let reason) = decide(nil, by: rules) {
        let sighting = report.sightings[session.sighting]
        violations.append(
          Violation(
            session: session, owner: sighting.owner ?? sighting.commonName, reason: reason))
      }
    }
    return violations
  }

  /// Judges users by their ids, each once.
  private struct Bench: ~Copyable {
    private var find: Statement
    private let rules: Rules
    private var innocent: Set<Int64> = []

    init(_ ledger: Ledger) throws(SQLiteError) {
      rules = ledger.rules
      find = try ledger.database.prepare(
        """
        SELECT status, quota_bytes, bytes_received, bytes_sent, username
        FROM users LEFT JOIN user_quotas ON user_quotas.user_id = users.id
          LEFT JOIN period_usage ON period_usage.user_id = users.id AND period_start = 0
        WHERE users.id = ?1
        """)
    }

    /// - Returns: who it is and why he has to go, nil for one who may stay.
    mutating func judge(_ user: Int64) throws(SQLiteError) -> (UserName, Reason)? {
      if innocent.contains(user) { return nil }
      find.bind(1, user)
      defer { find.reset() }
      guard try find.step() else { return nil }
      let name = UserName(bytes: find.bytes(4))
      let former = FormerName(name)
      // Who was removed is nobody the door would know.
      let standing = former == nil ? Standing(row: find) : nil
      if case .refused(let reason) = decide(standing, by: rules) {
        return (former?.name ?? name, reason)
      }
      innocent.insert(user)
      return nil
    }
  }
}
