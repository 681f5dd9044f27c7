import Glibc

/// A right that one program at a time has over a state directory. It is let go of when the value's
/// life ends, or the program's.
///
/// Each is a lock on one byte of the file `lock`, which only the directory's owner may open: a
/// process of the hooks' group, such as OpenVPN itself, can hold none.
package struct StateLock: ~Copyable {
  /// What the right is to; its number is the byte that is locked.
  package enum Purpose: Int64, Sendable {
    /// To sweep, and to checkpoint the write-ahead log.
    case sweep = 0
    /// To publish the access table, and to rotate the journal: held for moments.
    case publication = 1
    /// To tell the kernel whom to hold.
    case fence = 2
    /// To speak with the centre that several hosts share.
    case sync = 3
  }

  private let file: Descriptor

  /// Takes the lock if it is free, or becomes so in time.
  ///
  /// - Parameters:
  ///   - database: the database's path, the setting `DATABASE`.
  ///   - patience: how long to wait for it.
  /// - Returns: nil if another program holds it.
  /// - Throws: `SystemError` when the directory is missing, or the file may not be opened.
  package static func attempt(
    _ purpose: Purpose, beside database: String, patience: Duration = .zero
  ) throws(SystemError) -> StateLock? {
    let state = try StateDirectory(of: database)
    let subject = "\(state.path)/lock"
    let opened = try open(in: state.directory)
    let isWritable = fcntl(opened.number, F_GETFL) & O_ACCMODE != O_RDONLY
    // On a read-only file system there is nothing to publish.
    if !isWritable, purpose != .sweep { throw SystemError("lock", subject, code: EROFS) }
    let end = Clock.monotonic + patience
    while true {
      let isTaken =
        isWritable
        ? try opened.lock(byte: purpose.rawValue, of: subject) : try opened.lock(of: subject)
      if isTaken { return StateLock(file: opened) }
      guard Clock.monotonic < end else { return nil }
      usleep(10_000)
    }
  }

  private static func open(
    in directory: borrowing Directory
  ) throws(SystemError) -> Descriptor {
    do throws(SystemError) { return try directory.create("lock", mode: 0o600) } catch {
      if error.code != EEXIST, error.code != EROFS { throw error }
    }
    do throws(SystemError) { return try directory.open("lock", for: .append) } catch {
      if error.code != EROFS { throw error }
    }
    return try directory.open("lock", for: .read)
  }
}

extension Descriptor {
  /// `F_OFD_SETLK`, which the C library shows only with `_GNU_SOURCE`: asm-generic/fcntl.h.
  package static let setOpenFileLock: Int32 = 37

  /// Takes an exclusive lock on one byte of a file, which belongs to the open file and not to the
  /// process (`F_OFD_SETLK`).
  ///
  /// - Returns: false where somebody else has it.
  fileprivate borrowing func lock(byte: Int64, of subject: String) throws(SystemError) -> Bool {
    var lock = flock()
    lock.l_type = Int16(F_WRLCK)
    lock.l_whence = Int16(SEEK_SET)
    lock.l_start = off_t(byte)
    lock.l_len = 1
    if unsafe fcntl(number, Descriptor.setOpenFileLock, &lock) == 0 { return true }
    if errno == EAGAIN || errno == EACCES || errno == EINTR { return false }
    throw SystemError("lock", subject)
  }

  /// Takes an exclusive lock on a file that may only be read (`flock`), as on a read-only file system,
  /// where every program finds the file like that.
  ///
  /// - Returns: false where somebody else has it.
  fileprivate borrowing func lock(of subject: String) throws(SystemError) -> Bool {
    if flock(number, LOCK_EX | LOCK_NB) == 0 { return true }
    if errno == EWOULDBLOCK || errno == EINTR { return false }
    throw SystemError("lock", subject)
  }
}
