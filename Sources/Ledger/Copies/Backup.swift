import Glibc
import SQLite
import System

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

/// A copy of a database in the making: a file of its own that is gone with its side files unless it
/// is given its final name.
package struct Draft: ~Copyable {
  package let path: String

  /// Makes an empty file beside the final one.
  ///
  /// - Parameter mode: its permission bits, whatever the umask.
  init(for final: String, mode: mode_t = 0o600) throws {
    Draft.removeLeftovers(of: final)
    path = "\(final).draft-\(getpid())"
    // What has the name already was left by a process that is dead.
    try System.remove(path)
    let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW
    try Descriptor.open(path, flags, mode: mode).setMode(mode, of: path)
  }

  deinit { for file in Draft.files(of: path) { try? System.remove(file) } }

  /// Copies a database into the draft.
  ///
  /// - Returns: the open draft, which needs no side files.
  func fill(
    from source: borrowing Connection, progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> Connection {
    let copy = try Connection(path, busyTimeout: 0)
    try copy.copyAll(from: source, progress: progress)
    // The copy has it from its source that it keeps a write-ahead log.
    try copy.execute("PRAGMA journal_mode = DELETE")
    return copy
  }

  /// Makes the draft durable under its final name, in place of what has that name.
  consuming func publish(as final: String) throws {
    try synchronize(path)
    try System.rename(path, to: final)
    try synchronize(directory(of: final))
  }

  /// Removes what is left of the copies of programs that were killed, each as large as the database:
  /// drafts of this file and of those named after it.
  private static func removeLeftovers(of final: String) {
    let base = "\(fileName(of: final))."
    System.removeLeftovers(inDirectory: directory(of: final)) { name in
      name.hasPrefix(base) ? maker(of: name) : nil
    }
  }

  /// The process that a draft, or a side file of one, has in its name; nil for other files.
  private static func maker(of name: String) -> pid_t? {
    let parts = name.split(separator: ".").last?.split(separator: "-", maxSplits: 2) ?? []
    guard parts.count > 1, parts[0] == "draft" else { return nil }
    let side = parts.count > 2 ? "-\(parts[2])" : ""
    return files(of: "").contains(side) ? pid_t(parts[1]) : nil
  }

  /// A database's file and all that SQLite may keep beside it.
  static func files(of database: String) -> [String] {
    ["", "-wal", "-shm", "-journal"].map { database + $0 }
  }
}

/// Opens a copy that is only read, and makes sure that it is a sound ledger that this program can use.
///
/// - Parameter name: what an error calls the file.
func openCopy(_ path: String, called name: String) throws -> Connection {
  let copy = try Connection(path, .reading, busyTimeout: Ledger.busyTimeout)
  try checkLedger(copy, called: name)
  return copy
}

/// Makes sure that a database is a sound ledger that this program can use.
///
/// - Parameter name: what an error calls the file.
func checkLedger(_ database: borrowing Connection, called name: String) throws {
  let damage: [String]
  do { damage = try database.damage() } catch {
    guard error.kind == .damaged else { throw error }
    damage = [error.message]
  }
  if !damage.isEmpty { throw LedgerError.damaged(name, damage) }
  let version = try database.integer("PRAGMA user_version")
  let tables = try database.integer(
    """
    SELECT count(*) FROM sqlite_schema
    WHERE type = 'table' AND name IN ('users', 'user_quotas', 'traffic_logs')
    """)
  guard tables == 3, version >= 0 else { throw LedgerError.noLedger(name) }
  if version != Schema.version, !Schema.earlierVersions.contains(version) {
    throw LedgerError.schema(database: name, found: version, expected: Schema.version)
  }
}
