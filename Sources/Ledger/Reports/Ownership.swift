import Quota
import SQLite

/// Whom a sighted session belongs to, and how far it was counted.
package struct Ownership: Equatable, Sendable {
  /// The owner; nil where nobody can tell yet.
  package var owner: UserName?
  /// The session's counters as the ledger has them; nil where it has no account yet.
  package var counted: Traffic?
}

extension Ledger {
  /// Whom the sessions of a report belong to, in its order. Nothing is written.
  ///
  /// - Parameter admissions: the connect hook's records, read after the report was made.
  package func ownerships(
    of report: ServerReport, admissions: [Admission]
  ) throws(SQLiteError) -> [Ownership] {
    var matching = Matching(report)
    var found = [Ownership](repeating: Ownership(), count: report.sightings.count)
    var accounts: [(place: Int, account: OpenAccount)] = []
    try forEachOpenAccount(of: report) { account in
      if let place = matching.sighting(of: account) { accounts.append((place, account)) }
    }
    let (moved, _, strangers) = matching.finish(admissions)
    accounts += moved.map { (place: $1, account: $0) }
    var names = try database.prepare("SELECT username FROM users WHERE id = ?1")
    for (place, account) in accounts {
      names.bind(1, account.user)
      if try names.step() { found[place].owner = UserName(bytes: names.bytes(0)) }
      names.reset()
      found[place].counted = account.counters
    }
    for stranger in strangers {
      let place = Int(stranger.sighting)
      found[place].owner =
        stranger.admission.map { admissions[Int($0)].owner } ?? report.sightings[place].owner
    }
    return found
  }

  /// The live sessions that are a user's, or a stranger's who is not metered, by his name; also those
  /// of who had the name when he was removed.
  package func sessions(
    of name: UserName, among live: [LiveSession], of report: ServerReport
  ) throws(SQLiteError) -> [LiveSession] {
    var rows = try database.prepare(
      "SELECT id, username FROM users WHERE username = ?1 OR (username >= ?2 AND username < ?3)")
    let bounds = FormerName.bounds(of: name)
    rows.bind(1, bytes: name.bytes)
    rows.bind(2, bytes: bounds.0.bytes)
    rows.bind(3, bytes: bounds.1.bytes)
    var users: Set<Int64> = []
    while try rows.step() {
      let isRenamed = FormerName(UserName(bytes: rows.bytes(1)))?.renamed != nil
      if !isRenamed { users.insert(rows.integer(0)) }
    }
    return live.filter { session in
      session.user.map(users.contains) ?? (report.sightings[session.sighting].owner == name)
    }
  }
}
