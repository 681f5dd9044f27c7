/// Writes CSV as RFC 4180 has it, row by row, as bytes: fields separated by commas, rows ended by
/// CR LF, a field in double quotes where it has to be.
///
/// A name that begins with `=` is a formula to a spreadsheet, and names are chosen by strangers. So
/// a text that a spreadsheet might take for a formula gets an apostrophe in front, which `CSVReader` takes
/// off again: what was written reads back to the byte. Numbers are written as they are.
package struct CSVWriter {
  /// What was written so far.
  package private(set) var bytes: [UInt8] = []
  private let isForTerminal: Bool

  /// A document that has its heading.
  ///
  /// - Parameters:
  ///   - columns: the names of the columns, the first row.
  ///   - isForTerminal: whether a terminal shows it, and whatever could do harm there is written as
  ///     `\xHH`; otherwise every byte is kept.
  package init(_ columns: [String], isForTerminal: Bool = false) {
    self.isForTerminal = isForTerminal
    row(columns.map(FieldValue.text))
  }

  /// Writes a row, which has as many fields as there are columns.
  package mutating func row(_ fields: [FieldValue]) {
    for (index, field) in fields.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      switch field {
      case .number, .size: bytes += field.bytes
      default: append(field.bytes)
      }
    }
    bytes += [CSV.carriageReturn, CSV.lineFeed]
  }

  private mutating func append(_ text: [UInt8]) {
    let guarded = CSV.guarded(isForTerminal ? Escaping.plain(text) : text)
    if guarded.allSatisfy({ CSV.isPlain($0) }), guarded.first != CSV.space,
      guarded.last != CSV.space
    {
      bytes += guarded
      return
    }
    bytes.append(CSV.quote)
    for byte in guarded {
      if byte == CSV.quote { bytes.append(byte) }
      bytes.append(byte)
    }
    bytes.append(CSV.quote)
  }
}

/// What the writer and the reader of CSV have to agree on.
enum CSV {
  static let quote = UInt8(ascii: "\"")
  static let comma = UInt8(ascii: ",")
  static let carriageReturn: UInt8 = 13
  static let lineFeed: UInt8 = 10
  static let space = UInt8(ascii: " ")
  private static let apostrophe = UInt8(ascii: "'")

  /// Whether a byte may stand in a field without quotes.
  static func isPlain(_ byte: UInt8, between separator: UInt8 = comma) -> Bool {
    byte != quote && byte != separator && byte != carriageReturn && byte != lineFeed
  }

  /// The text with an apostrophe in front if it may be a formula, or reads as one that was guarded.
  static func guarded(_ text: [UInt8]) -> [UInt8] { isFormula(text) ? [apostrophe] + text : text }

  /// The text that was guarded: the opposite of `guarded` for all it can give.
  static func unguarded(_ text: [UInt8]) -> [UInt8] {
    text.first == apostrophe && isFormula(text) ? Array(text.dropFirst()) : text
  }

  /// Whether a text begins, behind any number of apostrophes, as OWASP's page on CSV injection
  /// says that formulas do: with `=`, `+`, `-`, `@` or one of these in full width, or with a tab
  /// or a line break.
  private static func isFormula(_ text: [UInt8]) -> Bool {
    let rest = text.drop { $0 == apostrophe }
    switch rest.first {
    case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"), 9, 10, 13:
      return true
    case 0xEF: return ["＝", "＋", "－", "＠"].contains { rest.starts(with: $0.utf8) }
    default: return false
    }
  }
}
