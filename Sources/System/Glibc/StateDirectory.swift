import Glibc

/// The directory that holds the database and all that belongs to it, `/var/lib/openvpn-quota` as a
/// rule.
///
/// Below it everything belongs to the directory's owner, and nothing needs root: a program that is
/// root becomes that owner for good before it opens anything there. The directory itself may be
/// reached through a link, as to a larger disk; below it none is followed, and a file that is a link,
/// a pipe or another user's is not opened.
package struct StateDirectory: ~Copyable {
  /// The directory, by its absolute path without a link in any part of it.
  package let directory: Directory

  /// Finds the directory of a database, and gives up root unless the directory is root's own.
  ///
  /// - Throws: `SystemError` naming the directory: `EPERM` where other users may write to it.
  package init(of database: String, keepsNetworkAdmin: Bool = false) throws(SystemError) {
    let named = System.directory(of: database)
    let status: FileStatus
    do { status = try FileStatus(of: named) } catch {
      throw SystemError("open", named, code: error.code)
    }
    try Privileges.become(
      user: status.owner, group: status.group, keepsNetworkAdmin: keepsNetworkAdmin)
    if status.mode & 0o022 != 0 { throw SystemError("trust", named, code: EPERM) }
    directory = try Directory(canonicalPath(of: named))
  }

  /// Its absolute path, without a link in any part of it.
  package var path: String { directory.path }

  /// Makes sure that what has a name here, if anything has, is a file that may be opened by its path.
  ///
  /// - Throws: `SystemError` naming the file: `EPERM` for what is not a regular file of the directory's
  ///   owner, `EISDIR` for a directory.
  package borrowing func check(_ name: String) throws(SystemError) {
    let subject = "\(path)/\(name)"
    let status: FileStatus
    do throws(SystemError) { status = try FileStatus(ofLink: subject) } catch {
      if error.code == ENOENT { return }
      throw error
    }
    if status.kind == .directory { throw SystemError("open", subject, code: EISDIR) }
    guard status.kind == .regular, status.owner == directory.owner else {
      throw SystemError("trust", subject, code: EPERM)
    }
  }
}

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
    case fence = 2
    case sync = 3
  }

  private let file: Descriptor

  /// Takes the lock if it is free, or becomes so in time.
  ///
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
  /// - Returns: false where another program has it.
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
  /// - Returns: false where another program has it.
  fileprivate borrowing func lock(of subject: String) throws(SystemError) -> Bool {
    if flock(number, LOCK_EX | LOCK_NB) == 0 { return true }
    if errno == EWOULDBLOCK || errno == EINTR { return false }
    throw SystemError("lock", subject)
  }
}
