import CSystem

/// A system call that failed, with what it was asked to work on.
///
/// Its description reads `cannot open /path: No such file or directory`.
package struct SystemError: Error, Equatable, CustomStringConvertible {
  /// What was tried, as a verb phrase: `open`, `connect to`, `rename`.
  package let call: String
  /// The file, directory or address the call was for.
  package let subject: String
  /// The value of `errno` after the call.
  package let code: Int32

  package init(_ call: String, _ subject: String, code: Int32 = cs_errno()) {
    self.call = call
    self.subject = subject
    self.code = code
  }

  package var description: String { "cannot \(call) \(subject): \(SystemError.message(of: code))" }

  /// The C library's text for an `errno` value, as `strerror` gives it.
  package static func message(of code: Int32) -> String {
    unsafe String(cString: cs_error_text(code))
  }
}

// Values of `errno` for code that is built for the hooks, where the C library cannot be imported;
// CSystem checks them.
extension SystemError {
  /// `EPERM`.
  package static let notPermitted: Int32 = 1
  /// `ENOENT`.
  package static let notFound: Int32 = 2
  /// `EINTR`.
  package static let interrupted: Int32 = 4
  /// `ENXIO`.
  package static let noSuchPlace: Int32 = 6
  /// `EINVAL`.
  package static let invalid: Int32 = 22
  /// `EFBIG`.
  package static let tooLarge: Int32 = 27
  /// `ENOSPC`.
  package static let noSpace: Int32 = 28
  /// `ENOSYS`.
  package static let notImplemented: Int32 = 38
}

/// Runs a system call until it is not interrupted by a signal.
///
/// Gives the call's result, or -1 with `errno` set to something other than `EINTR`.
package func retryingOnInterrupt<Result: FixedWidthInteger>(_ call: () -> Result) -> Result {
  while true {
    let result = call()
    if result != -1 || cs_errno() != SystemError.interrupted { return result }
  }
}
