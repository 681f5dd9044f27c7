import ArgumentParser
import Support
import Ledger
import System
import Quota
import SQLite

struct Grants: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what a user was granted and what is left of it.",
    discussion: "Example: quota-admin grants alice")

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var user: NameArgument

  func run() throws {
    let name = try UserName(argument: user.name)
    let administration = try Administration(options)
    let now = Clock.now
    _ = try administration.user(named: name, at: now)
    let grants = try administration.read { ledger in
      try ledger.grants.list(of: name, at: now)
    }
    try StandardOutput.write(
      output.json ? json(grants) : table(grants, administration.settings.zone))
  }

  private func table(_ grants: [Grant], _ zone: Zone) -> [UInt8] {
    var table = Table([
      .init("GRANT", isNumeric: true), .init("SINCE"), .init("SIZE", isNumeric: true),
      .init("LEFT", isNumeric: true), .init("KIND"), .init("NOTE"),
    ])
    for grant in grants {
      let kind = grant.isCarried ? "carried" : "period"
      table.add([
        "\(grant.number)", words(forTime: grant.at, in: zone), ByteSize.format(grant.bytes),
        ByteSize.format(grant.left), grant.revokedAt == nil ? kind : "\(kind), revoked",
        Escaping.plain(grant.note),
      ])
    }
    return table.text()
  }

  private func json(_ grants: [Grant]) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.array("grants") { json in
        for grant in grants {
          json.object { json in
            json.field("grant", grant.number)
            json.field("at", isoTime(grant.at))
            json.field("bytes", grant.bytes)
            json.field("bytes_left", grant.left)
            json.field("carried", grant.isCarried)
            json.field("note", grant.note)
            json.field("revoked_at", grant.revokedAt.map(isoTime))
          }
        }
      }
    }
    return json.bytes + [UInt8(ascii: "\n")]
  }
}
