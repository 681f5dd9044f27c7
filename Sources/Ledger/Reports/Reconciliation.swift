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
  /// The admissions whose sessions have an account now. That of somebody who is not metered never
  /// has one, and goes on telling who he is.
  package var spent: [Admission] = []
}

/// A live session that has an owner, or would have one if strangers were metered.
///
/// There may be a hundred thousand, so it is kept small.
package struct LiveSession: Equatable, Sendable {
  /// Its place in the report.
  private let place: Int32
  private let killCount: Int32
  // 0 where there is none: an optional would take twice the room.
  private let userOrNone: Int64
  private let killedAtOrNone: Int64

  init(sighting: Int, user: Int64?, kills: Int64, killedAt: Int64?) {
    place = Int32(truncatingIfNeeded: sighting)
    killCount = Int32(clamping: kills)
    userOrNone = user ?? 0
    killedAtOrNone = killedAt ?? 0
  }

  /// Its place in the report.
  package var sighting: Int { Int(place) }
  /// How often its server was told to disconnect it.
  package var kills: Int64 { Int64(killCount) }
  /// When it was told so last, in seconds since 1970.
  package var killedAt: Int64? { killedAtOrNone == 0 ? nil : killedAtOrNone }
  /// The owner's id; nil for a stranger who is not metered.
  var user: Int64? { userOrNone == 0 ? nil : userOrNone }
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
    try Ledger.makeRoom(forSessions: report.sightings.count, in: database)
    var result = Reconciliation()
    let changes = try changes(report, admissions, into: &result)
    try apply(changes, of: report, admissions, into: &result)
    return result
  }

  /// What has to be written, sorted by user.
  private func changes(
    _ report: ServerReport, _ admissions: [Admission], into result: inout Reconciliation
  ) throws(SQLiteError) -> [Change] {
    var changes: [Change] = []
    var live: [LiveSession] = []
    changes.reserveCapacity(report.sightings.count)
    live.reserveCapacity(report.sightings.count)
    var matching = Matching(report)
    try forEachOpenAccount(of: report) { account in
      guard let sighting = matching.sighting(of: account) else { return }
      if account.isUpToDate(with: report.sightings[sighting]) {
        live.append(LiveSession(account, sighting: sighting))
      } else {
        changes.append(Change(counting: account, as: LiveSession(account, sighting: sighting)))
      }
    }
    let (moved, unseen, strangers) = matching.finish(admissions)
    changes += moved.map { Change(moving: $0, sighting: $1) }
    changes += unseen.compactMap { report.closing(of: $0) }
    var owners = try Owners(self)
    for stranger in strangers {
      changes.append(try opening(stranger, report, admissions, &owners))
    }
    changes.sort { $0.user < $1.user }
    result.live = live
    return changes
  }

  /// The account to open for a sighting, with the id of its owner where he is known.
  private func opening(
    _ stranger: Matching.Stranger, _ report: ServerReport, _ admissions: [Admission],
    _ owners: inout Owners
  ) throws(SQLiteError) -> Change {
    let owner =
      stranger.admission.map { admissions[Int($0)].owner }
      ?? report.sightings[Int(stranger.sighting)].owner
    let user = try owner.flatMap { owner throws(SQLiteError) in try owners.id(of: owner) }
    return Change(
      user: user ?? .max, .open(sighting: stranger.sighting, admission: stranger.admission))
  }

  /// Applies changes that are sorted by user, in transactions of limited size.
  private func apply(
    _ changes: [Change], of report: ServerReport, _ admissions: [Admission],
    into result: inout Reconciliation
  ) throws(SQLiteError) {
    if changes.isEmpty { return }
    var writer = try ReportWriter(self, report, admissions)
    var rest = changes[...]
    while !rest.isEmpty {
      let some = rest.prefix(upToUserBoundaryWithin: Ledger.sessionsInTransaction)
      try database.transaction { () throws(SQLiteError) in
        try writer.apply(some, into: &result)
      }
      try checkpoint(beyond: Ledger.longestLog)
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
    /// Raise the open account of a session, which had these counters, to its sighting.
    case count(LiveSession, counted: Traffic)
    /// Raise the open account that has this address to a sighting that has another.
    indirect case move(address: String, sighting: Int32)
    /// Open an account, for the one who was let in at the door where there is an admission.
    case open(sighting: Int32, admission: Int32?)
    /// Close an account.
    indirect case close(SessionIdentity, by: Closer)
  }

  init(user: Int64, _ kind: Kind) {
    self.user = user
    self.kind = kind
  }

  init(counting account: OpenAccount, as session: LiveSession) {
    self.init(user: account.user, .count(session, counted: account.counters))
  }

  init(moving account: OpenAccount, sighting: Int) {
    self.init(
      user: account.user,
      .move(address: account.identity.address, sighting: Int32(truncatingIfNeeded: sighting)))
  }
}

extension ServerReport {
  /// How an account is closed that nobody was sighted for, nil if it stays open: one of an earlier
  /// process is closed in any case, one of this process if the listing is whole and was asked for
  /// after the session began.
  fileprivate func closing(of account: OpenAccount) -> Change? {
    if !isOfSameProcess(account.identity) {
      return Change(user: account.user, .close(account.identity, by: .restart))
    }
    guard isComplete, account.identity.connectedSince < at else { return nil }
    return Change(user: account.user, .close(account.identity, by: .listing))
  }
}

extension LiveSession {
  fileprivate init(_ account: OpenAccount, sighting: Int) {
    self.init(
      sighting: sighting, user: account.user, kills: account.kills, killedAt: account.killedAt)
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
