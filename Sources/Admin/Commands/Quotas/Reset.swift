import ArgumentParser
import Ledger
import System
import Quota

struct Reset: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Let a user's usage start over now.",
    discussion: """
      What was used so far stays in the history. The period ends when it would have.

      Example: quota-admin reset alice
      """)

  @OptionGroup var options: CommonOptions
  @Flag(help: "Do so for every user.")
  var all = false
  @Argument(
    help: "The user's name as list shows it; one that begins with a hyphen goes behind --.",
    completion: .userNames)
  var name: String?

  func validate() throws {
    if all != (name == nil) { throw ValidationError("either a name or --all is wanted") }
  }

  func run() throws {
    let given = try name.map(UserName.init(argument:))
    let administration = try Administration(options)
    let now = Clock.now
    guard let name = given else { return try resetEverybody(administration, at: now) }
    let change = try administration.change { ledger in
      try ledger.users.reset(name, at: now)
    }
    let consequence = administration.words.consequence(for: change.user)
    let state = change.isNew ? "starts over: nothing used" : "has used nothing yet"
    try StandardOutput.write(["\(name.forPeople) \(state)\(consequence)"])
  }

  private func resetEverybody(_ administration: Administration, at time: Int64) throws {
    let (users, reset) = try administration.change { try $0.users.resetAll(at: time) }
    try StandardOutput.write(["\(reset) of \(users) users start over: nothing used"])
  }
}
