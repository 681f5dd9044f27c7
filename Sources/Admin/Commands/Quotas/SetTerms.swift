import ArgumentParser
import Ledger
import System
import Quota

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

  /// A term that a user can follow the plan in again.
  enum Term: String, CaseIterable {
    case quota, period, expires, maxSessions = "max-sessions", grace, exempt, rate, then

    /// - Throws: `CommandError`, 65, that says what is allowed.
    init(argument: String) throws(CommandError) {
      guard let term = Term(rawValue: argument) else {
        let allowed = Term.allCases.map(\.rawValue).joined(separator: ", ")
        throw CommandError("--follow is \(CommandError.quoted(argument)); allowed are \(allowed)")
      }
      self = term
    }
  }

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
    for term in follow { try give(Term(argument: term), backIn: &edit) }
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

  private func give(_ term: Term, backIn edit: inout TermsEdit) throws(CommandError) {
    let isSet =
      switch term {
      case .quota: edit.quota.replace()
      case .period: edit.period.replace()
      case .expires: edit.lifetime.replace()
      case .maxSessions: edit.maxSessions.replace()
      case .grace: edit.grace.replace()
      case .exempt: edit.isExempt.replace()
      case .rate: edit.rate.replace()
      case .then: edit.thenRate.replace()
      }
    if isSet {
      throw CommandError(
        "--follow \(term.rawValue) and a value for it contradict each other", exitStatus: .usage)
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
