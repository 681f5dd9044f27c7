import System

/// Holds the right to sweep beside a database, as a sweep that is under way does, until it is let go.
package struct SweepElsewhere: ~Copyable {
  private let lock: StateLock

  package init(beside database: String) throws {
    guard let lock = try StateLock.attempt(.sweep, beside: database) else { throw Taken() }
    self.lock = lock
  }

  private struct Taken: Error {}
}
