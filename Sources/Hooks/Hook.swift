import Support
import Ledger
import OpenVPN
import System

/// What both hooks start with: command line, settings, log and spool.
final class Hook {
  let command: HookCommandLine
  let settings: Settings
  let log: Log
  let spool: Spool
  // Kept open to the end of the process, which lets go of it faster than SQLite would.
  private var ledger: Ledger?

  init(_ program: String, _ command: HookCommandLine) {
    self.command = command
    let loaded = Settings.loadLeniently(config: command.config)
    settings = loaded.settings
    log = Log(program: program, settings: settings)
    spool = Spool(besideDatabase: settings.database)
    for problem in command.problems { log.warn(problem) }
    for problem in loaded.problems { log.warn(problem.message) }
  }

  func openLedger(for opener: Ledger.Opener) throws(LedgerError) -> Ledger {
    let ledger = try Ledger.open(
      settings.database, for: opener, rules: settings.rules, zone: settings.zone)
    self.ledger = ledger
    return ledger
  }

  /// Becomes the script the server already had, if there is one.
  ///
  /// - Returns: whether there was none; false also where it could not be run.
  func handOver(_ environment: InheritedEnvironment) -> Bool {
    if command.successor.isEmpty { return true }
    log.report(environment.become(command.successor))
    return false
  }
}
