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
    let settings = try options.settings()
    let isForTerminal = output == nil && Terminal.isOutput
    let file = OutputFile(output ?? "-")
    let size = try file.write(with: settings) { stream in
      let reading = try Administration(settings).read { ledger in
        try MetricsReading(ledger, settings, now: Clock.now)
      }
      let text = reading.text(withUsers: !totals, isForTerminal: isForTerminal)
      try stream.write(text.span, to: file.path == "-" ? "standard output" : file.path)
    }
    if size != nil, Terminal.isOutput { try StandardOutput.write(["wrote \(file.path)"]) }
  }
}
