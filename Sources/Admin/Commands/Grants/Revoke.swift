import ArgumentParser
import Ledger
import System
import Quota

struct Revoke: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Take back what is left of a grant.",
    discussion: "Example: quota-admin revoke alice 2")

  @OptionGroup var options: CommonOptions
  @OptionGroup var user: NameArgument
  @Argument(help: ArgumentHelp("Its number, as quota-admin grants shows it.", valueName: "grant"))
  var number: Int64

  func run() throws {
    let name = try UserName(argument: user.name)
    let administration = try Administration(options)
    let revoked = try administration.work { ledger in
      try ledger.grants.revoke(number, of: name, at: Clock.now)
    }
    let consequence = revoked.user.consequence(by: administration.settings.rules)
    let what =
      revoked.taken.map { "revoked: \(ByteSize.format($0)) were left" } ?? "revoked already"
    try StandardOutput.write(["grant \(number) of \(name.forPeople) is \(what)\(consequence)"])
  }
}
