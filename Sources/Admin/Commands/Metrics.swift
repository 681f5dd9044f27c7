import ArgumentParser
import Ledger
import System
import SQLite

struct Metrics: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write metrics in the text format of Prometheus.",
    discussion: "Example: quota-admin metrics --output /var/lib/prometheus/node-exporter/vpn.prom")

  @OptionGroup var options: CommonOptions
  @Option(
    help: ArgumentHelp(
      "Write them to this file, whole or not at all, rather than to standard output.",
      valueName: "file"), completion: .file())
  var output: String?
  @Flag(help: "Leave out what there is of each single user.")
  var totals = false

  func run() throws {
    let administration = try Administration(options)
    let reading = try administration.read { ledger throws(SQLiteError) in
      try MetricsReading(ledger, administration.settings, now: Clock.now)
    }
    let isForTerminal = output == nil && Terminal.isOutput
    let text = reading.text(withUsers: !totals, isForTerminal: isForTerminal)
    try OutputFile(output ?? "-").write(text)
  }
}
