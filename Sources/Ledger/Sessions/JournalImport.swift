import Gate
import Quota
import SQLite
import System

/// How a file of the journal is taken in.
struct JournalReading {
  /// The absolute position to begin at.
  var start: Int64
  /// Whether what was taken in last is not where it was: by a power loss, or because the database or
  /// the journal is an older one. Then all of it is read, and marks tell what is known.
  var isAgain = false
  /// The record that was made last of those taken in before.
  var last: (boot: Int64, boottime: Int64)?
  /// Where the first record of that boot stands: what is before is of older boots.
  var boot: Int64?

  /// Nanoseconds by which records of two servers may stand in another order than they were made in.
  private static let slack: Int64 = 60_000_000_000

  /// Whether a record that is not known by its mark was taken in, and forgotten since.
  func isForgotten(_ entry: JournalEntry) -> Bool {
    guard isAgain, let last else { return false }
    if let boot, entry.start < boot { return true }
    return entry.record.boot == last.boot && entry.record.boottime < last.boottime - Self.slack
  }
}

/// The files of the journal, open.
struct JournalFiles: ~Copyable {
  let old: JournalFile?
  let current: JournalFile?

  /// - Parameter problems: takes what cannot be opened.
  init(in directory: borrowing Directory, _ problems: inout [String]) {
    func opened(_ name: JournalFile.Name) -> JournalFile? {
      do throws(SystemError) { return try JournalFile(name, in: directory) } catch {
        problems.append(error.description)
        return nil
      }
    }
    current = opened(.current)
    // Opened later: a file that gets this name in between is seen twice, and not never.
    old = opened(.old)
  }

  /// Whether the journal became the old one while they were opened: both are one file.
  var areOne: Bool {
    switch current {
    case .some(let current):
      switch old {
      case .some(let old): current.isSameFile(as: old)
      case .none: false
      }
    case .none: false
    }
  }
}

extension SessionUpdate {
  /// Takes in what is new in the journal.
  ///
  /// What cannot be read is told of, and the work goes on: the hooks' account can spoil the journal,
  /// and no listing waits for it.
  mutating func takeJournal(in directory: borrowing Directory) throws(SQLiteError) {
    try takeJournal(JournalFiles(in: directory, &problems))
  }

  /// Takes in what is new in files that are open.
  mutating func takeJournal(_ files: borrowing JournalFiles) throws(SQLiteError) {
    var progress = try ledger.journalProgress()
    let known = progress
    var marks: [JournalMark] = []
    var oldest = Int64.max
    switch files.old {
    case .some(let file):
      oldest = file.base
      try take(file, known, &progress, &marks)
    case .none: break
    }
    switch files.current {
    case .some(let file):
      oldest = min(oldest, file.base)
      if !files.areOne { try take(file, known, &progress, &marks) }
    case .none: return
    }
    progress.marks = marks
    if oldest > progress.forgotten {
      try forgetSessions(before: oldest)
      // Processes without sessions are forgotten too.
      processes = try ServerProcesses(ledger)
      progress.forgotten = oldest
    }
    if progress != known { try ledger.setJournalProgress(progress) }
  }

  /// Takes in one file.
  private mutating func take(
    _ file: borrowing JournalFile, _ known: JournalProgress, _ progress: inout JournalProgress,
    _ marks: inout [JournalMark]
  ) throws(SQLiteError) {
    let generation = file.header?.generation ?? 0
    var reading = reading(of: file, known)
    if reading.isAgain { reading.boot = try relocateSessions(by: file, known) }
    var mark =
      known.marks.first { $0.generation == generation && !reading.isAgain }
      ?? JournalMark(generation: generation, position: file.base, checksum: nil)
    var scan = JournalScan(from: reading.start)
    while let entry = next(&scan, in: file) {
      try take(entry, reading)
      progress.note(entry)
      mark = JournalMark(generation: generation, position: entry.end, checksum: entry.checksum)
    }
    // Another file may have the positions of its sessions corrected.
    crowds = [:]
    marks.append(mark)
    if scan.damaged > 0, mark.position > reading.start {
      problems.append("\(file.path): \(scan.damaged) damaged lines were left out")
    }
    if scan.isCut { problems.append("\(file.path) is too long; its end was left out") }
  }

