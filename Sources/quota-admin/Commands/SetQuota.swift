import ArgumentParser
import Ledger
import POSIX
import Quota

struct SetQuota: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set",
    abstract: "Change a user's quota.",
    discussion: "Example: quota-admin set alice --quota 80GB")

  @OptionGroup var options: CommonOptions
  @Option(
    help: ArgumentHelp("The quota, such as 50GB, 1.5GiB or unlimited.", valueName: "size"))
  var quota: String
  @OptionGroup var user: NameArgument

  func run() throws {
    let name = try UserName(argument: user.name)
    let bytes = try ByteSize.quota(argument: quota)
    let administration = try Administration(options)
    let change = try administration.work { ledger throws(LedgerError) in
      try ledger.changeQuota(of: name, to: bytes, at: Clock.now)
    }
    let consequence = change.user.consequence(by: administration.settings.rules)
    let quota = "a quota of \(words(forQuota: bytes))"
    let state = change.isNew ? "now has \(quota)" : "has \(quota) already"
    try StandardOutput.write(["\(name.forPeople) \(state)\(consequence)"])
  }
}
