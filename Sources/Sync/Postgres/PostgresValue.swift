import System

/// A parameter of a statement, in PostgreSQL's text format.
package enum PostgresValue {
  case text(String)
  case integer(Int64)
  case array([Element])

  /// An element of an array, which `unnest` makes a row of.
  package enum Element {
    case text(String)
    case integer(Int64)
    case truth(Bool)
    /// A `bytea`, or NULL.
    case bytes([UInt8]?)
  }

  /// Integers, one a row.
  static func integers(_ values: [Int64]) -> PostgresValue { .array(values.map { .integer($0) }) }

  /// Texts, one a row.
  static func texts(_ values: [String]) -> PostgresValue { .array(values.map { .text($0) }) }

  /// Bytes, one a row.
  static func bytes(_ values: [[UInt8]?]) -> PostgresValue { .array(values.map { .bytes($0) }) }

  /// What goes over the wire, without the zero byte at its end.
  var encoded: [UInt8] {
    switch self {
    case .text(let text): return Array(text.utf8)
    case .integer(let number): return Array(String(number).utf8)
    case .array(let elements):
      var text: [UInt8] = [UInt8(ascii: "{")]
      text.reserveCapacity(elements.count * 16)
      for (index, element) in elements.enumerated() {
        if index > 0 { text.append(UInt8(ascii: ",")) }
        element.append(to: &text)
      }
      text.append(UInt8(ascii: "}"))
      return text
    }
  }
}

extension PostgresValue.Element {
  fileprivate func append(to array: inout [UInt8]) {
    switch self {
    case .integer(let number): array += String(number).utf8
    case .truth(let truth): array.append(truth ? UInt8(ascii: "t") : UInt8(ascii: "f"))
    case .bytes(nil): array += "NULL".utf8
    case .bytes(let bytes?):
      array += "\"\\\\x".utf8
      array += hexadecimal(bytes).utf8
      array.append(UInt8(ascii: "\""))
    case .text(let text):
      array.append(UInt8(ascii: "\""))
      for byte in text.utf8 {
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
          array.append(UInt8(ascii: "\\"))
        }
        array.append(byte)
      }
      array.append(UInt8(ascii: "\""))
    }
  }
}
