import ArgumentParser
import Ledger
import Quota
import System

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
    let name = try UserName(newArgument: user.name)
    let administration = try Administration(options)
    let (settings, now) = (administration.settings, Clock.now)
    let edit = try terms.edit(at: now, in: settings.zone) { .none }
    var own = edit.applied(to: Terms())
    let plan = try plan.map(administration.plan)
    if own.quota == nil, plan?.terms.quota == nil { own.quota = settings.defaultQuota }
    let user = try administration.change { ledger in
      try ledger.users.add(name, own, plan: plan?.name, at: now)
    }
    let words = administration.words.terms(of: user).joined(separator: ", ")
    try StandardOutput.write(["added \(name.forPeople), \(words)\(warning(for: user))"])
    try administration.warnOfResemblance(of: name)
  }

  /// That a quota which was given without a period never starts over, and how it would.
  private func warning(for user: UserRecord) -> String {
    guard terms.quota != nil, terms.period == nil, user.period == .none, user.entitlement.quota > 0
    else { return "" }
    let name = shellWord(self.user.name)
    return "; it never starts over: quota-admin set \(name) --period month makes it monthly"
  }
}
