import ArgumentParser
import Ledger
import Quota
import Support
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

extension Administration {
  /// Warns of a name just given that people would take for another user's, or cannot see all of.
  func warnOfResemblance(of name: UserName) throws {
    let diagnostics = AdminProgram.diagnostics
    if name.isText, name.forPeople.utf8.count != name.bytes.count {
      diagnostics.notice(
        "not all of the name \(name.forPeople) can be seen",
        hint: "commands take it as it stands here, in quotes")
    }
    let others = try ledger.users.resembling(name)
    let key = Names.fold.key(of: name.bytes)
    for other in others where settings.names == .exact && Names.fold.key(of: other.bytes) == key {
      diagnostics.notice(
        "there is a user \(other.forPeople), who differs only in letter case or in blanks",
        hint: "NAMES=fold makes them one, see quota.conf(5)")
    }
    guard let look = name.look else { return }
    for other in others where Names.fold.key(of: other.bytes) != key && other.look == look {
      diagnostics.notice("there is a user \(other.forPeople), whose name looks the same")
    }
  }
}

extension UserName {
  /// What people see of a name: without case, blanks at its ends and characters that cannot be seen. Two
  /// are equal also where one has composed letters and the other decomposed ones.
  fileprivate var look: String? {
    // Bytes that are no text are shown as numbers, each as what it is.
    if !isText { return nil }
    let text = String(decoding: Names.fold.key(of: bytes), as: UTF8.self)
    var look = String.UnicodeScalarView()
    look.append(contentsOf: text.unicodeScalars.filter { !Escaping.isHarmful($0) })
    return String(look)
  }
}
