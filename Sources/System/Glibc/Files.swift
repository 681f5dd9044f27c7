import CSystem
import Glibc

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

/// Makes a file's content, or a directory's entries, survive a power loss. The corresponding C
/// function is `fsync`.
package func synchronize(_ path: String) throws(SystemError) {
  let opened = try Descriptor.open(path, O_RDONLY)
  guard retryingOnInterrupt({ fsync(opened.number) }) == 0 else {
    throw SystemError("write out", path)
  }
}

/// Makes all that was written to the file system of an open file survive a power loss. The
/// corresponding C function is `syncfs`.
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

/// The absolute path of what a path leads to, without links. The corresponding C function is
/// `realpath`.
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

/// Gives the names in a directory, without `.` and `..`, in the order of their bytes.
///
/// The corresponding C functions are `opendir` and `readdir`.
///
/// - Throws: `SystemError` naming the directory.
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

/// A file system on another machine.
package struct NetworkFileSystem: Sendable {
  /// What it is called: `NFS`.
  package let name: String

  /// The one that a path leads to; nil where the disk is this machine's, or nothing is known of it. The
  /// corresponding C function is `statfs`.
  package init?(of path: String) {
    let type = unsafe path.withCString { unsafe cs_file_system_of($0) }
    // linux/magic.h, and the sources of cifs.
    let names: [Int64: String] = [
      0x6969: "NFS", 0x517B: "SMB", 0xFF53_4D42: "SMB", 0xFE53_4D42: "SMB", 0x0102_1997: "9P",
      0x00C3_6400: "Ceph", 0x5346_414F: "AFS",
    ]
    guard let name = names[type] else { return nil }
    self.name = name
  }
}
