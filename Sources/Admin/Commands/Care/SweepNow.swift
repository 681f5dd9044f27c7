import ArgumentParser
import Sweep

struct SweepNow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Run a sweep now, as quota-sweep does.",
    discussion: "Example: quota-admin sweep --dry-run")

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: OutputOptions
  @Flag(help: "Show what would be done and change nothing.")
  var dryRun = false
  @Option(
    name: .customLong("server"),
    help: ArgumentHelp("Sweep only this server; may be given several times.", valueName: "name"))
  var servers: [String] = []

  func run() throws {
    let only = servers.map { FileArgument($0).path }
    let settings = try options.settings()
    let run = SweepRun(
      settings, AdminProgram.diagnostics.withoutLog, isDryRun: dryRun, only: only)
    let summary = try run.perform()
    try StandardOutput.write([
      output.json
        ? summary.json(isDryRun: dryRun) : summary.text(isDryRun: dryRun, in: settings.units)
    ])
    try summary.exitStatus.throwUnlessDone()
  }
}
