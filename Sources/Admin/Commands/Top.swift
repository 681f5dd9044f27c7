import ArgumentParser
import Ledger
import System
import Quota
import SQLite

struct Top: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show who moved the most.",
    discussion: "Example: quota-admin top -n 5 --since yesterday")

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: FormatOptions
  @Option(
    name: [.customShort("n"), .long],
    help: ArgumentHelp("Show no more users than these.", valueName: "number"))
  var limit = 10
  @OptionGroup var window: WindowOptions

  func validate() throws {
    if limit < 1 { throw ValidationError("--limit is at least 1.") }
  }

  func run() throws {
    let administration = try Administration(options)
    let window = try window.window(
      ofDays: 30, now: Clock.now, in: administration.settings.zone)
    let report = try administration.read { ledger in
      try TopReport(ledger, window, administration.settings.rules.count, limit: limit)
    }
    try StandardOutput.write(report.text(as: output.format))
  }
}
