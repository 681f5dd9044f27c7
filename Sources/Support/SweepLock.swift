import Glibc
import System

/// The right to sweep, held by one program at a time.
///
/// An exclusive `flock(2)` on the directory of the database: there is no lock file, so nothing has
/// an owner or a mode to get wrong, and a program that dies lets go of it. Whoever holds it may
/// checkpoint the write-ahead log.
package struct SweepLock: ~Copyable {
  private let directory: Descriptor

  /// Takes the lock if it is free. It is let go of when the value's life ends.
  ///
  /// - Parameters:
  ///   - database: the database's path, the setting `DATABASE`.
  ///   - patience: how long to wait for it: `quota-rotate` holds it for moments, which must not cost
  ///     a sweep.
  /// - Returns: the lock, or nil if another program holds it. A program that needs it ends with
  ///   `SweepLockTaken`.
  /// - Throws: `SystemError` when the directory is missing or may not be read.
  package static func attempt(
    beside database: String, patience: Duration = .zero
  ) throws(SystemError) -> SweepLock? {
    let path = System.directory(of: database)
    let opened = try Descriptor.open(path, O_RDONLY | O_DIRECTORY)
    let number = opened.number
    let end = Clock.monotonic + patience
    while retryingOnInterrupt({ flock(number, LOCK_EX | LOCK_NB) }) != 0 {
      guard errno == EWOULDBLOCK else { throw SystemError("lock", path) }
      guard Clock.monotonic < end else { return nil }
      usleep(10_000)
    }
    return SweepLock(directory: opened)
  }

  /// Takes the lock, and waits a little for a sweep that is under way.
  ///
  /// - Throws: `SystemError`, or `SweepLockTaken` when the time is up.
  package static func take(beside database: String, within time: Duration) throws -> SweepLock {
    guard let lock = try attempt(beside: database, patience: time) else { throw SweepLockTaken() }
    return lock
  }
}

/// Another program is sweeping now; the only reason for exit status 75.
package struct SweepLockTaken: Explained {
  /// The complaint of a program that found the lock taken.
  package init() {}

  package var message: String { "another sweep is under way" }
  package var hint: String? { "it takes a few seconds; try again, or leave it to the timer" }
  package var exitStatus: ExitStatus { .locked }
}
