import System

/// A value in a JSON document, and the line it begins on; the first line is 1.
package struct JSONValue: Equatable, Sendable {
  package let line: Int
  package let content: Content

  package enum Content: Equatable, Sendable {
    case null
    case truth(Bool)
    case number(String)
    case text(String)
    case array([JSONValue])
    case object([Field])
  }

  package struct Field: Equatable, Sendable {
    package let key: String
    package let value: JSONValue
  }
}

/// Why a text is no JSON.
package struct JSONError: Error, Equatable, Sendable {
  /// The line it is about; the first of a file is 1.
  package let line: Int
  /// What should have been there.
  package let expected: String
}

/// Reads JSON as RFC 8259 has it. A general decoder tells neither the line of a mistake nor that of
/// a value that makes no sense.
package struct JSONReader {
  private let bytes: [UInt8]
  private var position = 0
  private var line = 1

  /// Arrays and objects may be this deep inside each other.
  private static let deepest = 32

  package static func value(of bytes: [UInt8]) throws(JSONError) -> JSONValue {
    var reader = JSONReader(bytes: bytes)
    let value = try reader.value(depth: 0)
    reader.skipSpace()
    guard reader.position == bytes.count else { throw reader.error("nothing more") }
    return value
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
    skipSpace()
    let first = line
    guard depth < JSONReader.deepest else { throw error("no more brackets inside each other") }
    let content: JSONValue.Content =
      switch next {
      case UInt8(ascii: "{"): .object(try fields(depth))
      case UInt8(ascii: "["): .array(try elements(depth))
      case UInt8(ascii: "\""): .text(try text())
      case UInt8(ascii: "t"): try word("true", .truth(true))
      case UInt8(ascii: "f"): try word("false", .truth(false))
      case UInt8(ascii: "n"): try word("null", .null)
      default: .number(try number())
      }
    return JSONValue(line: first, content: content)
  }

  private mutating func fields(_ depth: Int) throws(JSONError) -> [JSONValue.Field] {
    var fields: [JSONValue.Field] = []
    position += 1
    if take("}") { return fields }
    repeat {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw error("a name in quotes") }
      let key = try text()
      guard take(":") else { throw error("a colon") }
      fields.append(JSONValue.Field(key: key, value: try value(depth: depth + 1)))
    } while take(",")
    guard take("}") else { throw error("a comma or a closing brace") }
    return fields
  }

  private mutating func elements(_ depth: Int) throws(JSONError) -> [JSONValue] {
    var elements: [JSONValue] = []
    position += 1
    if take("]") { return elements }
    repeat { elements.append(try value(depth: depth + 1)) } while take(",")
    guard take("]") else { throw error("a comma or a closing bracket") }
    return elements
  }

  private mutating func word(
    _ word: StaticString, _ content: JSONValue.Content
  ) throws(JSONError) -> JSONValue.Content {
    let text = word.description.utf8
    guard bytes[position...].starts(with: text) else { throw error("a value") }
    position += text.count
    return content
  }

  private mutating func number() throws(JSONError) -> String {
    let start = position
    while let byte = next, JSONReader.numeric.contains(byte) { position += 1 }
    if position == start { throw error("a value") }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private static let numeric = Array("+-.0123456789eE".utf8)

  private mutating func text() throws(JSONError) -> String {
    var text: [UInt8] = []
    position += 1
    while let byte = next, byte != UInt8(ascii: "\"") {
      guard byte >= 0x20 else { throw error("a closing quote") }
      position += 1
      if byte == UInt8(ascii: "\\") { try escape(into: &text) } else { text.append(byte) }
    }
    guard next != nil else { throw error("a closing quote") }
    position += 1
    guard let valid = String(utf8: text) else {
      throw error("UTF-8, and this may be Latin-1")
    }
    return valid
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
    let letter = next
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter ?? 0)
    case UInt8(ascii: "b"): text.append(8)
    case UInt8(ascii: "f"): text.append(12)
    case UInt8(ascii: "n"): text.append(10)
    case UInt8(ascii: "r"): text.append(13)
    case UInt8(ascii: "t"): text.append(9)
    case UInt8(ascii: "u"):
      guard let scalar = try scalar() else { throw error("a character behind \\u") }
      text += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
    default: throw error("a known escape")
    }
  }

  /// A character as one or, beyond 16 bits, two escapes.
  private mutating func scalar() throws(JSONError) -> Unicode.Scalar? {
    let high = try unit()
    guard 0xD800..<0xDC00 ~= high else { return Unicode.Scalar(high) }
    guard bytes[position...].starts(with: "\\u".utf8) else { return nil }
    position += 2
    let low = try unit()
    guard 0xDC00..<0xE000 ~= low else { return nil }
    return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
  }

  private mutating func unit() throws(JSONError) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = next.flatMap(hexadecimalDigit) else {
        throw error("four digits behind \\u")
      }
      unit = unit << 4 | UInt32(digit)
      position += 1
    }
    return unit
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func take(_ sign: Unicode.Scalar) -> Bool {
    skipSpace()
    guard next == UInt8(ascii: sign) else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = next, byte == 32 || byte == 9 || byte == 10 || byte == 13 {
      if byte == 10 { line += 1 }
      position += 1
    }
  }

  private func error(_ expected: String) -> JSONError { JSONError(line: line, expected: expected) }
}

