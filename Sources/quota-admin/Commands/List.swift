import ArgumentParser
import CommandSupport
import Ledger
import Quota
import POSIX
import SQLite

struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show all users with quota and usage.",
    discussion: "Example: quota-admin list --json")

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let administration = try Administration(options)
    let text = output.json ? try json(administration) : try table(administration)
    try StandardOutput.write(text)
  }

  private func table(_ administration: Administration) throws -> [UInt8] {
    let rules = administration.settings.rules
    var table = Table([
      .init("USER"), .init("STATE"), .init("USED", isNumeric: true),
      .init("QUOTA", isNumeric: true), .init("SHARE", isNumeric: true),
      .init("SESSIONS", isNumeric: true),
    ])
    try administration.read { ledger throws(SQLiteError) in
      try ledger.forEachUser(at: Clock.now) { user in
        table.add([
          user.name.forPeople, user.state(by: rules), ByteSize.format(user.used(by: rules)),
          words(forQuota: user.standing.quota), user.share(by: rules) ?? "-",
          "\(user.openSessions)",
        ])
      }
    }
    return table.text()
  }

  private func json(_ administration: Administration) throws -> [UInt8] {
    let rules = administration.settings.rules
    var json = JSONWriter()
    try json.object { json in
      try json.array("users") { json in
        try administration.read { ledger throws(SQLiteError) in
          try ledger.forEachUser(at: Clock.now) { user in
            json.object { $0.fields(of: user, by: rules) }
          }
        }
      }
    }
    return json.bytes + [UInt8(ascii: "\n")]
  }
}
