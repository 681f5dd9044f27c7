import Glibc

/// An open file descriptor, closed when its owner lets go of it.
package struct Descriptor: ~Copyable {
  /// The number the kernel knows it by; valid as long as this value lives.
  package let number: Int32

  /// Takes over a descriptor that nobody else will close.
  package init(owning number: Int32) { self.number = number }

  deinit { close(number) }

  /// A second descriptor for standard input, which stays open when this one is closed.
  package static var standardInput: Descriptor { Descriptor(owning: dup(STDIN_FILENO)) }

  /// A second descriptor for standard output, which stays open when this one is closed.
  package static var standardOutput: Descriptor { Descriptor(owning: dup(STDOUT_FILENO)) }

  /// A second descriptor for standard error, which stays open when this one is closed.
  package static var standardError: Descriptor { Descriptor(owning: dup(STDERR_FILENO)) }

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

  /// Writes all of the bytes, however many calls that takes.
  package borrowing func write(
    _ bytes: Span<UInt8>, to subject: String
  ) throws(SystemError) {
    var done = 0
    while done < bytes.count {
      let wrote = unsafe bytes.extracting(done...).withUnsafeBytes { rest in
        retryingOnInterrupt { unsafe Glibc.write(number, rest.baseAddress, rest.count) }
      }
      guard wrote >= 0 else { throw SystemError("write to", subject) }
      done += wrote
    }
  }

  /// Reads from the present position to the end.
  ///
  /// - Parameter limit: the most bytes to give; a longer file throws `EFBIG`.
  package borrowing func readToEnd(
    of subject: String, limit: Int = 16 << 20
  ) throws(SystemError) -> [UInt8] {
    var bytes: [UInt8] = []
    var size = 4096
    while true {
      let room = size
      var got = 0
      let chunk = unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
        got = retryingOnInterrupt {
          unsafe Glibc.read(number, buffer.baseAddress, room)
        }
        count = max(got, 0)
      }
      if got < 0 { throw SystemError("read", subject) }
      if got == 0 { return bytes }
      if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
      if bytes.count > limit { throw SystemError("read", subject, code: EFBIG) }
      size = min(size * 2, 1 << 20)
    }
  }

  /// Reads what there is, up to a number of bytes.
  package borrowing func readStart(
    atMost limit: Int, of subject: String = "a file"
  ) throws(SystemError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: limit)
    let got = unsafe bytes.withUnsafeMutableBytes { buffer in
      retryingOnInterrupt { unsafe Glibc.read(number, buffer.baseAddress, limit) }
    }
    guard got >= 0 else { throw SystemError("read", subject) }
    return Array(bytes.prefix(got))
  }

  /// Sets the permission bits whatever the umask was. The corresponding C function is `fchmod`.
  package borrowing func setMode(_ mode: mode_t, of subject: String) throws(SystemError) {
    guard fchmod(number, mode) == 0 else { throw SystemError("change the mode of", subject) }
  }
}

/// Gives the whole content of a file.
///
/// - Throws: `SystemError` naming the path; `EFBIG` past `limit` bytes.
package func contents(ofFile path: String, limit: Int = 16 << 20) throws(SystemError) -> [UInt8] {
  let file = try Descriptor.open(path, O_RDONLY)
  return try file.readToEnd(of: path, limit: limit)
}
