import ArgumentParser
import Ledger
import Quota
import System

struct SetTerms: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set",
    abstract: "Change a user's quota, period, expiry and the like.",
    discussion: """
      What is not named stays as it is. A new period or reset day takes effect at once: usage \
      counts from the start of the period that then holds.

      Example: quota-admin set alice --quota 80GB
      Example: quota-admin set alice --quota 50GB --then 1Mbit
      Example: quota-admin set alice --period month --reset-day 5 --expires +30d
      """)

  @OptionGroup var options: CommonOptions
  @OptionGroup var terms: TermsOptions
  @Option(help: ArgumentHelp("The plan that says all the rest, or none.", valueName: "name"))
  var plan: String?
  @Option(
    help: ArgumentHelp(
      "Have the plan say this again; may be given several times.", valueName: "term"))
  var follow: [String] = []
  @OptionGroup var user: NameArgument

  /// The terms in which a user can follow the plan again; each says whether it was to be set as well.
  private static let terms: KeyValuePairs<String, @Sendable (inout TermsEdit) -> Bool> = [
    "quota": { $0.quota.replace() },
    "period": { $0.period.replace() },
    "expires": { $0.lifetime.replace() },
    "max-sessions": { $0.maxSessions.replace() },
    "grace": { $0.grace.replace() },
    "exempt": { $0.isExempt.replace() },
    "rate": { $0.rate.replace() },
    "then": { $0.thenRate.replace() },
  ]

  func run() throws {
    let name = try user.userName()
    if terms.isEmpty, plan == nil, follow.isEmpty {
      throw CommandError(
        "nothing is to be set", hint: "quota-admin set --help lists what can be",
        exitStatus: .usage)
    }
    let administration = try Administration(options)
    let now = Clock.now
    var edit = try terms.edit(at: now, in: administration.settings.zone) {
      try administration.user(name).period
    }
    for term in follow { try SetTerms.give(term, backIn: &edit) }
    let choice = try planChoice(administration)
    let change = try administration.change { ledger in
      try ledger.users.change(name, edit, plan: choice, at: now)
    }
    let words = administration.words
    let terms = words.terms(of: change.user, edit, choice).joined(separator: ", ")
    let state = change.isNew ? "now has \(terms)" : "has \(terms) already"
    let consequence = words.consequence(for: change.user)
    try StandardOutput.write(["\(name.forPeople) \(state)\(consequence)"])
  }

  private func planChoice(_ administration: Administration) throws -> Edit<String> {
    guard let plan else { return .keep }
    return plan == "none" ? .follow : .set(try administration.plan(named: plan).name)
  }

  private static func give(
    _ name: String, backIn edit: inout TermsEdit
  ) throws(CommandError) {
    guard let term = terms.first(where: { $0.key == name }) else {
      throw .wrong(
        "--follow", name, "allowed are \(terms.map(\.key).joined(separator: ", "))")
    }
    if term.value(&edit) {
      throw CommandError(
        "--follow \(name) and a value for it contradict each other", exitStatus: .usage)
    }
  }
}

extension Edit {
  /// Has the plan say it again.
  ///
  /// - Returns: whether a value was to be set.
  fileprivate mutating func replace() -> Bool {
    defer { self = .follow }
    return self != .keep && self != .follow
  }
}

struct Reset: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Let a user's usage start over now.",
    discussion: """
      What was used so far stays in the history. The period ends when it would have.

      Example: quota-admin reset alice
      """)

  @OptionGroup var options: CommonOptions
  @Flag(help: "Do so for every user.")
  var all = false
  @Argument(
    help: "The user's name as list shows it; one that begins with a hyphen goes behind --.",
    completion: .userNames)
  var name: String?

  func validate() throws {
    if all != (name == nil) { throw ValidationError("either a name or --all is wanted") }
  }

  func run() throws {
    let given = try name.map(UserName.init(argument:))
    let administration = try Administration(options)
    let now = Clock.now
    guard let name = given else { return try resetEverybody(administration, at: now) }
    let change = try administration.change { ledger in
      try ledger.users.reset(name, at: now)
    }
    let consequence = administration.words.consequence(for: change.user)
    let state = change.isNew ? "starts over: nothing used" : "has used nothing yet"
    try StandardOutput.write(["\(name.forPeople) \(state)\(consequence)"])
  }

  private func resetEverybody(_ administration: Administration, at time: Int64) throws {
    let (users, reset) = try administration.change { try $0.users.resetAll(at: time) }
    try StandardOutput.write(["\(reset) of \(users) users start over: nothing used"])
  }
}
