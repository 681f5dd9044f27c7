import ArgumentParser
import Glibc
import Ledger
import Support
import System

/// What every command takes.
struct CommonOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Read this file in place of /etc/openvpn-quota/quota.conf.", valueName: "file"),
    completion: .file())
  var config: String?

  /// Where the argument of `--config` is, whatever the working directory becomes.
  var path: String? { config.map { FileArgument($0).path } }

  /// The settings, with a warning for each that makes no sense but does not stop the work.
  ///
  /// - Throws: `SettingsError`.
  func settings() throws -> Settings { try loadedSettings().settings }

  /// The same, with the file that they were read from.
  func loadedSettings() throws -> LoadedSettings {
    try AdminProgram.diagnostics.loadedSettings(config: path)
  }
}

/// How a list is written: a table for people, JSON or CSV for programs.
enum Format { case text, json, csv }

/// The choice between text for people and JSON for programs.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Write JSON, with amounts in bytes.")
  var json = false

  var format: Format { json ? .json : .text }
}

/// The choice between text for people, and JSON or CSV for programs.
struct FormatOptions: ParsableArguments {
  @Flag(help: "Write JSON, with amounts in bytes.")
  var json = false
  @Flag(help: "Write CSV, with amounts in bytes.")
  var csv = false

  var format: Format { json ? .json : csv ? .csv : .text }

  func validate() throws {
    if json && csv { throw ValidationError("Only one of --json and --csv can be written.") }
  }
}

extension Listing {
  /// Writes the list as it was asked for. People are told how to fill one that is empty.
  func write(as format: Format, _ words: Words) throws(SystemError) {
    switch format {
    case .text:
      try StandardOutput.write(table(words))
      if rows.isEmpty, let ifEmpty {
        AdminProgram.diagnostics.notice(ifEmpty.notice, hint: ifEmpty.hint)
      }
    case .json: try StandardOutput.write(json)
    case .csv: try StandardOutput.write(csv(isForTerminal: Terminal.isOutput))
    }
  }
}

/// Whether a report is about this host, or about all that share their users.
struct HostsOption: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Tell of what was moved on all hosts that share their users; the centre is asked."))
  var allHosts = false

  /// What JSON says of such a report.
  static let about = (key: "hosts", value: "all")
}

/// How many lines of a list are shown.
struct LimitOption: ParsableArguments {
  @Option(
    name: [.customShort("n"), .long],
    help: ArgumentHelp(
      "Show no more than this many; if left out 10 users, or 50 events.", valueName: "number"))
  var limit: Int?

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit is at least 1.") }
  }
}

/// The one user a command is about.
struct NameArgument: ParsableArguments {
  @Argument(
    help: "The user's name as list shows it; one that begins with a hyphen goes behind --.",
    completion: .userNames)
  var name: String

  /// - Throws: `CommandError`, 65, for a name that no user can have.
  func userName() throws(CommandError) -> UserName { try UserName(argument: name) }
}

/// The users a command is about, one or several.
struct NamesArgument: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "The users' names; - reads names from standard input, one a line.", valueName: "name"),
    completion: .userNames)
  var names: [String]

  /// The names in their order, each once.
  ///
  /// - Throws: `CommandError`, 65, for a name that no user can have.
  func userNames() throws -> [UserName] {
    var all: [UserName] = []
    for argument in names {
      all += argument == "-" ? try NamesArgument.fromInput() : [try UserName(argument: argument)]
    }
    var seen: Set<UserName> = []
    return all.filter { seen.insert($0).inserted }
  }

  /// The lines of standard input; empty ones do not count.
  private static func fromInput() throws -> [UserName] {
    let input = try Descriptor.standardInput.readToEnd(of: "standard input", limit: 1 << 28)
    return try input.split(separator: UInt8(ascii: "\n")).compactMap { line in
      let name = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      return name.isEmpty ? nil : try UserName(checked: Array(name))
    }
  }
}

/// Whether the person really wants what cannot be undone.
struct Consent: ParsableArguments {
  @Flag(help: "Do not ask.")
  var yes = false

  /// Asks on the terminal, unless `--yes` was given.
  ///
  /// - Parameter question: what is about to happen, such as `remove alice`.
  /// - Throws: `CommandError`, 64, where there is no terminal to ask on.
  func isGiven(to question: String) throws -> Bool {
    if yes { return true }
    guard let answer = try Consent.answer(to: question) else {
      throw CommandError(
        "there is no terminal to ask on: \(question)?", hint: "--yes does it without asking",
        exitStatus: .usage)
    }
    if !answer { try StandardOutput.write(["nothing was changed"]) }
    return answer
  }

  /// Asks on the terminal; nil where there is none.
  static func answer(to question: String) throws -> Bool? {
    guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else { return nil }
    try Descriptor.standardError.write(Array("\(question)? [y/N] ".utf8).span, to: "the terminal")
    let answer = readLine(strippingNewline: true)?.lowercased()
    return answer == "y" || answer == "yes"
  }
}
