import Glibc

/// The directory that holds the database and all that belongs to it, `/var/lib/openvpn-quota` as a
/// rule.
///
/// Below it everything belongs to the directory's owner, and nothing needs root: a program that is
/// root becomes that owner for good before it opens anything there. The directory itself may be
/// reached through a link, as to a larger disk; below it none is followed, and a file that is a link,
/// a pipe or another user's is not opened.
package struct StateDirectory: ~Copyable {
  /// Its absolute path, without a link in any part of it.
  package let path: String
  /// Who owns it, and all that is in it.
  package let owner: uid_t
  private let handle: Descriptor

  /// Finds the directory of a database, and gives up root unless the directory is root's own.
  ///
  /// - Parameter database: the setting `DATABASE`.
  /// - Throws: `SystemError` naming the directory.
  package init(of database: String) throws(SystemError) {
    let named = System.directory(of: database)
    let status: FileStatus
    do { status = try FileStatus(of: named) } catch {
      throw SystemError("open", named, code: error.code)
    }
    try Privileges.become(user: status.owner, group: status.group)
    let path = try canonicalPath(of: named)
    let handle = try Descriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    owner = try FileStatus(of: handle, called: path).owner
    self.path = path
    self.handle = handle
  }

  /// Opens a file in the directory. Never waits, not even for the other end of a pipe.
  ///
  /// - Parameters:
  ///   - flags: as for `open(2)`.
  ///   - mode: the permission bits of a file that is made, whatever the umask.
  /// - Throws: `SystemError` naming the file: `ELOOP` for a link, `EISDIR` for a directory, `EPERM`
  ///   for anything else that is not a regular file of the directory's owner.
  package borrowing func open(
    _ name: String, _ flags: Int32, mode: mode_t = 0
  ) throws(SystemError) -> Descriptor {
    let subject = "\(path)/\(name)"
    let file = try handle.open(name, flags | O_NOFOLLOW | O_NONBLOCK, mode: mode, called: subject)
    try check(FileStatus(of: file, called: subject), called: subject)
    if flags & O_CREAT != 0, flags & O_EXCL != 0 { try file.setMode(mode, of: subject) }
    return file
  }

  /// Makes sure that what has a name here, if anything has, is a file that may be opened by its path.
  ///
  /// - Throws: `SystemError` naming the file: `EPERM` for what is not a regular file of the directory's
  ///   owner, `EISDIR` for a directory.
  package borrowing func check(_ name: String) throws(SystemError) {
    let subject = "\(path)/\(name)"
    do throws(SystemError) { try check(FileStatus(ofLink: subject), called: subject) } catch {
      if error.code != ENOENT { throw error }
    }
  }

  private borrowing func check(
    _ status: FileStatus, called subject: String
  ) throws(SystemError) {
    if status.kind == .directory { throw SystemError("open", subject, code: EISDIR) }
    guard status.kind == .regular, status.owner == owner else {
      throw SystemError("trust", subject, code: EPERM)
    }
  }
}
