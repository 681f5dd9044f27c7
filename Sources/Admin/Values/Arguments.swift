import Glibc
import Ledger
import Support
import System

/// The arguments of the program such that every byte survives a parser that works on `String`s.
///
/// A user's name is any bytes, and a `String` repairs those that are not UTF-8. So an argument that
/// is not UTF-8 is given to the parser with each byte past ASCII as a private-use character of its
/// own, and is turned back where the bytes matter.
package enum RawArguments {
  /// The first of the 256 characters that stand for bytes.
  private static let first: UInt32 = 0x10F700

  package static var all: [String] {
    (1..<max(1, Int(CommandLine.argc))).map { index in
      guard let argument = unsafe CommandLine.unsafeArgv[index] else { return "" }
      return unsafe text(UnsafeRawBufferPointer(start: argument, count: strlen(argument)))
    }
  }

  /// The bytes that an argument was given as.
  static func bytes(of text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    for scalar in text.unicodeScalars {
      if isStandIn(scalar) {
        bytes.append(UInt8(truncatingIfNeeded: scalar.value - first))
      } else {
        bytes += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
      }
    }
    return bytes
  }

  /// The text that the parser gets for an argument.
  static func text(_ bytes: some Collection<UInt8>) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    let isFaithful =
      text.utf8.elementsEqual(bytes) && !text.unicodeScalars.contains(where: isStandIn)
    if isFaithful { return text }
    var standIns = String.UnicodeScalarView()
    for byte in bytes {
      let value = byte < 0x80 ? UInt32(byte) : first + UInt32(byte)
      standIns.append(Unicode.Scalar(value) ?? "?")
    }
    return String(standIns)
  }

  private static func isStandIn(_ scalar: Unicode.Scalar) -> Bool {
    first..<first + 256 ~= scalar.value
  }
}

struct FileArgument {
  /// Its path. Bytes that are no UTF-8 cannot be part of it.
  let path: String

  init(_ argument: String) {
    path = String(decoding: RawArguments.bytes(of: argument), as: UTF8.self)
  }

  /// The path, safe on a terminal.
  var forPeople: String { Escaping.plain(path) }
}

extension UserName {
  /// The most bytes a name may have: no row of a listing has room for more.
  private static let limit = 511

  /// The name that an argument gives, also in the form that `forPeople` has for it.
  ///
  /// - Throws: `CommandError`, 65, for what is no name.
  init(argument: String) throws(CommandError) {
    try self.init(checked: Escaping.bytes(ofName: RawArguments.bytes(of: argument)))
  }

  /// - Throws: `CommandError`, 65, for a name that no client can have.
  init(newArgument argument: String) throws(CommandError) {
    try self.init(argument: argument)
    if bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
      throw CommandError(
        "no client can have the name \(forPeople): OpenVPN puts _ in the place of control characters"
      )
    }
  }

  /// - Throws: `CommandError`, 65, for what is no name.
  init(checked bytes: [UInt8]) throws(CommandError) {
    let allowed = "allowed are 1 to \(UserName.limit) bytes"
    if bytes.isEmpty { throw CommandError("a user's name is empty; \(allowed)") }
    if bytes.count > UserName.limit {
      throw CommandError("a user's name has \(bytes.count) bytes; \(allowed)")
    }
    self.init(bytes: bytes)
    if bytes.contains(0) || FormerName(self) != nil {
      throw CommandError("no user can have the name \(Escaping.name(bytes))")
    }
  }

  /// The name as `Escaping.name` has it, which an argument may be too; of a user who was removed the one
  /// they had.
  var forPeople: String {
    if let former = FormerName(self) { return "\(former.name.forPeople) (removed)" }
    return Escaping.name(bytes)
  }

  /// Whether the name is valid UTF-8.
  var isText: Bool {
    bytes.allSatisfy { $0 < 0x80 } || description.utf8.elementsEqual(bytes)
  }
}

extension JSONWriter {
  /// The two fields that a name takes, for it may be no text; of a user who was removed the name
  /// they had.
  mutating func name(_ name: UserName) {
    let whole = FormerName(name)?.name ?? name
    field("name", whole.description)
    field("name_hex", whole.isText ? nil : hexadecimal(whole.bytes))
  }
}
