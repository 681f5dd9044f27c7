import CSystem

/// An open file descriptor, closed when its owner lets go of it.
///
/// Public, as Embedded Swift wants it of a noncopyable type with a `deinit` that modules share.
public struct Descriptor: ~Copyable {
  /// The number the kernel knows it by; valid as long as this value lives.
  package let number: Int32

  /// Takes over a descriptor that nobody else will close.
  package init(owning number: Int32) { self.number = number }

  deinit { _ = cs_close(number) }

  /// Opens a file for reading, without waiting where it is a pipe (`open`).
  ///
  /// - Throws: `SystemError` naming the path.
  package init(readingWithoutWaiting path: String) throws(SystemError) {
    let number = retryingOnInterrupt { unsafe path.withCString { unsafe cs_open_file($0) } }
    guard number >= 0 else { throw SystemError("open", path) }
    self.init(owning: number)
  }

  /// Writes all of the bytes, however many calls that takes (`write`).
  package borrowing func write(
    _ bytes: Span<UInt8>, to subject: String
  ) throws(SystemError) {
    var done = 0
    while done < bytes.count {
      done += try writeOnce(bytes.extracting(done...), to: subject)
    }
  }

  /// Writes in one call, and says how many of the bytes went in.
  package borrowing func writeOnce(
    _ bytes: Span<UInt8>, to subject: String
  ) throws(SystemError) -> Int {
    let wrote = unsafe bytes.withUnsafeBytes { rest in
      retryingOnInterrupt { unsafe cs_write(number, rest.baseAddress, rest.count) }
    }
    guard wrote >= 0 else { throw SystemError("write to", subject) }
    return Int(wrote)
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
      let chunk = try readStart(atMost: size, of: subject)
      if chunk.isEmpty { return bytes }
      if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
      if bytes.count > limit { throw SystemError("read", subject, code: SystemError.tooLarge) }
      size = min(size * 2, 1 << 20)
    }
  }

  /// Reads what there is, up to a number of bytes. The corresponding C function is `read`.
  package borrowing func readStart(
    atMost limit: Int, of subject: String = "a file"
  ) throws(SystemError) -> [UInt8] {
    unsafe try reading(limit, of: subject) { unsafe cs_read(number, $0, limit) }
  }

  /// Reads up to a number of bytes from a place in the file; fewer only at its end (`pread`).
  package borrowing func read(
    atMost limit: Int, at position: Int64, of subject: String
  ) throws(SystemError) -> [UInt8] {
    unsafe try reading(limit, of: subject) { unsafe cs_read_at(number, $0, limit, position) }
  }

  /// Reads into a part of a buffer from a place in the file. The corresponding C function is `pread`.
  ///
  /// - Returns: the number of bytes read; fewer than the part has only at the file's end.
  package borrowing func read(
    into buffer: inout [UInt8], _ part: Range<Int>, at position: Int64, of subject: String
  ) throws(SystemError) -> Int {
    let got = unsafe buffer.withUnsafeMutableBytes { bytes in
      let part = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[part])
      return retryingOnInterrupt {
        unsafe cs_read_at(number, part.baseAddress, part.count, position)
      }
    }
    guard got >= 0 else { throw SystemError("read", subject) }
    return Int(got)
  }

  private borrowing func reading(
    _ limit: Int, of subject: String, _ call: (UnsafeMutableRawPointer?) -> Int64
  ) throws(SystemError) -> [UInt8] {
    var got: Int64 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
      got = retryingOnInterrupt { unsafe call(buffer.baseAddress) }
      count = max(0, Int(got))
    }
    guard got >= 0 else { throw SystemError("read", subject) }
    return bytes
  }

  /// The first position from this one on that is not in a hole, nil where the file has no more. The
  /// corresponding C function is `lseek` with `SEEK_DATA`.
  package borrowing func data(
    from position: Int64, of subject: String
  ) throws(SystemError) -> Int64? {
    let found = cs_seek_data(number, position)
    if found >= 0 { return found }
    let error = SystemError("read", subject)
    switch error.code {
    case SystemError.noSuchPlace: return nil
    // A file system that knows no holes.
    case SystemError.invalid: return position
    default: throw error
    }
  }

  /// Reserves room on the disk, so that what is appended later finds room on a full one; the file's
  /// size stays. The corresponding C function is `fallocate` with `FALLOC_FL_KEEP_SIZE`.
  ///
  /// - Returns: whether the file system did so.
  package borrowing func reserve(_ size: Int64) -> Bool {
    retryingOnInterrupt { cs_reserve(number, size) } == 0
  }

  /// Makes what was written survive a power loss (`fsync`, or `fdatasync` without times and the like).
  package borrowing func synchronize(
    onlyData: Bool = false, as subject: String
  ) throws(SystemError) {
    guard retryingOnInterrupt({ cs_synchronize(number, onlyData ? 1 : 0) }) == 0 else {
      throw SystemError("write to", subject)
    }
  }

  /// Gives this file the owner, the group, the mode and the access list (`setfacl`) of another one.
  package borrowing func takeRights(
    of other: borrowing Descriptor, called subject: String
  ) throws(SystemError) {
    guard cs_copy_rights(other.number, number) == 0 else {
      throw SystemError("pass on the rights of", subject)
    }
  }

  /// Sets the permission bits whatever the umask was. The corresponding C function is `fchmod`.
  package borrowing func setMode(_ mode: UInt32, of subject: String) throws(SystemError) {
    guard cs_change_mode(number, mode) == 0 else {
      throw SystemError("change the mode of", subject)
    }
  }
}

/// Puts bytes in the place of what a file holds that this process's user made, in whatever directory:
/// it must be there, under one name, and no link. The corresponding C functions are `openat` with
/// `O_NOFOLLOW`, and `ftruncate`.
///
/// - Throws: `SystemError` naming the path; `EPERM` for a file that is not such a one.
package func replaceContents(
  ofOwnFile path: String, with bytes: Span<UInt8>
) throws(SystemError) {
  // OpenVPN's `tmp-dir` may be relative: AT_FDCWD.
  let number = retryingOnInterrupt {
    unsafe path.withCString { unsafe cs_open_at(-100, $0, CS_OVERWRITE, 0) }
  }
  guard number >= 0 else { throw SystemError("open", path) }
  let file = Descriptor(owning: number)
  let status = try FileStatus(of: file, called: path)
  guard status.kind == .regular, status.links == 1, status.owner == cs_user_id() else {
    throw SystemError("trust", path, code: SystemError.notPermitted)
  }
  guard retryingOnInterrupt({ cs_empty(file.number) }) == 0 else {
    throw SystemError("write to", path)
  }
  try file.write(bytes, to: path)
}

/// Gives the whole content of a regular file, and waits for nobody: what is a pipe, a device or a
/// directory is refused. The corresponding C functions are `open` with `O_NONBLOCK`, and `fstat`.
///
/// - Throws: `SystemError` naming the path; `EINVAL` for what is no regular file, `EFBIG` past
///   `limit` bytes.
package func contents(
  ofRegularFile path: String, limit: Int
) throws(SystemError) -> [UInt8] {
  let file = try Descriptor(readingWithoutWaiting: path)
  let status = try FileStatus(of: file, called: path)
  guard status.kind == .regular else {
    throw SystemError(
      "read", "\(path), which is not a regular file", code: SystemError.invalid)
  }
  // One byte more than there should be; below /proc no size is stated.
  let size = max(Int(status.size), 4095)
  let bytes = try file.readStart(atMost: min(size, limit) + 1, of: path)
  guard bytes.count <= limit else { throw SystemError("read", path, code: SystemError.tooLarge) }
  return bytes
}
