import System

/// A question to a management interface, already in the form it is sent in.
///
/// OpenVPN reads a command line with the lexer of its config files (`parse_line`, options_parse.c):
/// words in double quotes, a backslash before a quote or a backslash; a word that starts with `#`
/// or `;` would begin a comment. Control bytes are dropped from input (`command_line_add`,
/// manage.c), and a word has at most 255 bytes. Whatever a name or a message holds, it arrives as
/// the one word it is, or there is no command.
package struct ManagementCommand: Equatable, Sendable {
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

/// A client's address and port in the form that `kill` takes.
///
/// Up to OpenVPN 2.6 that is what a listing shows, `10.77.0.2:35040`. From 2.7 on `kill` wants
/// `udp:10.77.0.2:35040` or `tcp:…` where a listing shows `udp4:…` or `tcp4-server:…`, and would take
/// a plain address for a common name. No release finds an IPv6 client, nor an IPv4 client on a socket
/// for both families, which 2.7 lists as `udp6:10.77.0.2:39808` and 2.6 like any other (`man_kill`,
/// manage.c; tried on 2.6.14 and 2.7.6).
package struct KillAddress: Hashable, Sendable {
  /// `10.77.0.2:35040` or `udp:10.77.0.2:35040`
  package let text: [UInt8]
  /// Whether it is in the form of 2.7.
  package let namesProtocol: Bool

  /// - Returns: nil for what no `kill` finds.
  package init?(realAddress: ArraySlice<UInt8>) {
    var parts = realAddress.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    var name: String?
    if parts.count == 3 {
      switch String(decoding: parts.removeFirst(), as: UTF8.self) {
      case "udp4": name = "udp"
      case "tcp4-server", "tcp4": name = "tcp"
      default: return nil
      }
    }
    guard parts.count == 2, Self.isNumber(parts[1], of: 5, in: 1...65535) else { return nil }
    let host = parts[0].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard host.count == 4, host.allSatisfy({ Self.isNumber($0, of: 3, in: 0...255) }) else {
      return nil
    }
    namesProtocol = name != nil
    text = (name.map { Array("\($0):".utf8) } ?? []) + parts[0] + [UInt8(ascii: ":")] + parts[1]
  }

  private static func isNumber(
    _ digits: ArraySlice<UInt8>, of most: Int, in range: ClosedRange<Int64>
  ) -> Bool {
    digits.count <= most && Bytes.number(digits.span, in: range) != nil
  }
}

/// Why a name or a message cannot be part of a management command.
package struct UnsendableText: Error, Equatable, CustomStringConvertible {
  package enum Kind: String, Sendable {
    case name
    case message
  }

  package enum Reason: Equatable, Sendable {
    case empty
    case tooLong(_ limit: Int)
    case controlByte
    case colon
    case undefined
  }

  package let kind: Kind
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

/// What came out of a conversation with a management interface.
package enum ManagementEvent: Sendable {
  /// The greeting is here; `version` is the management interface's number: 1 in OpenVPN 2.3 and
  /// 2.4, 3 in 2.5, 5 in 2.6, 6 in 2.7 (MANAGEMENT_VERSION, manage.h). 0 where it gave none.
  case ready(version: Int)
  /// The answer to `ManagementCommand.listing`, its process id included.
  case listing(StatusListing)
  case reply(ManagementReply)
  case failed(ManagementFailure)
}

package struct ManagementReply: Equatable, Sendable {
  package let command: ManagementCommand
  /// Whether it began with `SUCCESS:` rather than `ERROR:`.
  package let succeeded: Bool
  /// The rest of the line, made safe to print.
  package let text: String
}

/// Why a conversation with a management interface came to nothing.
///
/// The description completes `server NAME: …`; text from the peer in it is made safe to print.
package enum ManagementFailure: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Step: Sendable {
    case greeting
    case password
    case listing
    case reply
    /// For nothing: no command was outstanding.
    case idle
  }

  /// Connected, and not one byte came. OpenVPN serves one management client at a time; the next
  /// one waits in the listen queue in silence (manage.c, `listen(sd, 1)`). A hook that does not
  /// end looks the same from here.
  case busy
  /// It asks for a password and none is configured.
  case passwordNeeded
  /// It asked again after our password. There is no second try: the third would cost the line.
  case wrongPassword
  /// It waits for `hold release` (`management-hold`) and has no sessions yet.
  case held
  /// It restarts its sessions (SIGUSR1, SIGHUP) and did not come back in time. All of them have
  /// ended.
  case restarting
  /// Its listing is longer than any server's, in bytes.
  case listingTooLong(limit: Int)
  /// It hung up before its first byte, as it does on a user that `management-client-user` or
  /// `management-client-group` keeps out (manage.c, `man_verify_unix_peer_uid_gid`).
  case turnedAway
  case cutOff(Step)
  /// It began, or had been ready, and did not finish in time.
  case timedOut(Step)
  /// What came is not the management protocol; the start of it for the message.
  case garbage(String)
  case refused(command: String, text: String)

  package var description: String {
    switch self {
    case .busy:
      "no greeting: another program holds its management interface, or a hook holds OpenVPN up"
    case .passwordNeeded: "its management interface asks for a password and none is configured"
    case .wrongPassword: "its management interface does not accept the password"
    case .held: "it is waiting for a hold release and has not started"
    case .restarting: "it is restarting its sessions"
    case .listingTooLong(let limit): "its listing is longer than \(limit >> 20) MiB"
    case .turnedAway: "it closed the management connection without a greeting"
    case .cutOff(.idle): "it closed the management connection between two commands"
    case .cutOff(let step): "it closed the management connection before \(step.answer) was here"
    case .timedOut(let step): "\(step.answer) did not come in time"
    case .garbage(let sample): "this is no management interface, it says: \(sample)"
    case .refused(let command, let text): "it turned down \(command): \(text)"
    }
  }

  /// What mends it, where that is known: one line.
  package var hint: String? {
    switch self {
    case .busy: "OpenVPN serves one management client at a time: end the other one"
    case .passwordNeeded:
      "add ,password-file=PATH to its entry in MANAGEMENT, or the file to its management line"
    case .wrongPassword: "the first line of the password file must be the one OpenVPN started with"
    case .held: "remove management-hold from its config, or send it: hold release"
    case .turnedAway:
      "remove management-client-user and management-client-group from its config, "
        + "or run this as that user"
    case .garbage: "MANAGEMENT must name the address of a management line"
    case .cutOff, .timedOut, .refused, .restarting, .listingTooLong: nil
    }
  }
}

extension ManagementFailure.Step {
  /// What was to come, for an error message.
  fileprivate var answer: String {
    switch self {
    case .greeting: "the whole greeting"
    case .password: "the answer to the password"
    case .listing: "the whole listing"
    case .reply: "the answer to a kill"
    case .idle: "the next command"
    }
  }
}
