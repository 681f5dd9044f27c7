import ArgumentParser
import Ledger
import Quota
import Support
import System

struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Add and change users and quotas as a file has them, all or nothing.",
    discussion: """
      Example: quota-admin import --dry-run users.csv
      Example: quota-admin import --from /var/lib/vpn/vpn_manager.db
      """)

  @OptionGroup var options: CommonOptions
  @Flag(help: "Show what would be done and change nothing.")
  var dryRun = false
  @Option(
    help: ArgumentHelp(
      "Take users, quotas and usage over from the database of the earlier project.",
      valueName: "database"))
  var from: String?
  @Argument(
    help: "The file, CSV or JSON as export writes them; - for standard input.",
    completion: .file())
  var file: String?

  func validate() throws {
    if (from == nil) == (file == nil) {
      throw ValidationError("name either a file, or a database with --from")
    }
  }

  func run() throws {
    let result = try file.map(take) ?? carryOver(FileArgument(from ?? ""))
    try StandardOutput.write(text(of: result))
  }

  /// Takes a file in, or says everything that is wrong with it.
  private func take(_ argument: String) throws -> ImportResult {
    let (name, bytes) = try Import.content(of: argument)
    let now = Clock.now
    let settings = try options.settings()
    var file = UserFile(bytes, at: .init(now: now, zone: settings.zone))
    if file.problems.isEmpty {
      if let line = file.foreignLines.first {
        AdminProgram.diagnostics.warning(
          "\(name):\(line): \(file.foreignLines.count == 1 ? "a name is" : "names from here on are") "
            + "no UTF-8 and taken byte by byte; is the file Latin-1?")
      }
      let administration = try Administration(options)
      let progress = Progress("importing")
      do {
        return try applying(administration) { ledger in
          try ledger.users.import(file.users, plans: file.plans, at: now) { done in
            progress.show(done, of: file.users.count)
          }
        }
      } catch let error as ImportError {
        file.addProblem(of: error)
      }
    }
    throw Import.refusal(of: file, called: name)
  }

  private func carryOver(_ database: FileArgument) throws -> ImportResult {
    let settings = try options.settings()
    let source = try SourceDatabase(database.path)
    let copy = try source.copy(beside: settings.database)
    try EarlierProject.check(copy.path, called: database.path)
    let administration = try Administration(settings)
    if try administration.ledger.hosts.membership() != nil {
      throw CommandError(
        "usage cannot be taken over while this host shares its users with others",
        hint: "quota-sync --leave first, and --join again afterwards")
    }
    let progress = Progress("importing")
    return try applying(administration) { ledger in
      try ledger.users.importEarlierProject(copy.path, at: Clock.now) { done, total in
        progress.show(done, of: total)
      }
    }
  }

  /// Takes everything back at the end if it is only to be shown.
  private func applying(
    _ administration: Administration, _ body: (Ledger) throws -> ImportResult
  ) throws -> ImportResult {
    if !dryRun { return try administration.change(body) }
    let ledger = administration.ledger
    return try ledger.dryRun { try body(ledger) }
  }

  private static func content(of argument: String) throws -> (name: String, bytes: [UInt8]) {
    let file = FileArgument(argument)
    let isInput = argument == "-"
    let name = isInput ? "standard input" : file.path
    let bytes =
      isInput
      ? try Descriptor.standardInput.readToEnd(of: name, limit: 1 << 30)
      : try contents(ofFile: file.path, limit: 1 << 30)
    if bytes.starts(with: "SQLite format 3\0".utf8) {
      throw CommandError(
        "\(name) is a database", hint: "--from takes over the earlier project's, restore a backup")
    }
    return (name, bytes)
  }

  /// Says what is wrong with a file, and gives what ends the program.
  private static func refusal(of file: UserFile, called name: String) -> CommandError {
    for problem in file.problems.prefix(20) {
      AdminProgram.diagnostics.error("\(name):\(problem.line): \(problem.message)")
    }
    let count = file.problems.count
    return CommandError(
      "\(count) \(count == 1 ? "line" : "lines") of \(name) cannot be taken; nothing was imported")
  }

  private func text(of result: ImportResult) -> [String] {
    let (add, change) = dryRun ? ("would add", "would change") : ("added", "changed")
    let names =
      dryRun
      ? result.plans.map { "would have plan \($0) as it is there" }
        + result.added.map { "would add \($0.forPeople)" }
        + result.changed.map { "would change \($0.forPeople)" } : []
    let plans = result.plans.isEmpty ? "" : "; \(result.plans.count) of the plans"
    let summary =
      "\(add) \(result.added.count), \(change) \(result.changed.count), "
      + "\(result.unchanged) as they are\(plans)"
    return names + [summary]
  }
}

struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write all users and their quotas, for import to read.",
    discussion: "Example: quota-admin export --csv > users.csv")

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: FormatOptions

  func run() throws {
    let (users, plans) = try Administration(options).ledger.users.export()
    switch output.format {
    case .json: try StandardOutput.write(UserFile.json(users, plans: plans))
    case .csv: try StandardOutput.write(UserFile.csv(users, isForTerminal: Terminal.isOutput))
    case .text:
      throw CommandError(
        "export writes for programs", hint: "add --csv or --json", exitStatus: .usage)
    }
  }
}
