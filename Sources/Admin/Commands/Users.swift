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

struct Remove: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Remove users; what they used is kept unless it is purged.",
    discussion: "Example: quota-admin remove alice bob")

  @OptionGroup var options: CommonOptions
  @OptionGroup var consent: Consent
  @Flag(help: "Delete all history of the users as well.")
  var purge = false
  @OptionGroup var users: NamesArgument

  func run() throws {
    let names = try users.userNames()
    if names.isEmpty { return }
    let administration = try Administration(options)
    if purge, try administration.ledger.hosts.membership() != nil {
      throw CommandError(
        "the history of a user whom several hosts share cannot be purged",
        hint: "leave --purge out: history goes by itself after RETENTION_DAYS")
    }
    guard try consent.isGiven(to: question(names, administration)) else { return }
    let removed = try administration.changeEach(names) { ledger, name in
      try ledger.users.remove(name, purgingHistory: purge, at: Clock.now)
    }
    let words = administration.words
    let rules = words.rules
    try StandardOutput.write(removed.map { line($0, rules) })
    if rules.unknownUsers == .allow {
      AdminProgram.diagnostics.notice(
        "UNKNOWN_USERS is allow: who is removed may come back, quota "
          + "\(words.quota(rules.defaultQuota))",
        hint: "quota-admin disable keeps a user out")
    }
  }

  private func question(_ names: [UserName], _ administration: Administration) throws -> String {
    for name in names { try administration.user(name) }
    let who = names.count == 1 ? names[0].forPeople : "\(names.count) users"
    return "remove \(who)\(purge ? " with all history" : "")"
  }

  private func line(_ user: UserRecord, _ rules: Rules) -> String {
    let what = "removed \(user.name.forPeople)\(purge ? " with all history" : "")"
    if user.openSessions == 0 { return what }
    let end = user.openSessions == 1 ? "its end" : "their end"
    let staying =
      rules.unknownUsers == .reject ? "will end with the next sweep" : "may go on to \(end)"
    return "\(what); \(Words.sessions(user.openSessions)) \(staying)"
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
