import Glibc
import System
import Quota
import SQLite

/// What putting a backup back came to.
package struct Restoration: Equatable, Sendable {
  /// Where the ledger as it was before is kept; nil where there was none.
  package let former: String?
  /// Whether the former ledger was so damaged that it was moved aside as it was.
  package let wasDamaged: Bool

  /// Puts a backup in the place of the ledger.
  ///
  /// The backup is copied, checked and brought up to date first; only then it is written into the
  /// live database, as one transaction that hooks and sweep see all or nothing of. A file renamed
  /// over the database would meet the write-ahead log of the old one.
  ///
  /// The caller holds the sweep lock.
  ///
  /// - Parameters:
  ///   - backup: a copy of it, as `SourceDatabase` makes one.
  ///   - name: what an error calls it.
  ///   - stamp: what the kept ledger's name ends in.
  ///   - zone: whose hours the history of the earlier project is kept by.
  ///   - progress: is told how many pages are done of how many.
  package static func perform(
    from backup: String, called name: String, into database: String, stamp: String, zone: Zone,
    progress: (Int, Int) -> Void
  ) throws -> Restoration {
    let database = try Ledger.trustedPath(of: database)
    let draft = try Draft(for: database)
    let copy = try draft.fill(
      from: Connection(backup, .reading, busyTimeout: Ledger.busyTimeout))
    try Schema.migrate(copy, zone: zone)
    try checkLedger(copy, called: name)
    let former = "\(database).before-restore-\(stamp)"
    guard size(ofFile: database) ?? 0 > 0 else {
      try write(copy, into: database, progress: progress)
      return Restoration(former: nil, wasDamaged: false)
    }
    do {
      // What others write until the lock is taken is in the copy that is kept.
      try write(copy, into: database, once: { try keep(database, as: former) }, progress: progress)
      return Restoration(former: former, wasDamaged: false)
    } catch let error as SQLiteError where error.kind == .damaged {
      // SQLite cannot read it: the files themselves are kept.
      for (file, aside) in zip(Draft.files(of: database), Draft.files(of: former))
      where size(ofFile: file) != nil {
        try rename(file, to: aside)
      }
      try write(copy, into: database, progress: progress)
      return Restoration(former: former, wasDamaged: true)
    }
  }

  /// Makes sure that a copy is a sound ledger, and none of a later version.
  ///
  /// - Parameter name: what an error calls the file.
  package static func check(_ backup: String, called name: String) throws {
    _ = try openCopy(backup, called: name)
  }

  /// Keeps a copy of the ledger as it is now.
  private static func keep(_ database: String, as former: String) throws {
    let draft = try Draft(for: former)
    _ = try draft.fill(from: Connection(database, busyTimeout: Ledger.busyTimeout))
    try draft.publish(as: former)
  }

  private static func write(
    _ copy: borrowing Connection, into database: String,
    once isLocked: () throws -> Void = {}, progress: (Int, Int) -> Void
  ) throws {
    let live = try Ledger.writingConnection(database)
    // A database with a write-ahead log keeps its page size.
    let size = try live.integer("PRAGMA page_size")
    if try copy.integer("PRAGMA page_size") != size {
      try copy.execute("PRAGMA page_size = \(size); VACUUM")
    }
    try live.copyAll(from: copy, once: isLocked, progress: progress)
    try LastHeard.forget(beside: database)
    _ = try live.checkpoint()
  }
}
