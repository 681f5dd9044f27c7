import ArgumentParser
import Ledger
import System

struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show users with quota and usage.",
    discussion: "Example: quota-admin list --near --sort share")

  @OptionGroup var options: CommonOptions
  @OptionGroup var filter: UserFilter
  @OptionGroup var output: OutputOptions

  func run() throws {
    let administration = try Administration(options)
    let (ledger, words) = (administration.ledger, administration.words)
    let percent = administration.settings.notifyAt.first ?? 100
    let users = try filter.apply(by: words.rules, nearFrom: percent) { body in
      try ledger.users.forEach(at: Clock.now, body)
    }
    var listing = Listing(
      "users", users,
      [
        .text("USER") { $0.name.forPeople },
        .text("STATE") { words.state(of: $0) },
        .size("USED") { $0.used(by: words.rules) },
        .text(.number("QUOTA")) { words.quota($0.entitlement.quota) },
        .text(.number("SHARE")) { $0.percentage(by: words.rules) },
        .number("SESSIONS") { Int64($0.openSessions) },
        .part(UserRecord.columns(by: words.rules)) { $0 },
      ])
    listing.ifEmpty =
      filter.isEmpty
      ? (
        "there are no users yet",
        "users come with their first connection, or by: quota-admin add NAME --quota 50GB "
          + "--period month"
      ) : ("no user is like that", "quota-admin list shows all users")
    try listing.write(as: output.format, words)
  }
}
