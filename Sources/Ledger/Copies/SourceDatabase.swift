import Glibc
import System
import SQLite

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
