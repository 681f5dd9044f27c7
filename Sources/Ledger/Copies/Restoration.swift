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
  /// Whoever asks for it holds the sweep lock.
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
  ) throws(CopyError) -> Restoration {
    let database = try asCopyError { () throws(SystemError) in
      try Ledger.trustedPath(of: database)
    }
    let draft = try Draft(for: database, mode: 0o600)
    let copy = try draft.prepared(from: backup, called: name, zone: zone)
    let former = "\(database).before-restore-\(stamp)"
    guard size(ofFile: database) ?? 0 > 0 else {
      try write(copy, into: database, once: nothingIsKept, progress: progress)
      return Restoration(former: nil, wasDamaged: false)
    }
    do {
      // What others write until the lock is taken is in the copy that is kept.
      try write(
        copy, into: database,
        once: { () throws(CopyError) in
          try keep(database, as: former)
        }, progress: progress)
      return Restoration(former: former, wasDamaged: false)
    } catch {
      guard case .database(let trouble) = error, trouble.kind == .damaged else { throw error }
    }
    try move(database, to: former)
    try write(copy, into: database, once: nothingIsKept, progress: progress)
    return Restoration(former: former, wasDamaged: true)
  }

  /// Makes sure that a copy is a sound ledger, and none of a later version.
  ///
  /// - Parameter name: what an error calls the file.
  package static func check(_ backup: String, called name: String) throws(CopyError) {
    try checkLedger(openCopy(backup), called: name)
  }

  private static func nothingIsKept() throws(CopyError) {}

  /// Keeps a copy of the ledger as it is now.
  private static func keep(_ database: String, as former: String) throws(CopyError) {
    let draft = try Draft(for: former, mode: 0o600)
    let present = try asCopyError { () throws(SQLiteError) in
      try Connection(database, busyTimeout: Ledger.busyTimeout)
    }
    _ = try draft.fill(from: present) { _, _ in }
    try draft.publish(as: former)
  }

  /// Keeps a ledger that SQLite cannot read: the files themselves.
  private static func move(_ database: String, to former: String) throws(CopyError) {
    try asCopyError { () throws(SystemError) in
      for (file, aside) in zip(Draft.files(of: database), Draft.files(of: former))
      where size(ofFile: file) != nil {
        try rename(file, to: aside)
      }
    }
  }

  private static func write(
    _ copy: borrowing Connection, into database: String,
    once isLocked: () throws(CopyError) -> Void, progress: (Int, Int) -> Void
  ) throws(CopyError) {
    let live = try asCopyError { () throws(SQLiteError) in
      let live = try Ledger.writingConnection(database)
      // A database with a write-ahead log keeps its page size.
      let size = try live.integer("PRAGMA page_size")
      if try copy.integer("PRAGMA page_size") != size {
        try copy.execute("PRAGMA page_size = \(size); VACUUM")
      }
      return live
    }
    try live.copyAll(
      from: copy, failing: { .database($0) }, once: isLocked, progress: progress)
    _ = try asCopyError { () throws(SQLiteError) in try live.checkpoint() }
  }
}

extension Draft {
  /// The draft as a copy of a backup in the present schema.
  fileprivate func prepared(
    from backup: String, called name: String, zone: Zone
  ) throws(CopyError) -> Connection {
    let copy = try fill(from: openCopy(backup)) { _, _ in }
    do throws(LedgerError) { try Schema.migrate(copy, zone: zone) } catch {
      guard case .database(let trouble) = error else { throw .newer(error) }
      throw .database(trouble)
    }
    try checkLedger(copy, called: name)
    return copy
  }
}
