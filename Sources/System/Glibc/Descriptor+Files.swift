import CSystem
import Glibc

extension Descriptor {
  /// A second descriptor for standard input, which stays open when this one is closed.
  package static var standardInput: Descriptor { Descriptor(owning: dup(STDIN_FILENO)) }

  /// A second descriptor for standard output, which stays open when this one is closed.
  package static var standardOutput: Descriptor { Descriptor(owning: dup(STDOUT_FILENO)) }

  /// A second descriptor for standard error, which stays open when this one is closed.
  package static var standardError: Descriptor { Descriptor(owning: dup(STDERR_FILENO)) }

  /// A file in memory that has no name, open at its beginning. The corresponding C function is
  /// `memfd_create`.
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

  /// Writes all that another file holds.
  ///
  /// - Parameter subject: what an error calls the file that is written.
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

  /// Opens a file. The corresponding C function is `open`; `O_CLOEXEC` is always added.
  ///
  /// - Throws: `SystemError` naming the path.
  package static func open(
    _ path: String, _ flags: Int32, mode: mode_t = 0
  ) throws(SystemError) -> Descriptor {
    let number = retryingOnInterrupt { unsafe Glibc.open(path, flags | O_CLOEXEC, mode) }
    guard number >= 0 else { throw SystemError("open", path) }
    return Descriptor(owning: number)
  }

  /// Opens a file in the directory that this is open on. The corresponding C function is `openat`;
  /// `O_CLOEXEC` is always added.
  ///
  /// - Parameter subject: what an error calls the file.
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
