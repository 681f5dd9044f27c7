import ArgumentParser
import Ledger
import System
import Quota
import SQLite

struct Events: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what happened: refusals, disconnections, changes.",
    discussion: "Example: quota-admin events alice --since 7d")

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: FormatOptions
  @Option(
    name: [.customShort("n"), .long],
    help: ArgumentHelp("Show no more than these, the newest.", valueName: "number"))
  var limit = 50
  @OptionGroup var window: WindowOptions
  @Argument(
    help: "Whom it is about, a stranger perhaps; everybody if left out.",
    completion: .userNames)
  var name: String?

  func validate() throws {
    if limit < 1 { throw ValidationError("--limit is at least 1.") }
  }

  func run() throws {
    let name = try name.map { try UserName(argument: $0) }
    let administration = try Administration(options)
    let zone = administration.settings.zone
    let window = try window.window(
      ofDays: Int64(administration.settings.retentionDays), now: Clock.now, in: zone)
    let (events, isKnown) = try administration.read { ledger in
      let events = try ledger.events.list(about: name, in: window.time, limit: limit)
      guard events.isEmpty, let name else { return (events, true) }
      return (events, try ledger.users.id(of: name) != nil)
    }
    if !isKnown, let name { throw administration.unknown(name) }
    try StandardOutput.write(EventReport(events: events, zone: zone).text(as: output.format))
  }
}
