import System

/// A question to a management interface, already in the form it is sent in.
///
/// OpenVPN reads a command line with the lexer of its config files (`parse_line`, options_parse.c):
/// words in double quotes, a backslash before a quote or a backslash; a word that starts with `#`
/// or `;` would begin a comment. Control bytes are dropped from input (`command_line_add`,
/// manage.c), and a word has at most 255 bytes. Whatever a name or a message holds, it arrives as
/// the one word it is, or there is no command.
package struct ManagementCommand: Equatable, Sendable {
  /// What kind of answer follows.
  enum Answer: Equatable, Sendable { case listing, oneLine }

  /// The line or lines to send, each with its line feed.
  let text: [UInt8]
  let answer: Answer

  /// Asks for the live sessions in format 3 and for the process id behind it. The answer is one
  /// `ManagementEvent.listing`.
  package static let listing = ManagementCommand(
    text: Array("status 3\npid\n".utf8), answer: .listing)

  /// Asks for the live sessions in format 1, which has no user names: a name that is too long for a
  /// row of format 3 hides nobody there. The answer is one `ManagementEvent.listing`.
  package static let plainListing = ManagementCommand(
    text: Array("status 1\npid\n".utf8), answer: .listing)

  /// Disconnects one client with a control message that it obeys and shows.
  ///
  /// OpenVPN sends the message as it is and drops the client five seconds later.
  ///
  /// - Parameters:
  ///   - clientID: from a listing of this connection, not older than two seconds: ids restart at 0
  ///     with SIGHUP and SIGUSR1.
  ///   - message: 1 to 255 bytes without control bytes: `HALT,text` or `RESTART,text`. Clients
  ///     from 2.6.11 drop messages with control bytes (CVE-2024-5594).
  package static func clientKill(
    _ clientID: UInt64, message: [UInt8]
  ) throws(UnsendableText) -> ManagementCommand {
    let word = try quoted(message, limit: 255, kind: .message)
    return ManagementCommand(text: "client-kill \(clientID) ", word)
  }

  /// Asks for the process id, to know that every line of the answer before is here.
  static let processID = Array("pid\n".utf8)

  /// Whether it is a `client-kill`, whose refusal has one line or two.
  var isClientKill: Bool { text.starts(with: "client-kill ".utf8) }

  /// Drops the client at this address at once and tells it nothing.
  package static func kill(address: KillAddress) -> ManagementCommand {
    ManagementCommand(text: "kill ", address.text)
  }

  /// Drops every client of this common name at once and tells them nothing.
  ///
  /// - Throws: `UnsendableText` for what `kill` takes for something else: a name with a colon is an
  ///   address up to 2.6 and is cut at the colon by 2.7; a name over 127 bytes is cut; `UNDEF`
  ///   stands for every unfinished handshake (man_kill, tried on 2.5, 2.6 and 2.7).
  package static func kill(
    name: some Collection<UInt8>
  ) throws(UnsendableText) -> ManagementCommand {
    let bytes = Array(name)
    guard !bytes.contains(UInt8(ascii: ":")) else { throw UnsendableText(.name, .colon) }
    guard bytes != Array("UNDEF".utf8) else { throw UnsendableText(.name, .undefined) }
    return ManagementCommand(text: "kill ", try quoted(bytes, limit: 127, kind: .name))
  }

  /// The line for an error message, without its line feed.
  var name: String { answer == .listing ? "status" : printable(text.dropLast()) }

  private init(text: [UInt8], answer: Answer) {
    self.text = text
    self.answer = answer
  }

  private init(text: String, _ word: [UInt8]) {
    self.init(text: Array(text.utf8) + word + [Bytes.lineFeed], answer: .oneLine)
  }

  private static func quoted(
    _ text: [UInt8], limit: Int, kind: UnsendableText.Kind
  ) throws(UnsendableText) -> [UInt8] {
    guard !text.isEmpty else { throw UnsendableText(kind, .empty) }
    guard text.count <= limit else { throw UnsendableText(kind, .tooLong(limit)) }
    let quote = UInt8(ascii: "\"")
    var word = [quote]
    for byte in text {
      guard byte >= 32, byte != 127 else { throw UnsendableText(kind, .controlByte) }
      if byte == quote || byte == UInt8(ascii: "\\") { word.append(UInt8(ascii: "\\")) }
      word.append(byte)
    }
    return word + [quote]
  }
}

/// Why a name or a message cannot be part of a management command.
package struct UnsendableText: Error, Equatable, CustomStringConvertible {
  /// What the text was to be.
  package enum Kind: String, Sendable {
    case name
    case message
  }

  /// What is wrong with it.
  package enum Reason: Equatable, Sendable {
    case empty
    case tooLong(_ limit: Int)
    case controlByte
    case colon
    case undefined
  }

  /// Whether it was a common name or a client's message.
  package let kind: Kind
  /// What is wrong with it.
  package let reason: Reason

  init(_ kind: Kind, _ reason: Reason) {
    self.kind = kind
    self.reason = reason
  }

  package var description: String {
    switch reason {
    case .empty: "an empty \(kind.rawValue) cannot be sent"
    case .tooLong(let limit): "the \(kind.rawValue) has more than \(limit) bytes"
    case .controlByte: "the \(kind.rawValue) holds a control character"
    case .colon: "OpenVPN would take a \(kind.rawValue) with a colon for an address"
    case .undefined: "UNDEF would stand for every unfinished handshake"
    }
  }
}
