import Gate
import SQLite
import System

extension Ledger {
  /// Removes the old file of the journal, which was taken in when it was rotated, and takes in what a
  /// hook appended to it since; before a sweep asks servers.
  package func removeOldJournal(at moment: JournalMoment) throws(LedgerError) {
    let directory = try stateDirectory()
    var problems: [String] = []
    let files = JournalFiles(in: directory, &problems)
    let known = try asking { () throws(SQLiteError) in try journalProgress() }
    let isTakenIn =
      switch files.old {
      case .some(let file): known.marks.contains { $0.generation == file.header?.generation }
      case .none: false
      }
    if !isTakenIn { return }
    let lock = try accessTable.lock()
    try Ledger.asLedgerError { () throws(SystemError) in try Journal.removeOld(in: directory) }
    try asking { () throws(SQLiteError) in
      try counting { () throws(SQLiteError) in
        var update = try SessionUpdate(self, at: moment)
        try update.takeJournal(files)
        try update.finish()
        if update.hasChanges { try accessTable.noteChange() }
      }
    }
    _ = consume lock
  }

  /// Puts a new file in the place of a journal that has become long, or is full of what are no
  /// records, and takes the old one in to its end. Only after an access table was published that
  /// includes all of it.
  package func rotateJournal(at moment: JournalMoment) throws(LedgerError) {
    let directory = try stateDirectory()
    guard try needsRotation(directory) else { return }
    let lock = try accessTable.lock()
    let end = try asking { () throws(SQLiteError) in try journalProgress().end }
    try Ledger.asLedgerError { () throws(SystemError) in
      _ = try Journal.rotate(
        in: directory, generation: .random(in: 1 ... .max), after: end)
    }
    _ = consume lock
    _ = try asking { () throws(SQLiteError) in try reconcile(journal: directory, at: moment) }
  }

  private func needsRotation(_ directory: borrowing Directory) throws(LedgerError) -> Bool {
    let progress = try asking { () throws(SQLiteError) in try journalProgress() }
    return try Ledger.asLedgerError { () throws(SystemError) in
      guard let file = try JournalFile(.current, in: directory) else { return false }
      guard let header = file.header else { return true }
      let end = try file.end()
      if end - header.base >= Journal.rotationSize { return true }
      return end - max(progress.end, header.base) >= JournalScan.longestGap
    }
  }

  /// The absolute position of the journal's end at this moment; where that cannot be read, the
  /// largest, as nothing that comes later can be read either.
  package func journalEnd() -> Int64 {
    do {
      return try JournalFile(.current, in: try stateDirectory())?.end() ?? .max
    } catch {
      return .max
    }
  }
}
