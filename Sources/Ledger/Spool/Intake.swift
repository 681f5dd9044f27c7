import System
import SQLite

/// What taking in the spool came to.
package struct Intake: Equatable, Sendable {
  /// Sessions closed by the records of their disconnect hooks.
  package var closed = 0
  /// Bytes that were new.
  package var added: Int64 = 0
  /// What could not be read or removed; the work went on.
  package var problems: [String] = []
}

extension Ledger {
  /// Takes what the hooks left in the spool into the ledger, and removes each record once it is
  /// durable there. Doing it again changes nothing.
  ///
  /// Who was let in stays in the spool until the session has an account: see `release`.
  ///
  /// - Parameter time: seconds since 1970 in UTC.
  package func takeIn(
    _ contents: SpoolContents, of spool: Spool, at time: Int64
  ) throws(SQLiteError) -> Intake {
    var intake = Intake()
    for name in contents.damaged {
      intake.problems.append("\(spool.path)/\(name) is no whole record and is set aside")
      attempt(&intake) { () throws(SystemError) in try spool.setAside(name) }
    }
    try close(contents.reports, of: spool, lastSwept: spool.sweepNote, &intake)
    try count(contents, of: spool, at: time, &intake)
    return intake
  }

  private func close(
    _ reports: [(report: FinalReport, file: String)], of spool: Spool,
    lastSwept note: SweepNote?, _ intake: inout Intake
  ) throws(SQLiteError) {
    // A session's successor with the same identity ended after it.
    var rest = reports.sorted { $0.report.endedAt < $1.report.endedAt }[...]
    while !rest.isEmpty {
      let some = rest.prefix(Ledger.sessionsInTransaction)
      try database.transaction { () throws(SQLiteError) in
        for (report, _) in some {
          if let added = try close(report, lastSwept: note) {
            intake.closed += 1
            intake.added += added.total
          }
        }
      }
      for (_, file) in some {
        attempt(&intake) { () throws(SystemError) in try spool.removeFile(file) }
      }
      rest = rest.dropFirst(some.count)
    }
  }

  /// Counts refusals. A record of one is left alone for a minute, as the disconnect hook of the
  /// refused client, which OpenVPN 2.6 runs at once, still needs it.
  private func count(
    _ contents: SpoolContents, of spool: Spool, at time: Int64, _ intake: inout Intake
  ) throws(SQLiteError) {
    for refusal in contents.refusals where !(0...60).contains(time - refusal.at) {
      attempt(&intake) { () throws(SystemError) in try spool.fold(refusal) }
    }
    if contents.tallies.isEmpty { return }
    try database.transaction { () throws(SQLiteError) in
      for tally in contents.tallies {
        try record(tally.event)
        try notice(.refused, tally.reason, of: tally.user, at: tally.since)
      }
    }
    for tally in contents.tallies where tally.isOver(at: time) {
      attempt(&intake) { () throws(SystemError) in try spool.remove(tally) }
    }
  }

  /// Removes the records of those let in whose sessions the ledger knows by now, or that can be no
  /// sessions any more.
  ///
  /// - Parameter reports: what the servers that answered said.
  package func release(
    _ contents: SpoolContents, spent: [Admission], reports: [ServerReport], of spool: Spool,
    at time: Int64
  ) throws(SQLiteError) -> Intake {
    var intake = Intake()
    var accounts = try Accounts(database)
    for (admission, admittedAt) in contents.admissions {
      // Let in before the account was closed; what was let in in that second may be the next
      // session with the same identity.
      let account = try accounts.account(of: admission.identity)
      let isClosed = account?.closing.map { $0.by == .hook && admittedAt < $0.at } ?? false
      guard
        isClosed || spent.contains(admission)
          || reports.contains(where: { $0.rulesOut(admission, admittedAt: admittedAt) })
      else { continue }
      attempt(&intake) { () throws(SystemError) in
        try spool.remove(.admitted(admission, at: admittedAt))
      }
    }
    return intake
  }

  private func attempt(_ intake: inout Intake, _ body: () throws(SystemError) -> Void) {
    do { try body() } catch { intake.problems.append(error.description) }
  }
}

extension ServerReport {
  /// Seconds that a client let in may take to show up in a listing: other handlers of the server
  /// may hold it at the door for a while.
  private static let arrival: Int64 = 300

  /// Whether a client that was let in cannot be a session of this server any more: it is of another
  /// boot, or it had time to show up and is in no row of a whole listing.
  func rulesOut(_ admission: Admission, admittedAt: Int64) -> Bool {
    if admission.identity.boot != boot { return true }
    return isComplete && admission.identity.pid == pid && at - admittedAt > ServerReport.arrival
      && !sightings.contains { $0.connectedSince == admission.identity.connectedSince }
  }
}
