import Glibc
import System
import SQLite

/// A copy of the ledger in a file of its own.
package enum Backup {
  /// Copies a database as of one moment, while others go on using it, checks the copy, and writes its
  /// bytes. The schema is not looked at, so that there is a backup before an upgrade.
  ///
  /// - Parameters:
  ///   - output: where the bytes go.
  ///   - name: what an error calls it.
  ///   - progress: is told how many pages are done of how many.
  package static func make(
    of database: String, into output: borrowing Descriptor, called name: String,
    progress: (Int, Int) -> Void
  ) throws {
    let database = try Ledger.trustedPath(of: database)
    let source = try Connection(database, busyTimeout: Ledger.busyTimeout)
    let draft = try Draft(for: database + ".backup")
    // A copy that is damaged is one of a damaged database, which is what has to be named.
    let damage = try draft.fill(from: source, progress: progress).damage()
    if !damage.isEmpty { throw LedgerError.damaged(database, damage) }
    try output.take(from: Descriptor.open(draft.path, O_RDONLY | O_NOFOLLOW), called: name)
  }

  /// Makes sure that a backup may have this name: nothing has it but an earlier backup.
  package static func checkPlace(_ file: String, of database: String) throws {
    if isSameFile(database, file) { throw LedgerError.sameFile(file) }
    if isOccupied(file) { throw LedgerError.occupied(file) }
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
