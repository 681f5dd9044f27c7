import ArgumentParser
import Support
import Ledger
import Quota
import System
import SQLite

struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show users with quota and usage.",
    discussion: "Example: quota-admin list --near --sort share")

  @OptionGroup var options: CommonOptions
  @OptionGroup var filter: UserFilter
  @OptionGroup var output: OutputOptions

  func run() throws {
    let administration = try Administration(options)
    let rules = administration.settings.rules
    let percent = administration.settings.notifyAt.first ?? 100
    let users = try filter.apply(by: rules, nearFrom: percent) { body in
      try administration.read { ledger throws(SQLiteError) in
        try ledger.forEachUser(at: Clock.now, body)
      }
    }
    try StandardOutput.write(output.json ? json(users, rules) : table(users, rules))
  }

  private func table(_ users: [UserRecord], _ rules: Rules) -> [UInt8] {
    var table = Table([
      .init("USER"), .init("STATE"), .init("USED", isNumeric: true),
      .init("QUOTA", isNumeric: true), .init("SHARE", isNumeric: true),
      .init("SESSIONS", isNumeric: true),
    ])
    for user in users {
      table.add([
        user.name.forPeople, user.state(by: rules), ByteSize.format(user.used(by: rules)),
        words(forQuota: user.entitlement.quota), user.share(by: rules) ?? "-",
        "\(user.openSessions)",
      ])
    }
    return table.text()
  }

  private func json(_ users: [UserRecord], _ rules: Rules) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.array("users") { json in
        for user in users { json.object { $0.fields(of: user, by: rules) } }
      }
    }
    return json.bytes + [UInt8(ascii: "\n")]
  }
}