/// Writes JSON, in the order it is told, as bytes.
///
/// Every character that could do harm on a terminal is written as `\uXXXX`, so that looking at the
/// output is as safe as reading it by a program. A hundred thousand users take no longer than their
/// table, which rules out a general encoder.
package struct JSONWriter {
  package private(set) var bytes: [UInt8] = []
  private var isFirst = true

  package init() {}

  /// A whole document: an object, and the end of its last line.
  package static func document(
    _ fields: (inout JSONWriter) throws -> Void
  ) rethrows -> [UInt8] {
    var json = JSONWriter()
    try json.object(fields)
    return json.bytes + [UInt8(ascii: "\n")]
  }

  /// Writes `{…}`, as a value or as an element of an array.
  package mutating func object(_ fields: (inout JSONWriter) throws -> Void) rethrows {
    separate()
    try nest("{", "}", fields)
  }

  /// Writes a field that is an array, one element a line.
  package mutating func array(
    _ key: String, _ elements: (inout JSONWriter) throws -> Void
  ) rethrows {
    self.key(key)
    try nest("[", "]", elements)
  }

  package mutating func field(_ key: String, _ value: Int64?) {
    self.key(key)
    bytes += (value.map { String($0) } ?? "null").utf8
  }

  package mutating func field(_ key: String, _ value: Bool?) {
    self.key(key)
    bytes += (value.map { $0 ? "true" : "false" } ?? "null").utf8
  }

  package mutating func field(_ key: String, _ value: String?) {
    self.key(key)
    guard let value else { return bytes += "null".utf8 }
    string(value)
  }

  package mutating func field(_ key: String, value: FieldValue) {
    switch value {
    case .text(let text): field(key, text)
    case .bytes(let bytes): field(key, String(decoding: bytes, as: UTF8.self))
    case .number(let number), .size(let number): field(key, number)
    case .flag(let flag): field(key, flag)
    case .time(let time): field(key, isoTime(time))
    case .empty: field(key, String?.none)
    }
  }

  package mutating func element(_ text: String) {
    separate()
    string(text)
  }

  private mutating func nest(
    _ opening: Unicode.Scalar, _ closing: Unicode.Scalar,
    _ content: (inout JSONWriter) throws -> Void
  ) rethrows {
    bytes.append(UInt8(ascii: opening))
    isFirst = true
    try content(&self)
    isFirst = false
    bytes.append(UInt8(ascii: closing))
  }

  private mutating func separate() {
    if !isFirst { bytes.append(UInt8(ascii: ",")) }
    if !bytes.isEmpty, bytes.last != UInt8(ascii: ":") { bytes.append(UInt8(ascii: "\n")) }
    isFirst = false
  }

  private mutating func key(_ key: String) {
    if !isFirst { bytes.append(UInt8(ascii: ",")) }
    isFirst = false
    string(key)
    bytes.append(UInt8(ascii: ":"))
  }

  private mutating func string(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    defer { bytes.append(UInt8(ascii: "\"")) }
    if text.utf8.allSatisfy(JSONWriter.isPlain) { return bytes += text.utf8 }
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\":
        bytes += [UInt8(ascii: "\\"), UInt8(ascii: scalar)]
      case " "..."~": bytes.append(UInt8(ascii: scalar))
      case _ where isHarmless(scalar):
        bytes += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
      default: escape(scalar)
      }
    }
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    0x20...0x7E ~= byte && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
  }

  private mutating func escape(_ scalar: Unicode.Scalar) {
    for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
      let digits = String(unit, radix: 16)
      bytes += "\\u\(String(repeating: "0", count: 4 - digits.utf8.count))\(digits)".utf8
    }
  }
}
