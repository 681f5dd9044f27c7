import Quota
import SQLite

/// What bringing the ledger up to date with one server's report came to.
package struct Reconciliation: Equatable, Sendable {
  /// Bytes that were new.
  package var added = Traffic()
  /// Accounts opened, or opened again.
  package var opened = 0
  /// Accounts closed because the report lacks them or the server was restarted.
  package var closed = 0
  /// The sessions that may be judged: all but those whose owner nobody can tell yet.
  package var live: [LiveSession] = []
  /// The admissions whose sessions have an account now.
  package var spent: [Admission] = []
}

/// A live session that has an owner, or would have one if strangers were metered.
///
/// There may be a hundred thousand, so it is kept small.
package struct LiveSession: Equatable, Sendable {
  /// Its place in the report.
  package let sighting: Int
  /// The owner's id; nil for a stranger who is not metered.
  let user: Int64?
  /// How often its server was told to disconnect it.
  package let kills: Int64
  /// When it was told so last, in seconds since 1970.
  package let killedAt: Int64?
}

extension Ledger {
  /// The most sessions that one transaction writes, so that a hook waits milliseconds for it.
  static let sessionsInTransaction = 1000

  /// Brings the ledger up to date with what a server said of its live sessions. The same report
  /// again changes nothing.
  ///
  /// - Parameter admissions: the connect hook's records, read after the report was made.
  package func reconcile(
    _ report: ServerReport, admissions: [Admission]
  ) throws(SQLiteError) -> Reconciliation {
    var result = Reconciliation()
    try apply(try changes(report, admissions, into: &result), of: report, into: &result)
    return result
  }

  /// What has to be written, sorted by user. What is known of the open accounts is let go of before
  /// the first of it is written.
  private func changes(
    _ report: ServerReport, _ admissions: [Admission], into result: inout Reconciliation
  ) throws(SQLiteError) -> [Change] {
    let accounts = try OpenAccounts(of: report, in: self)
    let matching = Matching(report, accounts: accounts.current, admissions: admissions)
    var owners = try Owners(self)
    var changes = closings(report, matching.unseen, accounts)
    for (index, match) in matching.matches.enumerated() {
      let sighting = report.sightings[index]
      switch match {
      case .account(let place):
        let account = accounts.current[place]
        if account.isUpToDate(with: sighting) {
          result.live.append(
            LiveSession(
              sighting: index, user: account.user, kills: account.kills,
              killedAt: account.killedAt))
        } else {
          changes.append(
            Change(user: account.user, .count(address: account.address, sighting: index)))
        }
      case .stranger(let place):
        let admission = place.map { admissions[$0] }
        if let admission { result.spent.append(admission) }
        let owner = admission?.owner ?? sighting.owner
        let user = try owner.flatMap { owner throws(SQLiteError) in try owners.id(of: owner) }
        changes.append(Change(user: user ?? .max, .open(admission, sighting: index)))
      }
    }
    changes.sort { $0.user < $1.user }
    return changes
  }

  /// The accounts to close: those of an earlier process of the server in any case, those of this
  /// one if the listing is whole and was asked for after they began.
  private func closings(
    _ report: ServerReport, _ unseen: [Int], _ accounts: OpenAccounts
  ) -> [Change] {
    var changes = accounts.former.map { account in
      Change(user: account.user, .close(account.identity, by: .restart))
    }
    guard report.isComplete else { return changes }
    for account in unseen.lazy.map({ accounts.current[$0] })
    where account.connectedSince < report.at {
      let identity = SessionIdentity(
        boot: report.boot, pid: report.pid, connectedSince: account.connectedSince,
        address: account.address)
      changes.append(Change(user: account.user, .close(identity, by: .listing)))
    }
    return changes
  }

  /// Applies changes that are sorted by user, in transactions of limited size.
  private func apply(
    _ changes: [Change], of report: ServerReport, into result: inout Reconciliation
  ) throws(SQLiteError) {
    var rest = changes[...]
    while !rest.isEmpty {
      let some = rest.prefix(upToUserBoundaryWithin: Ledger.sessionsInTransaction)
      try database.transaction { () throws(SQLiteError) in
        var writer = try ReportWriter(self, report)
        for change in some { try writer.apply(change, into: &result) }
        try writer.finish()
      }
      rest = rest[some.endIndex...]
    }
  }
}

/// One thing to write, for one user.
struct Change {
  /// The user's id; the largest number for somebody who has none yet.
  let user: Int64
  let kind: Kind

  enum Kind {
    /// Raise the open account that has this address to a sighting.
    case count(address: String, sighting: Int)
    /// Open an account, for the one who was let in at the door where that is known.
    indirect case open(Admission?, sighting: Int)
    /// Close an account.
    case close(SessionIdentity, by: Closer)
  }

  init(user: Int64, _ kind: Kind) {
    self.user = user
    self.kind = kind
  }
}

extension ArraySlice<Change> {
  /// As many changes from the start as fit into a size, a user's changes together: one user alone
  /// is divided only if all of it would not fit.
  fileprivate func prefix(upToUserBoundaryWithin size: Int) -> ArraySlice {
    if count <= size { return self }
    var end = startIndex + size
    while end > startIndex, self[end].user == self[end - 1].user { end -= 1 }
    return self[..<(end > startIndex ? end : startIndex + size)]
  }
}
