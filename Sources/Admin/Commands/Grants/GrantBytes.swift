import ArgumentParser
import Ledger
import System
import Quota

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
    let name = try UserName(argument: user.name)
    let bytes = try ByteSize.argument(size, of: "the size")
    if bytes == 0 {
      throw CommandError("the size is \(CommandError.quoted(size)); allowed is 1 byte or more")
    }
    let note = try Note.parse(note)
    let administration = try Administration(options)
    let granted = try administration.work { ledger throws(LedgerError) in
      try ledger.grant(bytes, to: name, isCarried: carry, note: note, at: Clock.now)
    }
    let until = granted.user.entitlement.span.end
    let zone = administration.settings.zone
    let validity =
      carry
      ? "until it is used up"
      : until == .max ? "for good" : "until \(words(forTime: until, in: zone))"
    let consequence = granted.user.consequence(by: administration.settings.rules)
    try StandardOutput.write([
      "\(name.forPeople) has \(ByteSize.format(bytes)) more \(validity), as grant "
        + "\(granted.number)\(consequence)"
    ])
  }
}

/// What a grant is remembered by.
enum Note {
  /// The note that an argument gives.
  ///
  /// - Throws: `CommandError`, 65, for one that is too long or no text.
  static func parse(_ argument: String) throws(CommandError) -> String {
    let bytes = RawArguments.bytes(of: argument)
    let text = String(decoding: bytes, as: UTF8.self)
    let isText = text.utf8.elementsEqual(bytes) && !bytes.contains { $0 < 0x20 || $0 == 0x7F }
    guard isText, bytes.count <= 200 else {
      throw CommandError(
        "--note is \(CommandError.quoted(argument)); allowed are up to 200 bytes of UTF-8 without "
          + "control characters")
    }
    return text
  }
}
