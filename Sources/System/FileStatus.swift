import Glibc

/// What the system knows of a file: the C structure `stat`, as far as it is used here.
package struct FileStatus: Equatable, Sendable {
  /// The kinds of files that are told apart.
  package enum Kind: Sendable { case regular, directory, symbolicLink, socket, other }

  package let kind: Kind
  /// The permission bits, with set-user-id, set-group-id and sticky.
  package let mode: mode_t
  /// The ids of its owner and of its group.
  package let owner: uid_t
  package let group: gid_t
  /// Bytes.
  package let size: Int64
  /// When it was last written to, in seconds since 1970.
  package let modifiedAt: Int64
  /// How many names it has; 0 once the last one is removed.
  package let links: Int
  private let device: UInt64
  private let inode: UInt64

  /// The status of what a path names, links not followed. The corresponding C function is `lstat`.
  ///
  /// - Throws: `SystemError` naming the path.
  package init(ofLink path: String) throws(SystemError) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { throw SystemError("look at", path) }
    self.init(status)
  }

  /// The status of what a path leads to. The corresponding C function is `stat`.
  ///
  /// - Throws: `SystemError` naming the path.
  package init(of path: String) throws(SystemError) {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { throw SystemError("look at", path) }
    self.init(status)
  }

  /// The status of an open file. The corresponding C function is `fstat`.
  package init(
    of descriptor: borrowing Descriptor, called subject: String
  ) throws(SystemError) {
    var status = stat()
    guard unsafe fstat(descriptor.number, &status) == 0 else {
      throw SystemError("look at", subject)
    }
    self.init(status)
  }

  private init(_ status: stat) {
    kind =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .regular
      case S_IFDIR: .directory
      case S_IFLNK: .symbolicLink
      case S_IFSOCK: .socket
      default: .other
      }
    mode = status.st_mode & 0o7777
    owner = status.st_uid
    group = status.st_gid
    size = Int64(status.st_size)
    modifiedAt = Int64(status.st_mtim.tv_sec)
    links = Int(status.st_nlink)
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
  }

  /// Whether only root and the user of this process may change what is in this directory.
  package var isClosedToOthers: Bool { (owner == 0 || owner == geteuid()) && mode & 0o022 == 0 }

  /// Whether both are one file, under whatever names.
  package func isSameFile(as other: FileStatus) -> Bool {
    device == other.device && inode == other.inode
  }
}
