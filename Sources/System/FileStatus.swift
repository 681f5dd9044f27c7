import CSystem

/// What the system knows of a file: the C structure `stat`, as far as it is needed.
package struct FileStatus: Equatable, Sendable {
  /// The kinds of files that are told apart.
  package enum Kind: Sendable { case regular, directory, symbolicLink, socket, other }

  package let kind: Kind
  /// The permission bits, with set-user-id, set-group-id and sticky.
  package let mode: UInt32
  /// The ids of its owner and of its group.
  package let owner: UInt32
  package let group: UInt32
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
    try self.init(path, followsLinks: false)
  }

  /// The status of what a path leads to. The corresponding C function is `stat`.
  ///
  /// - Throws: `SystemError` naming the path.
  package init(of path: String) throws(SystemError) {
    try self.init(path, followsLinks: true)
  }

  /// The status of an open file. The corresponding C function is `fstat`.
  package init(
    of descriptor: borrowing Descriptor, called subject: String
  ) throws(SystemError) {
    var status = cs_status()
    guard unsafe cs_status_of(descriptor.number, &status) == 0 else {
      throw SystemError("look at", subject)
    }
    self.init(status)
  }

  private init(_ path: String, followsLinks: Bool) throws(SystemError) {
    var status = cs_status()
    let result = unsafe path.withCString {
      unsafe cs_status_of_path($0, followsLinks ? 1 : 0, &status)
    }
    guard result == 0 else { throw SystemError("look at", path) }
    self.init(status)
  }

  init(_ status: cs_status) {
    // The constants `S_IFMT`, `S_IFREG` and so on.
    kind =
      switch status.mode & 0o170000 {
      case 0o100000: .regular
      case 0o040000: .directory
      case 0o120000: .symbolicLink
      case 0o140000: .socket
      default: .other
      }
    mode = status.mode & 0o7777
    owner = status.owner
    group = status.group
    size = status.size
    modifiedAt = status.modified_at
    links = Int(clamping: status.links)
    device = status.device
    inode = status.inode
  }

  /// Whether both are one file, under any names.
  package func isSameFile(as other: FileStatus) -> Bool {
    device == other.device && inode == other.inode
  }
}
