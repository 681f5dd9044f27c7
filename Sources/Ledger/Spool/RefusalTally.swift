import Glibc
import System
import Quota

/// How often one user was turned away for one reason, in one run of tries.
///
/// A refused client may come back every few seconds for days. The tally is one file that every
/// refusal is folded into, so that the spool grows with users and not with tries, and its numbers
/// are absolute, so that taking it in twice counts nothing twice.
package struct RefusalTally: Equatable, Sendable {
  package let user: UserName
  package let reason: Reason
  /// The first refusal of this run, in seconds since 1970; with it the run's event is found again.
  package let since: Int64
  package var count: Int64
  package var last: Int64
  /// When a line about it was last written to the log.
  package var loggedAt: Int64
  /// The file of the record that was folded in last: folding it again changes nothing.
  var folded: String

  /// Seconds without a refusal after which the next one begins a new run.
  static let pause: Int64 = 3600
  /// Seconds between two lines in the log about the same run.
  package static let logInterval: Int64 = 600

  /// The event that tells of this run.
  package var event: Event {
    Event(
      at: since, user: user, kind: .refused, detail: reason.rawValue, count: count, lastAt: last)
  }

  /// Whether the next refusal would begin a new run.
  package func isOver(at time: Int64) -> Bool { time - last > RefusalTally.pause || time < since }

  /// The name of the file: reason and user, with a digest in place of the end of a long name.
  static func fileName(_ user: UserName, _ reason: Reason) -> String {
    var name = Array("tally-\(reason.rawValue)-".utf8)
    name.appendShortened(user.bytes, to: 48)
    return String(decoding: name, as: UTF8.self)
  }
}

extension RefusalTally {
  var encoded: [UInt8] {
    var fields = FieldWriter()
    fields.write("user", user.bytes)
    fields.write("reason", reason.rawValue)
    fields.write("since", since)
    fields.write("count", count)
    fields.write("last", last)
    fields.write("logged-at", loggedAt)
    fields.write("folded", folded)
    return fields.finished
  }

  init?(content: [UInt8]) {
    guard let fields = FieldReader(content), let user = fields["user"],
      let reason = fields.text("reason").flatMap(Reason.init(rawValue:)),
      let since = fields.integer("since"), let count = fields.integer("count"),
      let last = fields.integer("last"), let loggedAt = fields.integer("logged-at"),
      let folded = fields.text("folded")
    else { return nil }
    self.init(
      user: UserName(bytes: user), reason: reason, since: since, count: count, last: last,
      loggedAt: loggedAt, folded: folded)
  }
}

extension Spool {
  /// The present run of refusals of a user for a reason, nil where there is none.
  package func tally(of user: UserName, _ reason: Reason, at time: Int64) -> RefusalTally? {
    let name = RefusalTally.fileName(user, reason)
    guard let content = try? content(of: name),
      let tally = RefusalTally(content: content), tally.user == user, !tally.isOver(at: time)
    else { return nil }
    return tally
  }

  /// Folds the record of one refusal into its user's tally and removes it.
  ///
  /// - Returns: false where somebody else is folding at this moment and does not finish; the
  ///   record stays for the sweep.
  @discardableResult
  package func fold(_ refusal: Refusal) throws(SystemError) -> Bool {
    guard let lock = try lock() else { return false }
    let record = SpoolRecord.refused(refusal)
    var tally =
      tally(of: refusal.user, refusal.reason, at: refusal.at)
      ?? RefusalTally(
        user: refusal.user, reason: refusal.reason, since: refusal.at, count: 0,
        last: refusal.at, loggedAt: refusal.at, folded: "")
    if tally.folded != record.fileName {
      tally.count += 1
      tally.last = max(tally.last, refusal.at)
      if refusal.wasLogged { tally.loggedAt = refusal.at }
      tally.folded = record.fileName
      try write(tally.encoded, to: RefusalTally.fileName(refusal.user, refusal.reason))
    }
    try remove(record)
    _ = consume lock
    return true
  }

  /// Removes a tally whose run is over, unless a new one has begun in its place.
  func remove(_ tally: RefusalTally) throws(SystemError) {
    guard let lock = try lock() else { return }
    let name = RefusalTally.fileName(tally.user, tally.reason)
    if let content = try? contents(ofFile: path + "/" + name),
      RefusalTally(content: content) == tally
    {
      try removeFile(name)
    }
    _ = consume lock
  }

  /// Takes the lock on the directory that guards reading a tally and writing it back: never for
  /// longer than that takes, so a few short tries do.
  private func lock() throws(SystemError) -> Descriptor? {
    let directory = try Descriptor.open(path, O_RDONLY | O_DIRECTORY)
    for _ in 0..<10 {
      if flock(directory.number, LOCK_EX | LOCK_NB) == 0 { return directory }
      usleep(1000)
    }
    return nil
  }
}
