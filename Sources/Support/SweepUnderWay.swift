import System

extension StateLock {
  /// Takes the right to sweep, and waits a little for a sweep that is under way.
  ///
  /// - Throws: `SystemError`, or `SweepUnderWay` when the time is up.
  package static func takeSweep(beside database: String, within time: Duration) throws -> StateLock
  {
    guard let lock = try attempt(.sweep, beside: database, patience: time) else {
      throw SweepUnderWay()
    }
    return lock
  }
}

/// Another program is sweeping now; the only reason for exit status 75.
package struct SweepUnderWay: UserFacingError {
  /// The error of a program that found the lock taken.
  package init() {}

  package var message: String { "another sweep is under way" }
  package var hint: String? { "it takes a few seconds; try again, or leave it to the timer" }
  package var exitStatus: ExitStatus { .locked }
}
