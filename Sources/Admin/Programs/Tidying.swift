import Support
import Glibc
import Ledger
import Sweep
import System

/// Folds old hours into days and removes old history from the database, in small steps that keep the
/// write-ahead log short, so that sweeps go on meanwhile.
struct Tidying {
  private let settings: Settings
  private let ledger: Ledger
  private var pruning: Pruning
  private let now: Int64

  /// Bytes of write-ahead log from which on it is moved into the database.
  private static let longestLog: Int64 = 128 << 10

  /// - Throws: `LedgerError`.
  init(_ settings: Settings, _ log: Log, isDryRun: Bool, at now: Int64) throws {
    self.settings = settings
    self.now = now
    ledger =
      isDryRun
      ? try Ledger.open(
        settings.database, for: .dryRun, rules: settings.rules, zone: settings.zone)
      : try Ledger.open(settings, log)
    pruning = Pruning(ledger, keeping: settings.retentionDays, at: now)
  }

  /// How many rows are past keeping, by table.
  func count() throws -> [(table: String, rows: Int)] { try pruning.count() }

  /// Does it all.
  ///
  /// - Returns: how many hours went into their days, and how many rows were removed, by table.
  mutating func run() throws -> (folded: Int, removed: [(table: String, rows: Int)]) {
    try ledger.maintenance.makeCommitsQuick()
    var folded = 0
    while let rows = try givingWay({
      try ledger.maintenance.foldDay(keeping: settings.hourlyDays, at: now)
    }) { folded += rows }
    let progress = Progress("pruning")
    // Counting takes a while itself, and only a person who watches wants to know.
    let total = progress.isShown ? try count().reduce(0) { $0 + $1.rows } : 0
    var done = 0
    while let rows = try givingWay({ try pruning.step() }) {
      done += rows
      progress.show(done, of: total)
    }
    try checkpoint()
    return (folded, pruning.removed)
  }

  /// Takes a step, and lets others have the lock after it.
  ///
  /// - Returns: how many rows it changed; nil at the end.
  private func givingWay(_ step: () throws -> Int?) throws -> Int? {
    let began = Clock.monotonic
    guard let rows = try step() else { return nil }
    try shortenLog()
    // The lock is free for longer than it was taken: a sweep that waits for it gets it.
    rest(twice: Clock.monotonic - began)
    return rows
  }

  /// Lets a sweep that is under way end first: it holds the lock, and empties the log itself.
  private func shortenLog() throws {
    let name = "\(settings.database)-wal"
    while (size(ofFile: name) ?? 0) > Tidying.longestLog {
      if try checkpoint() { return }
      usleep(20_000)
    }
  }

  /// - Returns: whether the log is empty now.
  @discardableResult
  private func checkpoint() throws -> Bool {
    guard let lock = try StateLock.attempt(.sweep, beside: settings.database) else { return false }
    let isEmpty = try ledger.maintenance.checkpoint()
    _ = consume lock
    return isEmpty
  }

  private func rest(twice time: Duration) {
    let microseconds = time.components.attoseconds / 1_000_000_000_000 * 2
    usleep(UInt32(max(1000, min(microseconds, 100_000))))
  }
}
