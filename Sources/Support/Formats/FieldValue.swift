/// The value of a field: of a list, of a line in the log, of CSV or JSON.
package enum FieldValue: Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
  /// Text; may come from outside.
  case text(String)
  /// Text as bytes, not necessarily UTF-8, such as a user's name.
  case bytes([UInt8])
  case number(Int64)
  /// Bytes of traffic or of disk.
  case size(Int64)
  case flag(Bool)
  /// Seconds since 1970 in UTC.
  case time(Int64)
  /// Nothing known: null in JSON, an empty field in CSV.
  case empty

  package init(stringLiteral value: String) { self = .text(value) }
  package init(integerLiteral value: Int64) { self = .number(value) }

  /// The value as programs read it, not yet escaped.
  var bytes: [UInt8] {
    switch self {
    case .text(let text): Array(text.utf8)
    case .bytes(let bytes): bytes
    case .number(let number), .size(let number): Array("\(number)".utf8)
    case .flag(let flag): Array("\(flag)".utf8)
    case .time(let time): Array(isoTime(time).utf8)
    case .empty: []
    }
  }
}
