import Glibc
import System

/// The rotated logs beside a log: `LOG.1`, the youngest, then `LOG.2.gz`, `LOG.3.gz`, ….
///
/// The youngest stays as it is, for programs that were running may still write to it; older ones
/// are packed by `gzip(1)`, which every Debian has and logrotate uses too.
struct RotatedLogs {
  /// The path of the log.
  let log: String
  /// How many are kept.
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

  /// Removes those past the limit, which was higher before.
  ///
  /// - Returns: how many.
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

  /// Packs all but the youngest that are not packed yet.
  ///
  /// - Returns: how many.
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
