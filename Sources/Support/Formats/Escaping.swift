import System

/// Text from outside, made safe for one line of a log or a terminal.
///
/// Names are chosen by strangers: a line break would forge a log line, an escape sequence would
/// take over the terminal of the person who reads it.
package enum Escaping {
  /// Gives the text with every byte that could do harm, or could not be seen, written as `\xHH`: control
  /// characters, line and paragraph separators, characters without a width, marks that turn the direction
  /// of writing, spaces other than the usual one, what Unicode has no character for, and all bytes past
  /// ASCII of a text that is not valid UTF-8.
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

  /// Gives a user's name so that different names look different, and `bytes(ofName:)` gives it back: as
  /// `plain` does, and also with `\xHH` for blanks at the ends, for a mark that would combine with what
  /// stands before the name, for a backslash that would read as one of these, and for a name that is
  /// just a hyphen, which commands take for standard input.
  package static func name(_ name: [UInt8]) -> String {
    let isPlain = name.allSatisfy { 0x21...0x7E ~= $0 && $0 != backslash }
    if name == [UInt8(ascii: "-")] { return "\\x2D" }
    if isPlain { return String(decoding: name, as: UTF8.self) }
    let start = name.prefix { $0 == space }.count + lengthOfMark(at: name.drop { $0 == space })
    let end = max(start, name.count - name.reversed().prefix { $0 == space }.count)
    var shown = Array(escaped(name[..<start]).utf8)
    var rest = name[start..<end]
    while let place = rest.indices.first(where: { escapedByte(in: name, at: $0) != nil }),
      place < end
    {
      append(Array(rest[..<place]), to: &shown, quoted: false)
      shown += escaped([backslash]).utf8
      rest = rest[(place + 1)...]
    }
    append(Array(rest), to: &shown, quoted: false)
    return String(decoding: shown, as: UTF8.self) + escaped(name[end...])
  }

  /// The name that a text stands for, in which `\xHH` with capital digits is a byte.
  package static func bytes(ofName text: [UInt8]) -> [UInt8] {
    var name: [UInt8] = []
    var index = 0
    while index < text.count {
      let byte = escapedByte(in: text, at: index)
      name.append(byte ?? text[index])
      index += byte == nil ? 1 : 4
    }
    return name
  }

  private static let (space, backslash) = (UInt8(ascii: " "), UInt8(ascii: "\\"))

  /// The byte that `\xHH` stands for, if that is what begins there.
  private static func escapedByte(in text: [UInt8], at index: Int) -> UInt8? {
    func digit(_ byte: UInt8) -> UInt8? { byte < 0x61 ? hexadecimalDigit(byte) : nil }
    guard index + 4 <= text.count, text[index] == backslash, text[index + 1] == UInt8(ascii: "x"),
      let high = digit(text[index + 2]), let low = digit(text[index + 3])
    else { return nil }
    return high << 4 | low
  }

  /// The bytes of the mark that a text begins with, which would combine with what stands before it.
  private static func lengthOfMark(at text: ArraySlice<UInt8>) -> Int {
    guard let first = String(decoding: text.prefix(4), as: UTF8.self).unicodeScalars.first else {
      return 0
    }
    switch first.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark: return UTF8.width(first)
    default: return 0
    }
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
        line += escaped(UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter).utf8
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
    default: line += escaped([byte]).utf8
    }
  }

  /// Whether a character does harm on a terminal, or cannot be seen there.
  package static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
    !isHarmless(scalar) || scalar.properties.generalCategory == .spaceSeparator
      || scalar.properties.isDefaultIgnorableCodePoint
  }
}

extension String {
  /// The text that the bytes are in UTF-8; nil if they are not.
  init?(utf8 bytes: [UInt8]) {
    self.init(decoding: bytes, as: UTF8.self)
    guard utf8.elementsEqual(bytes) else { return nil }
  }
}
