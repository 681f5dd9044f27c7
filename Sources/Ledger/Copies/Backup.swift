import Glibc
import System
import SQLite

/// A copy of the ledger in a file of its own.
package enum Backup {
  /// Copies a database as of one moment, while others go on using it, and checks the copy before it
  /// gets its name. The schema is not looked at, so that there is a backup before an upgrade.
  ///
  /// - Parameters:
  ///   - file: where the copy goes; an earlier backup there is replaced once the new one is whole.
  ///   - progress: is told how many pages are done of how many.
  /// - Returns: the size of the backup in bytes.
  package static func make(
    of database: String, to file: String, progress: (Int, Int) -> Void
  ) throws(CopyError) -> Int64 {
    if isSameFile(database, file) { throw .sameFile(file) }
    if isOccupied(file) { throw .occupied(file) }
    let source = try asCopyError { () throws(SQLiteError) in
      try Connection(database, busyTimeout: Ledger.busyTimeout)
    }
    let draft = try Draft(for: file, mode: 0o640)
    try check(draft.fill(from: source, progress: progress), of: database)
    try draft.publish(as: file)
    return size(ofFile: file) ?? 0
  }

  /// A copy that is damaged is one of a damaged database, which is what has to be named.
  private static func check(
    _ copy: consuming Connection, of database: String
  ) throws(CopyError) {
    let damage = try asCopyError { () throws(SQLiteError) in try copy.damage() }
    if !damage.isEmpty { throw .damaged(database, damage) }
  }

  /// Whether there is something that must not be replaced: no database, or one in use.
  private static func isOccupied(_ file: String) -> Bool {
    if size(ofFile: file + "-wal") != nil { return true }
    guard let bytes = size(ofFile: file), bytes > 0 else { return false }
    let magic = "SQLite format 3\0"
    let start = try? Descriptor.open(file, O_RDONLY | O_NONBLOCK).readStart(
      atMost: magic.utf8.count)
    return start?.elementsEqual(magic.utf8) != true
  }
}
