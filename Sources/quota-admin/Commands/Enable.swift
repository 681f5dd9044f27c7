import ArgumentParser
import Ledger
import POSIX

struct Enable: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Let a user in again who was disabled.",
    discussion: "Example: quota-admin enable alice")

  @OptionGroup var options: CommonOptions
  @OptionGroup var user: NameArgument

  func run() throws { try switchUser(user, on: true, options) }
}

/// Enables or disables a user, and says what becomes of him.
func switchUser(_ user: NameArgument, on isEnabled: Bool, _ options: CommonOptions) throws {
  let name = try UserName(argument: user.name)
  let administration = try Administration(options)
  let change = try administration.work { ledger throws(LedgerError) in
    try ledger.setEnabled(isEnabled, name, at: Clock.now)
  }
  let state = isEnabled ? "enabled" : "disabled"
  let consequence = change.user.consequence(by: administration.settings.rules)
  try StandardOutput.write([
    "\(name.forPeople) is \(change.isNew ? "now \(state)" : "\(state) already")\(consequence)"
  ])
}
