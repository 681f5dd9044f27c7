import ArgumentParser
import Support
import System

/// The command line of `quota-sweep`.
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
