import Glibc
import System
import Quota

/// Puts a log that has grown too large aside and begins a new one, while any number of programs go
/// on writing to it.
///
/// The log gets the name `LOG.1` as a second one first, and its own name passes to the new file in
/// one step (`link`, `rename`): at no moment is there no log, so nobody makes one with an owner of
/// its own, and a run that is cut short leaves nothing that the next one does not see and finish.
/// Programs that had it open write on to what is now `LOG.1`.
package struct LogRotation {
  private let logs: RotatedLogs
  private let limit: Int64

  /// What was done, or would be.
  package struct Outcome: Equatable, Sendable {
    /// Bytes of the log that was put aside; nil if none was.
    package var rotated: Int64?
    /// How many older logs were packed.
    package var packed = 0
    /// How many logs were removed for being too old.
    package var removed = 0
  }

  /// - Parameters:
  ///   - path: the setting `LOG_FILE`.
  ///   - limit: the setting `MAX_LOG_SIZE`: bytes that may be exceeded once; 0 for any number.
  ///   - generations: the setting `LOG_GENERATIONS`.
  package init(of path: String, limit: Int64, generations: Int) {
    logs = RotatedLogs(log: path, limit: generations)
    self.limit = limit
  }

  /// Whether root may rotate it: only where nobody else can change the directory of the log. Where
  /// another user can, that user, or the ledger's owner, has to do it.
  package static func mayBeRoot(for path: String) -> Bool {
    (try? FileStatus(of: directory(of: path)))?.isClosedToOthers == true
  }

  /// Whether there is a log that is due. With no limit and no force nothing is looked at: somebody
  /// else may rotate it, under the same names.
  ///
  /// - Parameter isForced: whatever its size, unless it is empty.
  /// - Returns: its size in bytes; nil if it is not due.
  /// - Throws: `RotationError` for what is not a file; `SystemError`.
  package func due(isForced: Bool) throws -> Int64? {
    guard limit > 0 || isForced, let status = try status() else { return nil }
    let isDue = isForced ? status.size > 0 : status.size > limit
    return isDue ? status.size : nil
  }

  /// Rotates the log if it is due, packs what is older and removes what is too old. Waits for
  /// another rotation that is under way.
  package func run(isForced: Bool) throws -> Outcome {
    guard limit > 0 || isForced, try status() != nil else { return Outcome() }
    var outcome = Outcome()
    let lock = try lockedLog()
    let successor = try finish(lock, isForced: isForced, &outcome)
    outcome.removed = try logs.removeSurplus()
    outcome.packed = try logs.packOlder()
    _ = consume successor
    _ = consume lock
    return outcome
  }

  /// Puts the log aside if it is due, or if an earlier run got as far as its second name.
  ///
  /// - Returns: the new log, locked before it has its name.
  private func finish(
    _ log: borrowing Descriptor, isForced: Bool, _ outcome: inout Outcome
  ) throws -> Descriptor? {
    let size = try due(isForced: isForced)
    let status = try FileStatus(of: log, called: logs.log)
    let isNamed = (try? FileStatus(ofLink: logs.plain(1)))?.isSameFile(as: status) == true
    guard isNamed || size != nil else { return nil }
    // First of all what may fail for want of space.
    let draft = "\(logs.log).new"
    let successor = try Descriptor.draft(draft, like: status)
    try successor.lock(of: draft)
    if !isNamed {
      try logs.makeRoom()
      try link(logs.log, to: logs.plain(1))
    }
    try rename(draft, to: logs.log)
    outcome.rotated = status.size
    return successor
  }

  /// What is known of the log; nil if there is none yet.
  private func status() throws -> FileStatus? {
    do throws(SystemError) {
      let status = try FileStatus(ofLink: logs.log)
      if status.kind == .regular { return status }
    } catch {
      if error.code == ENOENT { return nil }
      throw error
    }
    throw RotationError.notAFile(logs.log)
  }

  /// Takes the lock that keeps other rotations away, on the log itself: only users who may write to it
  /// can hold it. The process that held it before may have put that very file aside.
  private func lockedLog() throws(SystemError) -> Descriptor {
    while true {
      let flags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
      let file = try Descriptor.open(logs.log, flags)
      try file.lock(of: logs.log)
      let held = try FileStatus(of: file, called: logs.log)
      if try FileStatus(ofLink: logs.log).isSameFile(as: held) { return file }
    }
  }
}

extension Descriptor {
  /// Waits for the one lock on a file that rotations take, ten seconds at most. The corresponding C
  /// function is `lockf`; the locks of `flock`, which writers take, are others.
  fileprivate borrowing func lock(of subject: String) throws(SystemError) {
    let end = Clock.monotonic + .seconds(10)
    while lockf(number, F_TLOCK, 0) != 0 {
      let isTaken = errno == EAGAIN || errno == EACCES || errno == EINTR
      guard isTaken, Clock.monotonic < end else { throw SystemError("lock", subject) }
      usleep(10_000)
    }
  }
}

/// Why a log was not rotated, or not packed, other than that a system call failed.
package enum RotationError: UserFacingError {
  /// `gzip` did, and has said why on standard error.
  case gzip(String)
  /// The log is a link, a pipe or a device.
  case notAFile(String)

  package var message: String {
    switch self {
    case .gzip(let path): "cannot pack \(path): gzip failed"
    case .notAFile(let path): "cannot rotate \(path): it is not a regular file"
    }
  }

  package var hint: String? {
    switch self {
    case .gzip: "the log is as it was, and is packed with the next rotation"
    case .notAFile: "set LOG_FILE to the file itself, or MAX_LOG_SIZE=0 to have no rotation"
    }
  }

  package var exitStatus: ExitStatus {
    switch self {
    case .gzip: .inputOutput
    case .notAFile: .configuration
    }
  }
}
