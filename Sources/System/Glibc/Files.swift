import CSystem
import Glibc

extension Descriptor {
  /// A second descriptor for standard input, which stays open when this one is closed.
  package static var standardInput: Descriptor { Descriptor(owning: dup(STDIN_FILENO)) }

  /// A second descriptor for standard output, which stays open when this one is closed.
  package static var standardOutput: Descriptor { Descriptor(owning: dup(STDOUT_FILENO)) }

  /// A second descriptor for standard error, which stays open when this one is closed.
  package static var standardError: Descriptor { Descriptor(owning: dup(STDERR_FILENO)) }

  /// A file in memory that has no name, open at its beginning (`memfd_create`).
  package static func memory(_ bytes: [UInt8] = []) throws(SystemError) -> Descriptor {
    let number = cs_memory_file()
    guard number >= 0 else { throw SystemError("make", "a file in memory") }
    let file = Descriptor(owning: number)
    try file.write(bytes.span, to: "a file in memory")
    try file.rewind()
    return file
  }

  /// Goes back to the beginning of a file. The corresponding C function is `lseek`.
  package borrowing func rewind() throws(SystemError) {
    guard lseek(number, 0, SEEK_SET) == 0 else { throw SystemError("read", "a file in memory") }
  }

  /// Writes all that another file holds. An error calls the file that is written `subject`.
  package borrowing func take(
    from source: borrowing Descriptor, called subject: String
  ) throws(SystemError) {
    guard lseek(source.number, 0, SEEK_SET) == 0 else { throw SystemError("copy to", subject) }
    while true {
      let piece = try source.readStart(atMost: 1 << 20, of: "what goes to \(subject)")
      if piece.isEmpty { return }
      try write(piece.span, to: subject)
    }
  }

  /// Opens a file (`open`, with `O_CLOEXEC`).
  package static func open(
    _ path: String, _ flags: Int32, mode: mode_t = 0
  ) throws(SystemError) -> Descriptor {
    let number = retryingOnInterrupt { unsafe Glibc.open(path, flags | O_CLOEXEC, mode) }
    guard number >= 0 else { throw SystemError("open", path) }
    return Descriptor(owning: number)
  }

  /// Opens a file in the directory that this is open on (`openat`, with `O_CLOEXEC`).
  package borrowing func open(
    _ name: String, _ flags: Int32, mode: mode_t = 0, called subject: String
  ) throws(SystemError) -> Descriptor {
    let directory = number
    let opened = retryingOnInterrupt { unsafe openat(directory, name, flags | O_CLOEXEC, mode) }
    guard opened >= 0 else { throw SystemError("open", subject) }
    return Descriptor(owning: opened)
  }
}

/// Gives the whole content of a file.
///
/// - Throws: `SystemError` naming the path; `EFBIG` past `limit` bytes.
package func contents(ofFile path: String, limit: Int = 16 << 20) throws(SystemError) -> [UInt8] {
  let file = try Descriptor.open(path, O_RDONLY)
  return try file.readToEnd(of: path, limit: limit)
}

/// Renames a file, replacing whatever had the new name. The corresponding C function is `rename`.
package func rename(_ path: String, to newPath: String) throws(SystemError) {
  guard unsafe Glibc.rename(path, newPath) == 0 else { throw SystemError("rename", path) }
}

/// Gives a file a second name, which must not be taken. The corresponding C function is `link`.
package func link(_ path: String, to newPath: String) throws(SystemError) {
  guard unsafe Glibc.link(path, newPath) == 0 else { throw SystemError("link", path) }
}

/// Removes a file; one that is gone already is no error. The corresponding C function is `unlink`.
package func remove(_ path: String) throws(SystemError) {
  guard unsafe Glibc.unlink(path) == 0 || errno == ENOENT else { throw SystemError("remove", path) }
}

/// The size of a file in bytes, nil where there is none.
package func size(ofFile path: String) -> Int64? {
  var status = stat()
  return unsafe stat(path, &status) == 0 ? Int64(status.st_size) : nil
}

/// Makes a file's content, or a directory's entries, survive a power loss (`fsync`).
package func synchronize(_ path: String) throws(SystemError) {
  let opened = try Descriptor.open(path, O_RDONLY)
  guard retryingOnInterrupt({ fsync(opened.number) }) == 0 else {
    throw SystemError("write out", path)
  }
}

/// Makes all that was written to the file system of an open file survive a power loss (`syncfs`).
package func synchronizeFileSystem(
  of file: borrowing Descriptor, called subject: String
) throws(SystemError) {
  guard retryingOnInterrupt({ cs_synchronize_file_system(file.number) }) == 0 else {
    throw SystemError("write to", subject)
  }
}

