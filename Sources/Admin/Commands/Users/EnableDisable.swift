import ArgumentParser
import Ledger
import System

struct Enable: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Let users in again who were disabled.",
    discussion: "Example: quota-admin enable alice bob")

  @OptionGroup var options: CommonOptions
  @OptionGroup var users: NamesArgument

  func run() throws { try switchUsers(users, on: true, options) }
}

struct Disable: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Keep users out; live sessions end with the next sweep.",
    discussion: "Example: quota-admin disable alice bob")

  @OptionGroup var options: CommonOptions
  @OptionGroup var users: NamesArgument

  func run() throws { try switchUsers(users, on: false, options) }
}

/// Enables or disables users, all of them or none, and says what becomes of each.
private func switchUsers(
  _ users: NamesArgument, on isEnabled: Bool, _ options: CommonOptions
) throws {
  let names = try users.userNames()
  let administration = try Administration(options)
  let changes = try administration.changeEach(names) { ledger, name in
    try ledger.users.setEnabled(isEnabled, name, at: Clock.now)
  }
  let state = isEnabled ? "enabled" : "disabled"
  try StandardOutput.write(
    changes.map { change in
      let consequence = administration.words.consequence(for: change.user)
      let now = change.isNew ? "now \(state)" : "\(state) already"
      return "\(change.user.name.forPeople) is \(now)\(consequence)"
    })
}
