import ArgumentParser
import Ledger
import POSIX
import Quota

struct Add: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Add a user.",
    discussion: "Example: quota-admin add alice --quota 50GB")

  @OptionGroup var options: CommonOptions
  @Option(
    help: ArgumentHelp(
      "The quota, such as 50GB, 1.5GiB or unlimited; DEFAULT_QUOTA if it is left out.",
      valueName: "size"))
  var quota: String?
  @OptionGroup var user: NameArgument

  func run() throws {
    let name = try UserName(argument: user.name)
    let given = try quota.map(ByteSize.quota(argument:))
    let administration = try Administration(options)
    let quota = given ?? administration.settings.defaultQuota
    try administration.work { ledger throws(LedgerError) in
      _ = try ledger.addUser(name, quota: quota, at: Clock.now)
    }
    try StandardOutput.write(["added \(name.forPeople), quota \(words(forQuota: quota))"])
  }
}
