import ArgumentParser
import Glibc
import Ledger
import Quota
import Support
import Sweep
import System

package struct RotateOptions: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "quota-rotate",
    abstract: "Rotates the log, removes history past its retention and tidies the database.",
    discussion: """
      A timer runs it once a day; a person may at any time. Neither hooks nor sweeps wait for it.

      EXAMPLES
        quota-rotate --dry-run --verbose  what would be rotated and removed now
        quota-rotate --force              rotate the log whatever its size
      """,
    version: version)

  package init() {}

  @Flag(help: "Show what would be done and change nothing.")
  var dryRun = false

  @Flag(help: "Rotate the log even if it is not too large yet.")
  var force = false

  @Option(help: ArgumentHelp("Read this file instead of the default.", valueName: "path"))
  var config: String?

  @Flag(help: "Write what was done to standard output.")
  var verbose = false
}

package enum RotateCommand {
  /// Rotates and prunes, each whatever becomes of the other, and says what was done.
  ///
  /// Root rotates the log where the log's directory is root's own, and is given up before anything
  /// else is done.
  ///
  /// - Returns: how the program ends: as the first thing that failed would have it.
  /// - Throws: an `UserFacingError` error for settings that cannot be used.
  package static func run(_ options: RotateOptions, _ diagnostics: DiagnosticPrinter) throws
    -> Support.ExitStatus
  {
    let settings = try diagnostics.settings(config: options.config)
    let log = Log(diagnostics, settings, isDryRun: options.dryRun)
    var statuses: [Support.ExitStatus] = []
    var lines: [String] = []
    if !LogRotation.mayBeRoot(for: settings.logFile) { giveUpRoot(settings) }
    let rotation = Result { try rotate(options, settings) }
    giveUpRoot(settings)
    for part in [
      { try tell(rotation.get(), settings, log) }, { try prune(options, settings, log) },
    ] {
      do { lines += try part() } catch let error as any UserFacingError {
        log.report(error)
        statuses.append(error.exitStatus)
      }
    }
    if options.verbose || options.dryRun {
      for line in lines { print(Escaping.plain(line)) }
      if lines.isEmpty, statuses.isEmpty { print("nothing to do") }
    }
    return statuses.first ?? .done
  }

  /// Becomes the owner of the state directory. Where there is none, there is nothing in it to be
  /// careful of.
  private static func giveUpRoot(_ settings: Settings) {
    _ = try? StateDirectory(of: settings.database)
  }

  private enum Rotated {
    case not
    case would(bytes: Int64)
    case done(LogRotation.Outcome)
  }

  private static func rotate(_ options: RotateOptions, _ settings: Settings) throws -> Rotated {
    if settings.logFile.isEmpty { return .not }
    let rotation = LogRotation(
      of: settings.logFile, limit: settings.maxLogSize, generations: settings.logGenerations)
    if options.dryRun {
      return try rotation.due(isForced: options.force).map { .would(bytes: $0) } ?? .not
    }
    return .done(try rotation.run(isForced: options.force))
  }

  /// - Returns: what was done, or would be, for people.
  private static func tell(_ rotated: Rotated, _ settings: Settings, _ log: Log) -> [String] {
    switch rotated {
    case .not: return []
    case .would(let bytes):
      return ["would rotate \(settings.logFile), \(Words(settings).size(bytes))"]
    case .done(let outcome):
      guard let size = outcome.rotated else { return [] }
      log.record(
        .info, "rotated",
        [
          "log": .text(settings.logFile), "bytes": .number(size),
          "packed": .number(Int64(outcome.packed)), "removed": .number(Int64(outcome.removed)),
        ])
      return ["rotated \(settings.logFile), \(Words(settings).size(size))"]
    }
  }

  /// - Returns: what was done, or would be, for people.
  private static func prune(_ options: RotateOptions, _ settings: Settings, _ log: Log) throws
    -> [String]
  {
    // The first sweep makes the database; until then there is no history.
    guard mayExist(settings.database) else { return [] }
    var tidying = try Tidying(settings, log, isDryRun: options.dryRun, at: Clock.now)
    let (folded, all) = options.dryRun ? (0, try tidying.count()) : try tidying.run()
    let rows = all.filter { $0.rows > 0 }
    let total = rows.reduce(0) { $0 + $1.rows }
    if total > 0, !options.dryRun {
      log.record(
        .info, "pruned",
        ["rows": .number(Int64(total)), "days": .number(Int64(settings.retentionDays))])
    }
    let verb = options.dryRun ? "would remove" : "removed"
    return (folded > 0 ? ["added \(folded) hours of usage up to days"] : [])
      + rows.map { "\(verb) \($0.rows) rows of \($0.table)" }
  }
}

/// Whether there is such a file, or one that may not be looked at.
private func mayExist(_ path: String) -> Bool {
  do throws(SystemError) { _ = try FileStatus(of: path) } catch { return error.code != ENOENT }
  return true
}

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

  func count() throws -> [(table: String, rows: Int)] { try pruning.count() }

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
