/// Text from outside, made safe for one line of a log or a terminal.
///
/// Names are chosen by strangers: a line break would forge a log line, an escape sequence would
/// take over the terminal of the person who reads it.
package enum Escaping {
  /// Gives the text with every byte that could do harm written as `\xHH`: control characters, DEL,
  /// C1 controls, line and paragraph separators, marks that turn the direction of writing, and all
  /// bytes past ASCII of a text that is not valid UTF-8.
  package static func plain(_ bytes: [UInt8]) -> [UInt8] {
    var line: [UInt8] = []
    append(bytes, to: &line, quoted: false)
    return line
  }

  /// Gives the text as `plain` does.
  package static func plain(_ text: String) -> String {
    if text.utf8.allSatisfy({ 0x20...0x7E ~= $0 }) { return text }
    return String(decoding: plain(Array(text.utf8)), as: UTF8.self)
  }

  /// Appends the value of a `key=value` pair, in double quotes if it would not read back as one
  /// word: when it is empty or has a space, `"`, `=`, `\` or a byte that `plain` would escape.
  /// Inside quotes `"` and `\` get a backslash.
  ///
  /// - Parameter limit: bytes after which the value is cut, with `...` in place of the rest.
  package static func appendValue(_ bytes: [UInt8], to line: inout [UInt8], limit: Int = 1024) {
    if bytes.allSatisfy(isWordByte), 1...limit ~= bytes.count {
      line += bytes
    } else {
      appendQuoted(bytes, to: &line, limit: limit)
    }
  }

  /// Appends a text in double quotes, as `appendValue` does where it must.
  static func appendQuoted(_ bytes: [UInt8], to line: inout [UInt8], limit: Int) {
    line.append(UInt8(ascii: "\""))
    if bytes.count <= limit {
      append(bytes, to: &line, quoted: true)
    } else {
      var end = limit
      while end > 0, bytes[end] & 0xC0 == 0x80, limit - end < 4 { end -= 1 }
      append(Array(bytes[..<end]), to: &line, quoted: true)
      line += "...".utf8
    }
    line.append(UInt8(ascii: "\""))
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "="), UInt8(ascii: "\\"): false
    default: 0x21...0x7E ~= byte
    }
  }

  private static func append(_ bytes: [UInt8], to line: inout [UInt8], quoted: Bool) {
    guard let text = String(utf8: bytes) else {
      for byte in bytes { append(byte, to: &line, quoted: quoted) }
      return
    }
    for scalar in text.unicodeScalars {
      if scalar.isASCII {
        append(UInt8(scalar.value), to: &line, quoted: quoted)
      } else if isHarmful(scalar) {
        for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
          appendHexadecimal(byte, to: &line)
        }
      } else {
        line += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
      }
    }
  }

  private static func append(_ byte: UInt8, to line: inout [UInt8], quoted: Bool) {
    switch byte {
    case UInt8(ascii: "\"") where quoted, UInt8(ascii: "\\") where quoted:
      line.append(UInt8(ascii: "\\"))
      line.append(byte)
    case 0x20...0x7E: line.append(byte)
    default: appendHexadecimal(byte, to: &line)
    }
  }

  private static func appendHexadecimal(_ byte: UInt8, to line: inout [UInt8]) {
    line += "\\x".utf8
    for digit in [byte >> 4, byte & 15] {
      line.append(digit < 10 ? digit + UInt8(ascii: "0") : digit - 10 + UInt8(ascii: "A"))
    }
  }

  private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x80...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
    default: false
    }
  }
}

extension String {
  /// The text that the bytes are in UTF-8; nil if they are not. `String(validating:as:)` costs a
  /// hook 14 000 instructions at its first use, this none but the work.
  init?(utf8 bytes: [UInt8]) {
    self.init(decoding: bytes, as: UTF8.self)
    guard utf8.elementsEqual(bytes) else { return nil }
  }
}
