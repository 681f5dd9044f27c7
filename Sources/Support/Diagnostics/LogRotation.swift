import Glibc
import Quota
import System

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

  package struct Outcome: Equatable, Sendable {
    /// Bytes of the log that was put aside; nil if none was.
    package var rotated: Int64?
    package var packed = 0
    package var removed = 0
  }

  /// - Parameter limit: the setting `MAX_LOG_SIZE`: bytes that may be exceeded once; 0 for any number.
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
package struct RotationError: UserFacingError {
  package let message: String
  package let hint: String?
  package let exitStatus: ExitStatus

  /// `gzip` failed, and has said why on standard error.
  static func gzip(_ path: String) -> RotationError {
    RotationError(
      message: "cannot pack \(path): gzip failed",
      hint: "the log is as it was, and is packed with the next rotation", exitStatus: .inputOutput)
  }

  /// The log is a link, a pipe or a device.
  static func notAFile(_ path: String) -> RotationError {
    RotationError(
      message: "cannot rotate \(path): it is not a regular file",
      hint: "set LOG_FILE to the file itself, or MAX_LOG_SIZE=0 to have no rotation",
      exitStatus: .configuration)
  }
}

/// The rotated logs beside a log: `LOG.1`, the youngest, then `LOG.2.gz`, `LOG.3.gz`, ….
///
/// The youngest stays as it is, for programs that were running may still write to it; older ones
/// are packed by `gzip(1)`, which every Debian has and logrotate uses too.
struct RotatedLogs {
  let log: String
  let limit: Int

  /// The most that any setting keeps; more than that were never made.
  private static let most = 99

  func plain(_ number: Int) -> String { "\(log).\(number)" }

  private func packed(_ number: Int) -> String { "\(log).\(number).gz" }

  /// Those of the two names of a generation that are taken; both are where packing was cut short.
  private func files(_ number: Int) -> [String] {
    [plain(number), packed(number)].filter { (try? FileStatus(ofLink: $0)) != nil }
  }

  /// Moves each one up by a number, as far as there is no gap, so that number 1 is free. A gap is
  /// what a run that was cut short has left: the next one goes on there.
  func makeRoom() throws(SystemError) {
    let gap = (1...limit).first { files($0).isEmpty }
    if gap == nil { for file in files(limit) { try remove(file) } }
    for number in (1..<(gap ?? limit)).reversed() {
      for file in files(number) {
        try rename(file, to: file == plain(number) ? plain(number + 1) : packed(number + 1))
      }
    }
  }

  /// - Returns: how many were removed of those past the limit, which was higher before.
  func removeSurplus() throws(SystemError) -> Int {
    var count = 0
    for number in limit + 1..<RotatedLogs.most + 1 {
      for file in files(number) {
        try remove(file)
        count += 1
      }
    }
    return count
  }

  /// - Returns: how many were packed: all but the youngest that are not packed yet.
  func packOlder() throws -> Int {
    guard limit > 1 else { return 0 }
    var count = 0
    for number in 2...limit where files(number).contains(plain(number)) {
      if try pack(number) { count += 1 }
    }
    return count
  }

  /// Packs one, unless a program still writes to it: the next rotation is soon enough. It is whole
  /// on the disk before the plain one goes.
  private func pack(_ number: Int) throws -> Bool {
    let path = plain(number)
    let draft = "\(packed(number)).new"
    do {
      let file = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
      guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else { return false }
      let status = try FileStatus(of: file, called: path)
      guard status.kind == .regular else { return false }
      let output = try Descriptor.draft(draft, like: status)
      if try System.run(["gzip", "-c"], input: file, output: output) == 0 {
        try output.synchronize(as: draft)
        try rename(draft, to: packed(number))
        try remove(path)
        return true
      }
      throw RotationError.gzip(path)
    } catch {
      try? remove(draft)
      throw error
    }
  }
}

extension Descriptor {
  /// Makes a new file with the owner, group and mode of another one. A program that is not allowed to give
  /// it to that owner keeps it; the group has to be the same, for it may be all that lets others in.
  static func draft(_ path: String, like model: FileStatus) throws(SystemError) -> Descriptor {
    // What has the name was left by a run that was cut short, or planted.
    try remove(path)
    let file = try open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
    let own = try FileStatus(of: file, called: path)
    if own.group != model.group {
      guard fchown(file.number, uid_t.max, model.group) == 0 else {
        throw SystemError("change the group of", path)
      }
    }
    // Before it is given away: then it takes a right more.
    try file.setMode(model.mode & 0o777, of: path)
    if own.owner != model.owner { _ = fchown(file.number, model.owner, gid_t.max) }
    return file
  }
}
