import ArgumentParser
import Ledger
import Quota
import System

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
