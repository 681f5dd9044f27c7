import ArgumentParser
import CommandSupport
import Glibc
import Ledger
import POSIX
import SQLite

struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Add and change users and quotas as a file has them, all or nothing.",
    discussion: """
      Examples: quota-admin import --dry-run users.csv
                quota-admin import --from /var/lib/vpn/vpn_manager.db
      """)

  @OptionGroup var options: CommonOptions
  @Flag(help: "Show what would be done and change nothing.")
  var dryRun = false
  @Option(
    help: ArgumentHelp(
      "Take users, quotas and usage over from the database of the earlier project.",
      valueName: "database"))
  var from: String?
  @Argument(help: "The file, CSV or JSON as export writes them; - for standard input.")
  var file: String?

  func validate() throws {
    if (from == nil) == (file == nil) {
      throw ValidationError("name either a file, or a database with --from")
    }
  }

  func run() throws {
    let users = try file.map(Import.users)
    if let from { try EarlierProject.check(FileArgument(from).path) }
    let administration = try Administration(options)
    let result = try administration.work { ledger throws(LedgerError) in
      try Import.rehearsing(dryRun, ledger) { () throws(LedgerError) in
        try carryOut(users, in: ledger)
      }
    }
    try StandardOutput.write(text(of: result))
  }

  private func carryOut(
    _ users: [ImportedUser]?, in ledger: Ledger
  ) throws(LedgerError) -> ImportResult {
    let progress = Progress("importing")
    if let users {
      return try ledger.importUsers(users, at: Clock.now) { done in
        progress.show(done, of: users.count)
      }
    }
    let database = FileArgument(from ?? "").path
    return try ledger.importEarlierProject(database, at: Clock.now) { done, total in
      progress.show(done, of: total)
    }
  }

  /// Takes everything back at the end if it is only to be shown.
  private static func rehearsing(
    _ isRehearsal: Bool, _ ledger: Ledger,
    _ body: () throws(LedgerError) -> ImportResult
  ) throws(LedgerError) -> ImportResult {
    if !isRehearsal { return try body() }
    do { return try ledger.rehearsal(body) } catch let error as LedgerError { throw error } catch {
      guard let error = error as? SQLiteError else { return ImportResult() }
      throw .database(error)
    }
  }

  /// Reads a file, and says everything that is wrong with it.
  private static func users(of argument: String) throws -> [ImportedUser] {
    let file = FileArgument(argument)
    let name = argument == "-" ? "standard input" : file.path
    let bytes =
      argument == "-"
      ? try Descriptor.standardInput.readToEnd(of: name, limit: 1 << 30)
      : try contents(ofFile: file.path, limit: 1 << 30)
    if bytes.starts(with: "SQLite format 3\0".utf8) {
      throw Complaint(
        "\(name) is a database", hint: "--from takes over the earlier project's, restore a backup")
    }
    let read = UserFile(bytes)
    if read.problems.isEmpty { return read.users }
    for problem in read.problems.prefix(20) {
      Run.voice.error("\(name):\(problem.line): \(problem.message)")
    }
    let count = read.problems.count
    throw Complaint(
      "\(count) \(count == 1 ? "line" : "lines") of \(name) cannot be taken; nothing was imported")
  }

  private func text(of result: ImportResult) -> [String] {
    let (add, change) = dryRun ? ("would add", "would change") : ("added", "changed")
    let names =
      dryRun
      ? result.added.map { "would add \($0.forPeople)" }
        + result.changed.map { "would change \($0.forPeople)" } : []
    let summary =
      "\(add) \(result.added.count), \(change) \(result.changed.count), "
      + "\(result.unchanged) as they are"
    return names + [summary]
  }
}
