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
  /// - Parameters:
  ///   - database: the setting `DATABASE`.
  ///   - keepsNetworkAdmin: whether root keeps `CAP_NET_ADMIN`.
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
