import Quota
import SQLite

/// How often one user was refused for one reason, in one run of tries.
///
/// A refused client may come back every few seconds for days, so a run is one event with a count,
/// and the log tells of it now and then.
package struct RefusalRun: Equatable, Sendable {
  package let user: UserName
  package let reason: Reason
  /// The first refusal of this run, in seconds since 1970; its event is found by it.
  package let since: Int64
  package fileprivate(set) var count: Int64
  package fileprivate(set) var last: Int64
  /// When a line about it was last written to the log.
  fileprivate var loggedAt: Int64

  /// Seconds without a refusal after which the next one begins a new run.
  private static let pause: Int64 = 3600
  /// Seconds between two lines in the log about the same run.
  private static let logInterval: Int64 = 600

  fileprivate init(_ user: UserName, _ reason: Reason, at time: Int64) {
    self.init(user, reason, since: time, count: 0, last: time, loggedAt: .min)
  }

  fileprivate init(
    _ user: UserName, _ reason: Reason, since: Int64, count: Int64, last: Int64, loggedAt: Int64
  ) {
    self.user = user
    self.reason = reason
    self.since = since
    self.count = count
    self.last = last
    self.loggedAt = loggedAt
  }

  fileprivate func isOver(at time: Int64) -> Bool { time - last > Self.pause || time < since }

  fileprivate func isToBeLogged(at time: Int64) -> Bool {
    loggedAt == .min || time - loggedAt >= Self.logInterval
  }

  fileprivate static func pastEnd(at time: Int64) -> Int64 { time - pause }
}

/// The runs of refusals that records of the journal belong to.
struct RefusalRuns {
  private let ledger: Ledger
  private var runs: [Key: RefusalRun] = [:]
  private var finished: [RefusalRun] = []
  /// Those that are due for a line in the log.
  private(set) var toLog: [RefusalRun] = []

  private struct Key: Hashable {
    let user: UserName
    let reason: Reason
  }

  init(_ ledger: Ledger) { self.ledger = ledger }

  /// Counts a refusal.
  ///
  /// - Parameter mayBeKnown: whether the journal is read once more, so that what is not later than
  ///   the last refusal was counted before.
  mutating func add(
    _ user: UserName, _ reason: Reason, at time: Int64, mayBeKnown: Bool
  ) throws(SQLiteError) {
    let key = Key(user: user, reason: reason)
    var run = runs[key]
    if run == nil { run = try stored(user, reason) }
    if mayBeKnown, let run, time <= run.last { return }
    if let earlier = run, earlier.isOver(at: time) {
      finished.append(earlier)
      run = nil
    }
    var present = run ?? RefusalRun(user, reason, at: time)
    present.count += 1
    present.last = max(present.last, time)
    if present.isToBeLogged(at: time) {
      present.loggedAt = time
      toLog.removeAll { $0.user == user && $0.reason == reason && $0.since == present.since }
      toLog.append(present)
    }
    runs[key] = present
  }

  /// Writes the runs down, each with its event and its notice.
  mutating func write() throws(SQLiteError) {
    if runs.isEmpty { return }
    for run in finished + runs.values.sorted(by: { $0.since < $1.since }) {
      try ledger.events.record(
        Event(
          at: run.since, user: run.user, kind: .refused, detail: run.reason.rawValue,
          count: run.count, lastAt: run.last))
      try ledger.notices.note(.refused, run.reason, of: run.user, at: run.since)
    }
    var save = try ledger.database.prepare(
      "INSERT OR REPLACE INTO refusals VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
    for run in runs.values {
      save.bind(1, bytes: run.user.bytes)
      save.bind(2, run.reason.rawValue)
      save.bind(3, run.since)
      save.bind(4, run.count)
      save.bind(5, run.last)
      save.bind(6, run.loggedAt)
      try save.run()
    }
    let latest = runs.values.map(\.last).max() ?? 0
    var forget = try ledger.database.prepare("DELETE FROM refusals WHERE last_at < ?1")
    forget.bind(1, RefusalRun.pastEnd(at: latest))
    try forget.run()
    runs = [:]
    finished = []
  }

  private func stored(_ user: UserName, _ reason: Reason) throws(SQLiteError) -> RefusalRun? {
    var find = try ledger.database.prepare(
      """
      SELECT since, count, last_at, logged_at FROM refusals WHERE username = ?1 AND reason = ?2
      """)
    find.bind(1, bytes: user.bytes)
    find.bind(2, reason.rawValue)
    guard try find.step() else { return nil }
    return RefusalRun(
      user, reason, since: find.integer(0), count: find.integer(1), last: find.integer(2),
      loggedAt: find.integer(3))
  }
}
