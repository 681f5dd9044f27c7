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

/// A live session and what bears on whether it may stay.
package struct LiveSession: Equatable, Sendable {
  /// Its place in the report.
  package let sighting: Int
  /// Whose it is; by the row's word where that is a stranger who is not metered.
  package fileprivate(set) var owner: UserName
  /// What is known of its owner, as `Ledger.judge` fills it in; nil for a stranger who is not
  /// metered.
  package fileprivate(set) var standing: Standing?
  /// How often its server was told to disconnect it.
  package let kills: Int64
  /// When it was told so last, in seconds since 1970.
  package let killedAt: Int64?
  fileprivate let user: Int64?
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
    let open = try openAccounts(ofServer: report.server, boot: report.boot, pid: report.pid)
    let current = open.filter { $0.identity.boot == report.boot && $0.identity.pid == report.pid }
    let matching = Matching(report, accounts: current, admissions: admissions)
    var result = Reconciliation()
    result.spent = matching.spent
    var changes = try changes(report, matching, into: &result)
    changes += closings(report, unseen: matching.unseen, open: open)
    changes.sort { $0.user < $1.user }
    try apply(changes, of: report, into: &result)
    return result
  }

  /// Fills in what is known by now of the owners of live sessions. To be asked once all servers are
  /// reconciled: a user's sessions add up across servers.
  package func judge(_ live: inout [LiveSession]) throws(SQLiteError) {
    let standings = try standings(of: live.lazy.compactMap(\.user))
    for index in live.indices {
      guard let user = live[index].user, let known = standings[user] else { continue }
      live[index].owner = known.name
      live[index].standing = known.standing
    }
  }

  /// The sightings that the ledger does not have as they are, and the live sessions it does have.
  private func changes(
    _ report: ServerReport, _ matching: Matching, into result: inout Reconciliation
  ) throws(SQLiteError) -> [Change] {
    var changes: [Change] = []
    var users = try Owners(self)
    for (index, match) in matching.matches.enumerated() {
      let sighting = report.sightings[index]
      switch match {
      case .account(let account):
        if account.isUpToDate(with: sighting, on: report.server) {
          result.live.append(LiveSession(sighting: index, account: account))
        } else {
          changes.append(Change(user: account.user, .count(account.identity, sighting: index)))
        }
      case .unknown(let admission):
        let owner = admission?.owner ?? sighting.owner
        let user = try owner.flatMap { owner throws(SQLiteError) in try users.id(of: owner) }
        changes.append(
          Change(
            user: user ?? .max,
            .open(owner, admission?.commonName ?? sighting.commonName, sighting: index)))
      }
    }
    return changes
  }

  /// The accounts to close: those of an earlier process of the server in any case, those of this
  /// one if the listing is whole and was asked for after they began.
  private func closings(_ report: ServerReport, unseen: [Account], open: [Account]) -> [Change] {
    let former = open.lazy.filter { account in
      account.identity.boot != report.boot || account.identity.pid != report.pid
    }
    let gone = unseen.lazy.filter { account in
      report.isComplete && account.identity.connectedSince < report.at
    }
    return former.map { Change(user: $0.user, .close($0.identity, by: .restart)) }
      + gone.map { Change(user: $0.user, .close($0.identity, by: .listing)) }
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
    case count(SessionIdentity, sighting: Int)
    case open(UserName?, UserName, sighting: Int)
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

extension Account {
  /// Whether writing the sighting down would change nothing.
  fileprivate func isUpToDate(with sighting: Sighting, on server: String) -> Bool {
    identity.address == sighting.address && self.server == server
      && realAddress == sighting.realAddress
      && sighting.counters.increase(over: counters).isZero
  }
}

extension LiveSession {
  init(sighting: Int, account: Account) {
    self.init(
      sighting: sighting, owner: account.commonName, standing: nil, kills: account.kills,
      killedAt: account.killedAt, user: account.user)
  }

  init(sighting: Int, stranger: UserName) {
    self.init(
      sighting: sighting, owner: stranger, standing: nil, kills: 0, killedAt: nil, user: nil)
  }
}
