/// Reads CSV as RFC 4180 has it, row by row; line breaks may be LF alone, and lines that are empty
/// and a byte order mark at the start do not count. Fields may be separated by semicolons, as
/// spreadsheets write them in many languages, or by tabs: by what stands first in the first line.
package struct CSVReader {
  private let bytes: [UInt8]
  private let separator: UInt8
  private var position = 0
  private var line = 1

  package struct Row: Equatable, Sendable {
    /// The line it begins on; the first of a file is 1.
    package let line: Int
    /// Its fields as bytes, without quotes and without the guard that `CSVWriter` puts in front of
    /// formulas.
    package let fields: [[UInt8]]
  }

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
    separator = CSVReader.separator(of: bytes)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  private static func separator(of bytes: [UInt8]) -> UInt8 {
    var isQuoted = false
    for byte in bytes.drop(while: { $0 == CSV.lineFeed || $0 == CSV.carriageReturn }) {
      switch byte {
      case CSV.quote: isQuoted.toggle()
      case CSV.comma, UInt8(ascii: ";"), UInt8(ascii: "\t"): if !isQuoted { return byte }
      case CSV.lineFeed: if !isQuoted { return CSV.comma }
      default: break
      }
    }
    return CSV.comma
  }

  /// The next row, nil behind the last one.
  ///
  /// - Throws: `CSVError` for what is no CSV; nothing can be read behind it.
  package mutating func next() throws(CSVError) -> Row? {
    while takeLineBreak() {}
    guard position < bytes.count else { return nil }
    let first = line
    var fields = [try field()]
    while position < bytes.count, bytes[position] == separator {
      position += 1
      fields.append(try field())
    }
    _ = takeLineBreak()
    return Row(line: first, fields: fields)
  }

  private mutating func field() throws(CSVError) -> [UInt8] {
    guard position < bytes.count, bytes[position] == CSV.quote else { return try bareField() }
    return try quotedField()
  }

  private mutating func bareField() throws(CSVError) -> [UInt8] {
    let start = position
    while position < bytes.count, CSV.isPlain(bytes[position], between: separator) {
      position += 1
    }
    if position < bytes.count {
      if bytes[position] == CSV.quote { throw CSVError(line: line, .strayQuote) }
      if !isAtLineBreak, bytes[position] != separator {
        throw CSVError(line: line, .strayCarriageReturn)
      }
    }
    return CSV.unguarded(Array(bytes[start..<position]))
  }

  private mutating func quotedField() throws(CSVError) -> [UInt8] {
    let first = line
    var field: [UInt8] = []
    position += 1
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      guard byte == CSV.quote else {
        if byte == CSV.lineFeed { line += 1 }
        field.append(byte)
        continue
      }
      if position < bytes.count, bytes[position] == CSV.quote {
        field.append(byte)
        position += 1
        continue
      }
      guard position == bytes.count || bytes[position] == separator || isAtLineBreak else {
        throw CSVError(line: line, .textBehindQuote)
      }
      return CSV.unguarded(field)
    }
    throw CSVError(line: first, .openQuote)
  }

  private var isAtLineBreak: Bool {
    guard position < bytes.count else { return false }
    if bytes[position] == CSV.lineFeed { return true }
    return bytes[position] == CSV.carriageReturn
      && (position + 1 == bytes.count || bytes[position + 1] == CSV.lineFeed)
  }

  private mutating func takeLineBreak() -> Bool {
    guard isAtLineBreak else { return false }
    position += bytes[position...].starts(with: [CSV.carriageReturn, CSV.lineFeed]) ? 2 : 1
    line += 1
    return true
  }
}

/// Why a text is no CSV; its description begins with the line.
package struct CSVError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The line it is about; the first of a file is 1.
  package let line: Int
  package let kind: Kind

  init(line: Int, _ kind: Kind) {
    self.line = line
    self.kind = kind
  }

  package enum Kind: String, Sendable {
    case openQuote = "a quoted field has no closing quote"
    case textBehindQuote =
      "there is text behind a closing quote; a quote inside a field is written twice"
    case strayQuote = """
      a quote stands inside a field without quotes; such a field is put in quotes, and the \
      quote written twice
      """
    case strayCarriageReturn = "a carriage return stands inside a field without quotes"
  }

  package var description: String { "line \(line): \(kind.rawValue)" }
}

/// Writes CSV as RFC 4180 has it, row by row, as bytes: fields separated by commas, rows ended by
/// CR LF, a field in double quotes where it has to be.
///
/// A name that begins with `=` is a formula to a spreadsheet, and names are chosen by strangers. So
/// a text that a spreadsheet might take for a formula gets an apostrophe in front, which `CSVReader` takes
/// off again: what was written reads back to the byte. Numbers are written as they are.
package struct CSVWriter {
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
