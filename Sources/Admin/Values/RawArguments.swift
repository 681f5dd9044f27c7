import Glibc
import Support

/// The arguments of the program such that every byte survives a parser that works on `String`s.
///
/// A user's name is any bytes, and a `String` repairs those that are not UTF-8. So an argument that
/// is not UTF-8 is given to the parser with each byte past ASCII as a private-use character of its
/// own, and is turned back where the bytes matter.
package enum RawArguments {
  /// The first of the 256 characters that stand for bytes.
  private static let first: UInt32 = 0x10F700

  /// What the program was called with, its own name left out.
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

/// A file named on the command line.
struct FileArgument {
  /// Its path. Bytes that are no UTF-8 cannot be part of it.
  let path: String

  init(_ argument: String) {
    path = String(decoding: RawArguments.bytes(of: argument), as: UTF8.self)
  }

  /// The path, safe on a terminal.
  var forPeople: String { Escaping.plain(path) }
}
