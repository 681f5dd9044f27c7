import ArgumentParser
import Ledger
import System

struct Events: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what happened: refusals, disconnections, changes.",
    discussion: "Example: quota-admin events alice --since 7d")

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: FormatOptions
  @OptionGroup var limit: LimitOption
  @OptionGroup var window: WindowOptions
  @Argument(
    help: "Whom it is about, a stranger perhaps; everybody if left out.",
    completion: .userNames)
  var name: String?

  func run() throws {
    let name = try name.map { try UserName(argument: $0) }
    let administration = try Administration(options)
    let (ledger, settings, words) = (
      administration.ledger, administration.settings, administration.words
    )
    let window = try window.window(
      ofDays: Int64(settings.retentionDays), now: Clock.now, in: words.zone)
    let events = try ledger.events.list(about: name, in: window.time, limit: limit.limit ?? 50)
    if events.isEmpty, let name, try ledger.users.id(of: name) == nil {
      throw administration.unknown(name)
    }
    var listing = Listing(
      "events", events,
      [
        .time("TIME") { $0.lastAt },
        .user(.givingWay("USER")) { $0.user },
        .text("EVENT", key: "event") { $0.kind },
        .text(key: "detail") { $0.detail },
        .text("DETAIL") { words.detail(of: $0) },
        .number(key: "count") { $0.count },
        .time(key: "first_at") { $0.at },
        .time(key: "last_at") { $0.lastAt },
      ])
    listing.ifEmpty = (
      "nothing happened in that time", "quota-admin events --since 365d goes back further"
    )
    try listing.write(as: output.format, words)
  }
}
