import ArgumentParser
import Ledger
import System
import Quota

struct Add: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Add a user.",
    discussion: """
      Without a quota of their own or of a plan, the user gets DEFAULT_QUOTA.

      Example: quota-admin add alice --quota 50GB --period month
      """)

  @OptionGroup var options: CommonOptions
  @OptionGroup var terms: TermsOptions
  @Option(help: ArgumentHelp("The plan that says all the rest.", valueName: "name"))
  var plan: String?
  @OptionGroup var user: NameArgument

  func run() throws {
    let name = try UserName(argument: user.name)
    let administration = try Administration(options)
    let (settings, now) = (administration.settings, Clock.now)
    let edit = try terms.edit(at: now, in: settings.zone) { .none }
    var own = edit.applied(to: Terms())
    let plan = try plan.map { name throws(CommandError) in try administration.plan(named: name) }
    if own.quota == nil, plan?.terms.quota == nil { own.quota = settings.defaultQuota }
    let user = try administration.work { ledger throws(LedgerError) in
      try ledger.addUser(name, own, plan: plan?.name, at: now)
    }
    let words = user.termsInWords(in: settings.zone).joined(separator: ", ")
    try StandardOutput.write(["added \(name.forPeople), \(words)"])
  }
}
