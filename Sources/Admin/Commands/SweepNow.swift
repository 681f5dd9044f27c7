import ArgumentParser
import Ledger
import Support
import Sweep

struct SweepNow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Run a sweep now, as quota-sweep does.",
    discussion: "Example: quota-admin sweep --dry-run")

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: OutputOptions
  @Flag(help: "Show what would be done and change nothing.")
  var dryRun = false
  @Option(
    name: .customLong("server"),
    help: ArgumentHelp("Sweep only this server; may be given several times.", valueName: "name"))
  var servers: [String] = []

  func run() throws {
    let only = servers.map { FileArgument($0).path }
    let settings = try options.settings()
    let run = SweepRun(
      settings, AdminProgram.diagnostics.withoutLog, isDryRun: dryRun, only: only)
    let summary = try run.perform()
    try StandardOutput.write([
      output.json
        ? summary.json(isDryRun: dryRun) : summary.text(isDryRun: dryRun, in: settings.units)
    ])
    try summary.exitStatus.throwUnlessDone()
  }
}

struct KickUser: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kick",
    abstract: "Disconnect a user now; a disabled one stays out.",
    discussion: "Example: quota-admin kick alice --message 'Back in five minutes'")

  @OptionGroup var options: CommonOptions
  @Option(
    help: ArgumentHelp(
      "What the client shows; RESTART makes it come back, see KILL_MESSAGE.", valueName: "text"))
  var message = "Disconnected by an administrator"
  @OptionGroup var user: NameArgument

  func run() throws {
    let typed = try user.userName()
    let administration = try Administration(options)
    // By NAMES=fold it may be another spelling than the user's own, which events and notices have.
    let name = try administration.find(typed)?.name ?? typed
    let kick = try kick(name)
    let run = SweepRun(administration.settings, AdminProgram.diagnostics.withoutLog, kick: kick)
    let summary = try run.perform(patience: .seconds(15))
    if summary.servers.isEmpty { throw NoServers() }
    let kicked = summary.kills.filter { $0.user == name }
    if kicked.isEmpty {
      try StandardOutput.write([try fate(of: name, administration)])
    } else {
      try StandardOutput.write(
        kicked.map { kill in
          let place = Escaping.plain("\(kill.address)) on \(kill.server)")
          return "disconnected \(name.forPeople) (\(place)"
        })
      try warnOfReturn(of: name, administration)
    }
    try summary.exitStatus.throwUnlessDone()
  }

  /// The message with the word that makes the client stop, unless it has one that a client knows.
  private func kick(_ name: UserName) throws -> Kick {
    let text = RawArguments.bytes(of: message)
    if text.isEmpty { throw CommandError("--message is empty", exitStatus: .usage) }
    let word = String(decoding: text.prefix { $0 != UInt8(ascii: ",") }, as: UTF8.self)
    let isWhole = ["HALT", "RESTART", "AUTH_FAILED"].contains(word)
    do {
      return try Kick(user: name, message: isWhole ? text : Array("HALT,".utf8) + text)
    } catch {
      throw CommandError(
        "--message is \(CommandError.quoted(message)); \(error)", exitStatus: .usage)
    }
  }

  private func fate(of name: UserName, _ administration: Administration) throws -> String {
    return try administration.user(name).openSessions == 0
      ? "\(name.forPeople) is not connected"
      : "\(name.forPeople) was told to go moments ago, or the server did not answer"
  }

  private func warnOfReturn(of name: UserName, _ administration: Administration) throws {
    if let user = try administration.find(name),
      !administration.words.consequence(for: user).isEmpty
    {
      return
    }
    AdminProgram.diagnostics.notice(
      "\(name.forPeople) may come back at once", hint: "quota-admin disable keeps a user out")
  }
}
