import Gate
import Quota
import SQLite
import System

/// What bringing the ledger up to date came to.
package struct Reconciliation: Sendable {
  /// Bytes that were new.
  package var added = Traffic()
  /// Sessions opened, or opened again.
  package var opened = 0
  /// Sessions that ended.
  package var closed = 0
  /// What came of each report, in their order.
  package var listings: [ListingResult] = []
  /// What could not be read or counted; the work went on.
  package var problems: [String] = []
  /// Runs of refusals that are due for a line in the log.
  package var refusals: [RefusalRun] = []
  /// Whom their quota slows down from now on.
  package var slowed: [(user: UserName, rate: Rate)] = []
}

extension Ledger {
  /// Takes in the journal, then what servers said of their clients, in one transaction. The same again
  /// changes nothing.
  ///
  /// - Parameters:
  ///   - journal: the directory it is in. It is read after the reports were made, so it has all that
  ///     they can show.
  ///   - reports: what servers said; none for the journal alone.
  package func reconcile(
    journal: borrowing Directory, _ reports: [ServerReport] = [], at moment: JournalMoment
  ) throws(SQLiteError) -> Reconciliation {
    let rows = reports.reduce(0) { $0 + $1.clients.count }
    try Ledger.makeRoom(forSessions: rows, in: database)
    return try counting { () throws(SQLiteError) in
      let before = database.totalChanges
      slowed = []
      var update = try SessionUpdate(self, at: moment)
      try update.takeJournal(in: journal)
      try update.closeEarlierBoots()
      var result = Reconciliation()
      // First all of them: two that answer with one process id are rivals from the start.
      for report in reports { try noteProcess(of: report) }
      for report in reports { result.listings.append(try update.take(report)) }
      try update.finish()
      if update.hasChanges { try accessTable.noteChange() }
      try noteListings(
        zip(reports, result.listings).filter { $1.failure == nil }.map { $0.0 },
        isWritten: database.totalChanges != before)
      result.added = update.added
      result.opened = update.opened
      result.closed = update.closed
      result.problems = update.problems
      result.refusals = update.refusals.toLog
      result.slowed = slowed
      return result
    }
  }

  /// Runs a transaction in which users are counted.
  func counting<Result>(
    _ body: () throws(SQLiteError) -> Result
  ) throws(SQLiteError) -> Result {
    try access.noting { () throws(SQLiteError) in try database.transaction(body) }
  }
}
