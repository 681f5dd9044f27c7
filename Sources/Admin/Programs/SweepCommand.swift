import ArgumentParser
import Gate
import Ledger
import Support
import Sweep
import System

package struct SweepOptions: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "quota-sweep",
    abstract: "Meters live OpenVPN sessions and disconnects who is over quota.",
    discussion: """
      Asks every server once for its live sessions, brings the database up to date, disconnects \
      violators and exits. A timer runs it; a person may at any time.

      EXAMPLES
        quota-sweep --verbose            one sweep, and what came of it
        quota-sweep --dry-run            who would be disconnected now
        quota-sweep --server udp --json  one server, for a program to read
      """,
    version: version)

  package init() {}

  @Flag(help: "Show what would be done and change nothing.")
  var dryRun = false

  @Flag(help: "Publish what users may do, for the connect hook, and ask no server.")
  var publish = false

  @Flag(help: "Write the result to standard output as JSON.")
  var json = false

  @Option(name: .customLong("server"), help: "Sweep only this server; may be given several times.")
  var servers: [String] = []

  @Option(help: ArgumentHelp("Read this file instead of the default.", valueName: "path"))
  var config: String?

  @Flag(help: "Write the result to standard output for people.")
  var verbose = false
}

package enum SweepCommand {
  /// Runs one sweep and says what came of it.
  ///
  /// - Throws: an `UserFacingError` error for what kept the sweep from being done.
  package static func run(_ options: SweepOptions, _ diagnostics: DiagnosticPrinter) throws
    -> Support.ExitStatus
  {
    let settings = try diagnostics.settings(config: options.config)
    if options.publish {
      let ledger = try Ledger.open(settings.lookingAtFence, Log(diagnostics, settings))
      try ledger.accessTable.publish(settings.access, at: .now)
      return .done
    }
    // What came of it is told by the result, where that is asked for.
    let tells = options.verbose || options.dryRun
    let run = SweepRun(
      settings, tells ? diagnostics.withoutLog : diagnostics, isDryRun: options.dryRun,
      only: options.servers)
    // quota-rotate has the lock for moments, which must not cost a sweep.
    let summary = try run.perform(patience: .seconds(5))
    if options.json {
      print(summary.json(isDryRun: options.dryRun))
    } else if tells {
      print(summary.text(isDryRun: options.dryRun, in: settings.units))
    }
    return summary.exitStatus
  }
}
