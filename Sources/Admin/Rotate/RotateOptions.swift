import ArgumentParser
import Support
import System

/// The command line of `quota-rotate`.
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