  /// Where to begin in a file.
  private mutating func reading(
    of file: borrowing JournalFile, _ known: JournalProgress
  ) -> JournalReading {
    let again = JournalReading(start: file.base, isAgain: true, last: known.last)
    guard let header = file.header else { return again }
    guard let mark = known.marks.first(where: { $0.generation == header.generation }) else {
      let isNew = known.marks.allSatisfy { $0.position < header.base }
      return isNew ? JournalReading(start: header.base) : again
    }
    guard let checksum = mark.checksum else { return JournalReading(start: header.base) }
    do throws(SystemError) {
      let isThere = try file.hasRecord(endingAt: mark.position, checksum: checksum)
      return isThere ? JournalReading(start: mark.position) : again
    } catch {
      problems.append(error.description)
      return again
    }
  }

  /// The next record; nil at the end, and where the file cannot be read on.
  private mutating func next(
    _ scan: inout JournalScan, in file: borrowing JournalFile
  ) -> JournalEntry? {
    do throws(SystemError) { return try scan.next(in: file) } catch {
      problems.append(error.description)
      return nil
    }
  }

  /// Forgets refusals and ended sessions whose records are in no file any more: nothing can ask for
  /// them. Ended sessions have their rows in `traffic_logs`.
  private func forgetSessions(before position: Int64) throws(SQLiteError) {
    for change in [
      """
      DELETE FROM sessions WHERE coalesce(end_position, in_position) < ?1
        AND (ended_at IS NOT NULL OR reason IS NOT NULL)
      """,
      "DELETE FROM counters WHERE session_id NOT IN (SELECT id FROM sessions) AND ?1",
      "DELETE FROM processes WHERE id NOT IN (SELECT process_id FROM sessions) AND ?1",
    ] {
      var delete = try ledger.database.prepare(change)
      delete.bind(1, position)
      try delete.run()
    }
  }

  /// Brings the positions of sessions up to date with a file that is read again: those whose records
  /// are in it stand there, those that should be and are not stand before everything.
  ///
  /// - Returns: where the first record stands that was made in the boot of the last known one.
  private mutating func relocateSessions(
    by file: borrowing JournalFile, _ known: JournalProgress
  ) throws(SQLiteError) -> Int64? {
    var positions: [UInt64: Int64] = [:]
    var boot: Int64?
    var scan = JournalScan(from: file.base)
    while let entry = next(&scan, in: file) {
      positions[entry.record.mark] = entry.start
      if boot == nil, let last = known.last, entry.record.boot == last.boot { boot = entry.start }
    }
    var rows = try ledger.database.prepare(
      """
      SELECT id, in_position, in_mark, end_position, end_mark FROM sessions
      WHERE in_position >= ?1 OR end_position >= ?1
      """)
    rows.bind(1, file.base)
    var moved: [(id: Int64, begin: Int64?, end: Int64?)] = []
    while try rows.step() {
      func place(_ position: Int32, _ mark: Int32) -> Int64? {
        guard let before = rows.optionalInteger(position) else { return nil }
        if before < file.base { return before }
        return rows.optionalInteger(mark).flatMap { positions[UInt64(bitPattern: $0)] } ?? -1
      }
      moved.append((rows.integer(0), place(1, 2), place(3, 4)))
    }
    var update = try ledger.database.prepare(
      "UPDATE sessions SET in_position = ?2, end_position = ?3 WHERE id = ?1")
    for session in moved {
      update.bind(1, session.id)
      update.bind(2, session.begin)
      update.bind(3, session.end)
      try update.run()
    }
    return boot
  }
}

extension JournalProgress {
  /// Notes when a record was made that was taken in.
  fileprivate mutating func note(_ entry: JournalEntry) {
    guard let boot = entry.record.boot else { return }
    let latest = last?.boot == boot ? last?.boottime ?? 0 : .min
    last = (boot, max(latest, entry.record.boottime))
  }
}
