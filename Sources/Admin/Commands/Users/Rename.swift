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
    let (name, newName) = (try user.userName(), try UserName(newArgument: newName))
    let administration = try Administration(options)
    let taken = try administration.find(newName)?.name
    // By NAMES=fold it may be another spelling of their own name.
    if let taken, try taken == newName || administration.find(name)?.name != taken {
      throw CommandError(
        "there is a user \(taken.forPeople) already", hint: "names are given once; take another")
    }
    let renamed = try administration.change { ledger in
      try ledger.users.rename(name, to: newName, at: Clock.now)
    }
    let live = renamed.openSessions == 0 ? "" : "; \(Words.sessions(renamed.openSessions)) stay on"
    try StandardOutput.write(["\(name.forPeople) is now called \(newName.forPeople)\(live)"])
    try administration.warnOfResemblance(of: newName)
  }
}
