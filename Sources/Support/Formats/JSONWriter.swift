import System

/// Writes JSON, in the order it is told, as bytes.
///
/// Every character that could do harm on a terminal is written as `\uXXXX`, so that looking at the
/// output is as safe as reading it by a program. A hundred thousand users take no longer than their
/// table, which rules out a general encoder.
package struct JSONWriter {
  /// What was written so far.
  package private(set) var bytes: [UInt8] = []
  private var isFirst = true

  /// A document that is still empty.
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

  /// Writes a field that is a number, or null.
  package mutating func field(_ key: String, _ value: Int64?) {
    self.key(key)
    bytes += (value.map { String($0) } ?? "null").utf8
  }

  /// Writes a field that is true, false or null.
  package mutating func field(_ key: String, _ value: Bool?) {
    self.key(key)
    bytes += (value.map { $0 ? "true" : "false" } ?? "null").utf8
  }

  /// Writes a field that is a text, or null.
  package mutating func field(_ key: String, _ value: String?) {
    self.key(key)
    guard let value else { return bytes += "null".utf8 }
    string(value)
  }

  /// Writes a field that is any value.
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

  /// Writes an element of an array that is a text.
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
