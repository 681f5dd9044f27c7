import ArgumentParser
import System

/// The command line of `quota-sync`.
struct SyncOptions: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quota-sync",
    abstract: "Shares users and usage with other hosts through a PostgreSQL of yours.",
    usage: """
      quota-sync [--verbose] [--config <path>]
      quota-sync --init [--grant <role> ...] | --join [--host <name>] [--dry-run] | --leave [--alone]
      quota-sync hosts [--json] | forget <host>
      quota-sync --change < changes | --usage < questions
      """,
    discussion: """
      Tells the centre that SYNC names what users used on this host, and takes in what they used on the \
      others, with users, plans and grants. A timer runs it; hooks and sweeps never wait for it.

      EXAMPLES
        quota-sync --init            make the tables in the centre, once
        quota-sync --join --dry-run  what becomes of this host's users
        quota-sync --join            make this host one of several
        quota-sync hosts             all hosts, and when they were last heard
        quota-sync forget vpn2       end the sessions of a host that is gone
      """,
    version: version)

  @Flag(name: .customLong("init"), help: "Make the tables, unless they are there.")
  var makesTables = false

  @Option(help: ArgumentHelp("With --init: a role that may use the tables.", valueName: "role"))
  var grant: [String] = []

  @Flag(help: "Make this host one of the centre's.")
  var join = false

  @Option(
    help: ArgumentHelp(
      "With --join: the name in the centre, in place of the host's own.", valueName: "name"))
  var host: String?

  @Flag(help: "With --join: show what would become of this host's users, and change nothing.")
  var dryRun = false

  @Flag(help: "Make this host one by itself again; its users and its own usage stay.")
  var leave = false

  @Flag(help: "With --leave: do not tell the centre, which may be gone.")
  var alone = false

  @Flag(help: "Take changes from standard input, as quota-admin hands them over.")
  var change = false

  @Flag(help: "Answer questions on standard input of what was moved, as quota-admin asks them.")
  var usage = false

  @Flag(help: "With hosts: write JSON.")
  var json = false

  @Option(help: ArgumentHelp("Read this file instead of the default.", valueName: "path"))
  var config: String?

  @Flag(help: "Write what was done to standard output.")
  var verbose = false

  @Argument(help: ArgumentHelp("hosts, or forget and the name of a host.", valueName: "command"))
  var words: [String] = []

  /// What is to be done.
  enum Action: Equatable {
    case run, makeTables, join, leave, change, usage, hosts
    case forget(String)
  }

  /// - Throws: `ValidationError` for options that do not go together.
  func action() throws -> Action {
    var actions: [Action] = []
    if makesTables { actions.append(.makeTables) }
    if join { actions.append(.join) }
    if leave { actions.append(.leave) }
    if change { actions.append(.change) }
    if usage { actions.append(.usage) }
    if words == ["hosts"] { actions.append(.hosts) }
    if words.count == 2, words[0] == "forget" { actions.append(.forget(words[1])) }
    if words.count > 0, words != ["hosts"], words.count != 2 || words[0] != "forget" {
      throw ValidationError("There is no command \(words[0]) with \(words.count - 1) arguments.")
    }
    guard actions.count < 2 else { throw ValidationError("One thing at a time.") }
    let action = actions.first ?? .run
    let isFitting =
      (grant.isEmpty || action == .makeTables)
      && (host == nil && !dryRun || action == .join) && (!alone || action == .leave)
      && (!json || action == .hosts)
    guard isFitting else { throw ValidationError("These options do not go together.") }
    return action
  }

  func validate() throws { _ = try action() }
}
