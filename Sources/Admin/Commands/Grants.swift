import ArgumentParser
import Ledger
import Quota
import Support
import System

struct GrantBytes: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "grant",
    abstract: "Give a user bytes on top of the quota.",
    discussion: """
      They are for the present period, or with --carry until they are used up. The quota is used \
      first, then what was granted for the period, then what is carried, the oldest first.

      Example: quota-admin grant alice 10GB --note "paid in November"
      Example: quota-admin grant alice 100GB --carry
      """)

  @OptionGroup var options: CommonOptions
  @Flag(help: "Keep what is left when the period is over, until it is used up.")
  var carry = false
  @Option(help: ArgumentHelp("A note to remember it by.", valueName: "text"))
  var note = ""
  @OptionGroup var user: NameArgument
  @Argument(help: "How much, such as 10GB.")
  var size: String

  func run() throws {
    let name = try user.userName()
    let bytes = try ByteSize.confirmed(size, of: "the size", unlessBelow: 1000)
    if bytes == 0 {
      throw CommandError("the size is \(CommandError.quoted(size)); allowed is 1 byte or more")
    }
    let note = try Admin.note(argument: note)
    let administration = try Administration(options)
    let granted = try administration.change { ledger in
      try ledger.grants.give(bytes, to: name, isCarried: carry, note: note, at: Clock.now)
    }
    let (words, end) = (administration.words, granted.user.entitlement.span.end)
    let validity =
      carry ? "until it is used up" : end == .max ? "for good" : "until \(words.time(end))"
    try StandardOutput.write([
      "\(name.forPeople) has \(words.size(bytes)) more \(validity), as grant "
        + "\(granted.number)\(words.consequence(for: granted.user))"
    ])
  }
}

struct Revoke: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Take back what is left of a grant.",
    discussion: "Example: quota-admin revoke alice 2")

  @OptionGroup var options: CommonOptions
  @OptionGroup var user: NameArgument
  @Argument(help: ArgumentHelp("Its number, as quota-admin grants shows it.", valueName: "grant"))
  var number: Int64

  func run() throws {
    let name = try user.userName()
    let administration = try Administration(options)
    let words = administration.words
    let revoked = try administration.change { ledger in
      try ledger.grants.revoke(number, of: name, at: Clock.now)
    }
    let what =
      revoked.taken.map { "revoked: \(words.size($0)) were left" } ?? "revoked already"
    let consequence = words.consequence(for: revoked.user)
    try StandardOutput.write(["grant \(number) of \(name.forPeople) is \(what)\(consequence)"])
  }
}

struct Grants: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what a user was granted and what is left of it.",
    discussion: "Example: quota-admin grants alice")

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var user: NameArgument

  func run() throws {
    let administration = try Administration(options)
    let name = try administration.user(user.userName()).name
    let grants = try administration.ledger.grants.list(of: name, at: Clock.now)
    var listing = Listing(
      "grants", grants,
      [
        .number("GRANT", key: "grant") { $0.number },
        .time("SINCE", key: "at") { $0.at },
        .size("SIZE", key: "bytes") { $0.bytes },
        .size("LEFT", key: "bytes_left") { $0.left },
        .text("KIND") {
          ($0.isCarried ? "carried" : "period") + ($0.revokedAt == nil ? "" : ", revoked")
        },
        .flag(key: "carried") { $0.isCarried },
        .text("NOTE", key: "note") { $0.note },
        .time(key: "revoked_at") { $0.revokedAt },
      ])
    listing.ifEmpty = (
      "nothing was granted to \(name.forPeople) yet",
      "for 10 GB on top of the quota: quota-admin grant \(shellWord(user.name)) 10GB"
    )
    try listing.write(as: output.format, administration.words)
  }
}
