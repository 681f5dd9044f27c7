import CSystem

/// A directory by handle: what is done in it is done in this directory, even if its path leads
/// elsewhere meanwhile.
///
/// Files in it are named by a plain name. A name that somebody has made a link, a pipe or a directory
/// is refused, and so is a file of another owner than the directory's: those who may write into a
/// file below it can neither lead a program elsewhere nor let it wait.
public struct Directory: ~Copyable {
  private let handle: Descriptor
  /// Its path as it was given, for messages.
  package let path: String
  package let owner: UInt32

  package enum Access: Sendable {
    case read, append, overwrite

    fileprivate var call: cs_access {
      switch self {
      case .read: CS_READ
      case .append: CS_APPEND
      case .overwrite: CS_OVERWRITE
      }
    }
  }

  /// Opens a directory, links followed. The corresponding C function is `open`.
  ///
  /// - Throws: `SystemError` naming the path.
  package init(_ path: String) throws(SystemError) {
    let number = retryingOnInterrupt { unsafe path.withCString { unsafe cs_open_directory($0) } }
    guard number >= 0 else { throw SystemError("open", path) }
    let opened = Descriptor(owning: number)
    owner = try FileStatus(of: opened, called: path).owner
    handle = opened
    self.path = path
  }

  /// Opens a file that is there. The corresponding C functions are `openat` and `fstat`.
  ///
  /// - Throws: `SystemError` naming the file; `EPERM` where it is not a regular file of the
  ///   directory's owner.
  package borrowing func open(
    _ name: StaticString, for access: Access
  ) throws(SystemError) -> Descriptor {
    let file = try opened(name, access.call, mode: 0, "open")
    _ = try status(ofTrusted: file, name)
    return file
  }

  /// Opens a file as `open` does, and gives what was found out about it.
  package borrowing func openFile(
    _ name: StaticString, for access: Access
  ) throws(SystemError) -> OpenFile {
    let file = try opened(name, access.call, mode: 0, "open")
    let status = try status(ofTrusted: file, name)
    return OpenFile(descriptor: file, status: status, path: path(of: name))
  }

  private borrowing func status(
    ofTrusted file: borrowing Descriptor, _ name: StaticString
  ) throws(SystemError) -> FileStatus {
    let status = try FileStatus(of: file, called: path(of: name))
    guard status.kind == .regular, status.owner == owner else {
      throw SystemError("trust", path(of: name), code: SystemError.notPermitted)
    }
    return status
  }

  /// Creates a file for writing and reading, which must not be there yet.
  ///
  /// - Parameter mode: its permission bits, whatever the umask.
  package borrowing func create(
    _ name: StaticString, mode: UInt32
  ) throws(SystemError) -> Descriptor {
    let file = try opened(name, CS_CREATE, mode: mode, "create")
    try file.setMode(mode, of: path(of: name))
    return file
  }

  /// The status of what a name leads to, links not followed; nil where nothing has it (`fstatat`).
  package borrowing func status(of name: StaticString) throws(SystemError) -> FileStatus? {
    var status = cs_status()
    if unsafe cs_status_at(handle.number, name.characters, &status) == 0 {
      return FileStatus(status)
    }
    let error = SystemError("look at", path(of: name))
    if error.code == SystemError.notFound { return nil }
    throw error
  }

  /// Renames a file, replacing what had the new name. The corresponding C function is `renameat`.
  package borrowing func rename(
    _ name: StaticString, to newName: StaticString
  ) throws(SystemError) {
    let result = unsafe cs_rename_at(
      handle.number, name.characters, newName.characters)
    guard result == 0 else { throw SystemError("rename", path(of: name)) }
  }

  /// Exchanges the names of two files at one blow (`renameat2` with `RENAME_EXCHANGE`).
  package borrowing func exchange(
    _ name: StaticString, with other: StaticString
  ) throws(SystemError) {
    let result = unsafe cs_exchange_at(
      handle.number, name.characters, other.characters)
    guard result == 0 else { throw SystemError("rename", path(of: name)) }
  }

  /// Gives a file a second name, which must not be taken. The corresponding C function is `linkat`.
  package borrowing func link(
    _ name: StaticString, to newName: StaticString
  ) throws(SystemError) {
    let result = unsafe cs_link_at(handle.number, name.characters, newName.characters)
    guard result == 0 else { throw SystemError("link", path(of: name)) }
  }

  /// Removes a file; one that is gone already is no error (`unlinkat`).
  package borrowing func remove(_ name: StaticString) throws(SystemError) {
    guard unsafe cs_remove_at(handle.number, name.characters) != 0 else { return }
    let error = SystemError("remove", path(of: name))
    if error.code != SystemError.notFound { throw error }
  }

  /// Makes its entries survive a power loss. The corresponding C function is `fsync`.
  package borrowing func synchronize() throws(SystemError) {
    try handle.synchronize(as: path)
  }

  package borrowing func path(of name: StaticString) -> String { path + "/" + name.description }

  private borrowing func opened(
    _ name: StaticString, _ access: cs_access, mode: UInt32, _ call: String
  ) throws(SystemError) -> Descriptor {
    let number = retryingOnInterrupt {
      unsafe cs_open_at(handle.number, name.characters, access, mode)
    }
    guard number >= 0 else { throw SystemError(call, path(of: name)) }
    return Descriptor(owning: number)
  }
}

/// A file that was opened in a directory.
public struct OpenFile: ~Copyable {
  package let descriptor: Descriptor
  package let status: FileStatus
  /// Its path, for messages.
  package let path: String
}

/// What the system knows of a file: the C structure `stat`, as far as it is needed.
package struct FileStatus: Equatable, Sendable {
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

  /// The status of what a path names, links not followed (`lstat`).
  package init(ofLink path: String) throws(SystemError) {
    try self.init(path, followsLinks: false)
  }

  /// The status of what a path leads to (`stat`).
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
