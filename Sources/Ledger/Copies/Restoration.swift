import Glibc
import Quota
import SQLite
import System

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

/// A database that the user named, such as a backup.
///
/// It is opened as the user who started the program, for it may be closed to the ledger's owner, and
/// only read as bytes, into a file of our own: SQLite, as root, would also act on what lies beside
/// it, which another user may have put there.
package struct SourceDatabase {
  /// The path as it was given.
  package let path: String
  /// When it was last written to, in seconds since 1970.
  package let modifiedAt: Int64
  /// The database, and what SQLite keeps beside it of changes that are under way.
  private let files: [SourceFile]

  /// Opens the database's files.
  package init(_ path: String) throws {
    self.path = path
    let database = try SourceFile(path, "")
    let status = try FileStatus(of: database.file, called: path)
    guard status.kind == .regular else { throw SystemError("read", path, code: EINVAL) }
    modifiedAt = status.modifiedAt
    files =
      try [database]
      + ["-wal", "-journal"].filter { (try? FileStatus(ofLink: path + $0)) != nil }
      .map { try SourceFile(path, $0) }
  }

  /// Copies it into a file of the ledger's owner, beside the ledger, as it was at one moment.
  ///
  /// - Parameter ledger: the setting `DATABASE`.
  /// - Throws: `LedgerError.changing` where others write to it all the time.
  package func copy(beside ledger: String) throws -> Draft {
    let place = "\(try StateDirectory(of: ledger).path)/\(fileName(of: ledger))"
    if isSameFile(place, path) { throw LedgerError.sameFile(path) }
    let draft = try Draft(for: place + ".copied")
    // A writer in rollback mode waits while this lock is held, as it does for any reader.
    files[0].file.lockForReading()
    for _ in 0..<10 {
      let before = files.map(\.version)
      for file in files { try file.write(to: draft.path) }
      if files.map(\.version) == before { return draft }
    }
    throw LedgerError.changing(path)
  }
}

/// One of the files of a database.
private final class SourceFile {
  let file: Descriptor
  private let suffix: String

  init(_ path: String, _ suffix: String) throws(SystemError) {
    self.suffix = suffix
    // A link to the database is the user's own word; beside it there are none.
    let flags = O_RDONLY | O_NONBLOCK | (suffix.isEmpty ? 0 : O_NOFOLLOW)
    file = try Descriptor.open(path + suffix, flags)
  }

  /// Its present version.
  var version: Version { Version(of: file) }

  /// Writes its bytes to the file of the same kind of a copy.
  func write(to copy: String) throws(SystemError) {
    let path = copy + suffix
    let flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW
    try Descriptor.open(path, flags, mode: 0o600).take(from: file, called: path)
  }
}

/// What changes when a file is written to.
private struct Version: Equatable {
  private let size: Int
  private let times: [Int]

  init(of file: borrowing Descriptor) {
    var status = stat()
    _ = unsafe fstat(file.number, &status)
    size = Int(status.st_size)
    times = [status.st_mtim, status.st_ctim].flatMap { [Int($0.tv_sec), Int($0.tv_nsec)] }
  }
}

extension Descriptor {
  /// Takes the lock that a reader of SQLite's has on a database, if it is free.
  fileprivate borrowing func lockForReading() {
    var lock = flock()
    lock.l_type = Int16(F_RDLCK)
    lock.l_whence = Int16(SEEK_SET)
    // SHARED_FIRST and SHARED_SIZE, <https://www.sqlite.org/src/file/src/os.h>.
    lock.l_start = 0x4000_0002
    lock.l_len = 510
    _ = unsafe fcntl(number, Descriptor.setOpenFileLock, &lock)
  }
}
