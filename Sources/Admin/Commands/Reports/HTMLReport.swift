import ArgumentParser
import Support
import Ledger
import System
import Quota

struct HTMLReport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write a page with charts, top users, quotas and refusals.",
    discussion: "Example: quota-admin report --html /var/www/html/vpn.html --since 90d")

  @OptionGroup var options: CommonOptions
  @Option(
    help: ArgumentHelp(
      "Write one self-contained HTML page to this file; - is standard output.",
      valueName: "file"), completion: .file())
  var html: String
  @OptionGroup var window: WindowOptions
  @OptionGroup var hosts: HostsOption

  func run() throws {
    let (settings, now) = (try options.settings(), Clock.now)
    let window = try window.window(ofDays: 30, now: now, in: settings.zone)
    try OutputFile(html).write(bytesWith: settings) {
      let administration = try Administration(settings, config: options.path)
      let usage = try hosts.allHosts ? AllHosts(administration).sums(in: window.days) : nil
      let overview = try Overview(
        administration.ledger, window, administration.words, ofAllHosts: usage, now: now)
      return Page(overview: overview, host: usage == nil ? Machine.name : "all hosts").bytes
    }
  }
}
