import Glibc
import System

/// What people and programs asked for.
enum StandardOutput {
  /// Writes bytes, all of them.
  ///
  /// - Throws: `SystemError`, as on a full disk.
  static func write(_ bytes: [UInt8]) throws(SystemError) {
    var done = 0
    while done < bytes.count {
      let wrote = unsafe bytes.withUnsafeBytes { buffer in
        retryingOnInterrupt {
          unsafe Glibc.write(
            STDOUT_FILENO, buffer.baseAddress?.advanced(by: done), buffer.count - done)
        }
      }
      if wrote < 0 { throw SystemError("write to", "standard output") }
      done += wrote
    }
  }

  /// Writes lines.
  static func write(_ lines: [String]) throws(SystemError) {
    try write(Array(lines.map { $0 + "\n" }.joined().utf8))
  }
}