/// Whether two paths lead to one file.
package func isSameFile(_ path: String, _ other: String) -> Bool {
  var (first, second) = (stat(), stat())
  return unsafe stat(path, &first) == 0 && stat(other, &second) == 0
    && first.st_dev == second.st_dev && first.st_ino == second.st_ino
}

/// The absolute path of what a path leads to, without links (`realpath`).
package func canonicalPath(of path: String) throws(SystemError) -> String {
  guard let found = unsafe realpath(path, nil) else { throw SystemError("open", path) }
  defer { unsafe free(found) }
  return unsafe String(cString: found)
}

/// What a link says. The corresponding C function is `readlink`.
package func contents(ofLink path: String) throws(SystemError) -> String {
  var text = [CChar](repeating: 0, count: 4096)
  let count = unsafe readlink(path, &text, text.count)
  guard count >= 0 else { throw SystemError("read the link", path) }
  return String(decoding: text.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
}

/// The names in a directory, without `.` and `..`, in the order of their bytes (`opendir`, `readdir`).
package func names(inDirectory path: String) throws(SystemError) -> [String] {
  guard let directory = unsafe opendir(path) else { throw SystemError("list", path) }
  defer { unsafe closedir(directory) }
  var names: [String] = []
  while true {
    errno = 0
    guard let entry = unsafe readdir(directory) else {
      guard errno == 0 else { throw SystemError("list", path) }
      return names.sorted()
    }
    let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
      unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) {
        unsafe String(cString: $0)
      }
    }
    if name != ".", name != ".." { names.append(name) }
  }
}

/// What the file system on another machine is called that a path leads to, such as `NFS`; nil where the
/// disk is this machine's, or nothing is known of it. The corresponding C function is `statfs`.
package func networkFileSystem(of path: String) -> String? {
  // linux/magic.h, and the sources of cifs.
  let names: [Int64: String] = [
    0x6969: "NFS", 0x517B: "SMB", 0xFF53_4D42: "SMB", 0xFE53_4D42: "SMB", 0x0102_1997: "9P",
    0x00C3_6400: "Ceph", 0x5346_414F: "AFS",
  ]
  return names[unsafe path.withCString { unsafe cs_file_system_of($0) }]
}

/// A file in the making that is written whole or not at all: a program that opens it by its name finds
/// the old content or the new, also after a crash. It stands beside the final one under a name which no
/// `*` matches, and is gone unless it is published.
///
/// All is done in one open directory and nothing is followed, so that users who may write to the
/// directory can lead it nowhere else.
package struct FileDraft: ~Copyable {
  package let path: String
  package let file: Descriptor
  private let folder: Descriptor
  private let name: String

  /// - Parameter path: the final path; what is there already is replaced.
  package init(for path: String) throws(SystemError) {
    let folder = try FileDraft.openFolder(of: path)
    let start = ".\(fileName(of: path))."
    removeLeftovers(inDirectory: directory(of: path)) { name in
      name.hasPrefix(start) ? pid_t(name.dropFirst(start.count)) : nil
    }
    let name = "\(start)\(getpid())"
    // What has the name already was left by a process that is dead, or planted.
    _ = unsafe unlinkat(folder.number, name, 0)
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
    do throws(SystemError) {
      file = try folder.open(name, flags, mode: 0o600, called: path)
    } catch {
      throw SystemError("create", path, code: error.code)
    }
    self.folder = folder
    self.name = name
    self.path = path
  }

  deinit { _ = unsafe unlinkat(folder.number, name, 0) }

  /// Makes the draft durable under its final name.
  ///
  /// - Parameter mode: the permission bits of the file, whatever the umask.
  package consuming func publish(mode: mode_t) throws(SystemError) {
    try file.setMode(mode, of: path)
    try file.synchronize(as: path)
    guard unsafe renameat(folder.number, name, folder.number, fileName(of: path)) == 0 else {
      throw SystemError("rename", path)
    }
    _ = fsync(folder.number)
  }

  private static func openFolder(of path: String) throws(SystemError) -> Descriptor {
    do throws(SystemError) {
      return try Descriptor.open(directory(of: path), O_RDONLY | O_DIRECTORY)
    } catch {
      throw SystemError("create", path, code: error.code)
    }
  }
}

/// Removes the drafts in a directory that processes have left which were killed: each has its
/// maker's process id in its name, so none would ever be written over.
///
/// - Parameter maker: the process that a file's name says has made it; nil for a file that is no
///   draft.
package func removeLeftovers(inDirectory path: String, madeBy maker: (String) -> pid_t?) {
  for name in (try? names(inDirectory: path)) ?? [] {
    guard let process = maker(name), process > 0, kill(process, 0) != 0, errno == ESRCH else {
      continue
    }
    try? remove("\(path)/\(name)")
  }
}
