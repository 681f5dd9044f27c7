import ArgumentParser
import Glibc
import Ledger
import SQLite

struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write all users and their quotas, for import to read.",
    discussion: "Example: quota-admin export --csv > users.csv")

  @OptionGroup var options: CommonOptions
  @Flag(help: "Write CSV, which is the default.")
  var csv = false
  @Flag(help: "Write JSON.")
  var json = false

  func validate() throws {
    if csv, json { throw ValidationError("--csv and --json exclude each other") }
  }

  func run() throws {
    let administration = try Administration(options)
    let users = { (body: (UserRecord) -> Void) in
      try administration.read { ledger throws(SQLiteError) in try ledger.forEachUser(body) }
    }
    let isForTerminal = isatty(STDOUT_FILENO) == 1
    try StandardOutput.write(
      json ? UserFile.json(users) : UserFile.csv(isForTerminal: isForTerminal, users))
  }
}
