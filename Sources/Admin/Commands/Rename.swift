import ArgumentParser
import Ledger
import System

struct Rename: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Give a user another name, as when a certificate is made out anew.",
    discussion: "Example: quota-admin rename alice alice.smith")

  @OptionGroup var options: CommonOptions
  @OptionGroup var user: NameArgument
  @Argument(help: "The name from now on.")
  var newName: String

  func run() throws {
    let (name, newName) = (try UserName(argument: user.name), try UserName(argument: newName))
    let administration = try Administration(options)
    if try administration.user(newName) != nil {
      throw CommandError(
        "there is a user \(newName.forPeople) already", hint: "names are given once; take another")
    }
    let renamed = try administration.work { ledger throws(LedgerError) in
      try ledger.renameUser(name, to: newName, at: Clock.now)
    }
    let live = renamed.openSessions == 0 ? "" : "; \(sessions(renamed.openSessions)) stay on"
    try StandardOutput.write(["\(name.forPeople) is now called \(newName.forPeople)\(live)"])
  }
}
