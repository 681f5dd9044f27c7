import Gate
import Ledger
import Support
import Sweep

/// The command `quota-sweep`.
package enum SweepCommand {
  /// Runs one sweep and says what came of it.
  ///
  /// - Returns: how the program ends.
  /// - Throws: an `UserFacingError` error for what kept the sweep from being done.
  package static func run(_ options: SweepOptions, _ diagnostics: DiagnosticPrinter) throws
    -> ExitStatus
  {
    let loaded = try Settings.load(config: options.config)
    diagnostics.warn(of: loaded.problems)
    if options.publish {
      let ledger = try Ledger.open(
        loaded.settings.database, for: .writing, rules: loaded.settings.rules,
        zone: loaded.settings.zone)
      try ledger.publishAccess(loaded.settings.access, at: .now)
      return .done
    }
    let run = SweepRun(
      loaded.settings, diagnostics, isDryRun: options.dryRun, only: options.servers)
    // quota-rotate has the lock for moments, which must not cost a sweep.
    let summary = try run.perform(patience: .seconds(5))
    if options.json {
      print(summary.json(isDryRun: options.dryRun))
    } else if options.verbose || options.dryRun {
      print(summary.text(isDryRun: options.dryRun))
    }
    return summary.exitStatus
  }
}
