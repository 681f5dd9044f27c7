import Gate
import Quota
import SQLite
import System

/// What the ledger knows of a listed session.
package struct Ownership: Equatable, Sendable {
  /// The owner; nil where nobody can tell yet.
  package var owner: UserName?
  /// The session's counters as the ledger has them; nil where it is new.
  package var counted: Traffic?
  /// Seconds since 1970 in UTC.
  package var connectedSince: Int64
  /// The address inside the tunnel; empty for none.
  package var address: String
}

extension Sessions {
  /// What is known of the rows of reports: nil for those that are no sessions. Nothing is written.
  package func ownerships(
    of reports: [ServerReport], journal: borrowing Directory, at moment: JournalMoment
  ) throws -> [[Ownership?]] {
    var counted: [Int64: Traffic] = [:]
    var rows = try ledger.database.prepare(
      "SELECT session_id, bytes_received, bytes_sent FROM counters")
    while try rows.step() {
      counted[rows.integer(0)] = Traffic(received: rows.integer(1), sent: rows.integer(2))
    }
    let before = ledger.heard
    try ledger.database.execute("PRAGMA cache_spill = OFF; BEGIN IMMEDIATE")
    defer {
      try? ledger.database.execute("ROLLBACK")
      ledger.heard = before
    }
    let result = try ledger.reconcile(journal: journal, reports, at: moment)
    var names = try ledger.database.prepare("SELECT username FROM users WHERE id = ?1")
    var all: [[Ownership?]] = []
    for (report, listing) in zip(reports, result.listings) {
      var found = report.clients.enumerated().map { row, client -> Ownership? in
        guard client.isSession, let since = client.since else { return nil }
        return Ownership(
          owner: report.names(at: row).owner, connectedSince: since,
          address: client.endpoints.virtual.description)
      }
      for session in listing.live {
        let known = try session.session.flatMap { try openSession($0) }
        var ownership =
          found[session.row]
          ?? Ownership(connectedSince: known?.connectedSince ?? 0, address: known?.address ?? "")
        if let user = session.user {
          names.bind(1, user)
          if try names.step() { ownership.owner = UserName(bytes: names.bytes(0)) }
          names.reset()
        }
        ownership.counted = session.session.flatMap { counted[$0] }
        found[session.row] = ownership
      }
      all.append(found)
    }
    return all
  }

  /// A session by its number.
  private func openSession(_ id: Int64) throws(SQLiteError) -> OpenSession? {
    try ledger.database.first(
      "SELECT \(OpenSession.columns) FROM \(OpenSession.tables) WHERE sessions.id = ?1", id
    ) { OpenSession($0) }
  }

  /// The address of a listed session inside the tunnel; where there is none, that of the client.
  package func address(
    of session: ListedSession, in report: ServerReport
  ) throws(SQLiteError) -> String {
    let endpoints = report.clients[session.row].endpoints
    if !endpoints.virtual.isNone { return endpoints.virtual.description }
    let known = try session.session.flatMap { id throws(SQLiteError) in try openSession(id) }
    return known.map(\.address).flatMap { $0.isEmpty ? nil : $0 } ?? endpoints.real.description
  }

}
