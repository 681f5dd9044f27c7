/// Reads CSV as RFC 4180 has it, row by row; line breaks may be LF alone, and lines that are empty
/// and a byte order mark at the start do not count. Fields may be separated by semicolons, as
/// spreadsheets write them in many languages, or by tabs: by what stands first in the first line.
package struct CSVReader {
  private let bytes: [UInt8]
  private let separator: UInt8
  private var position = 0
  private var line = 1

  /// One row.
  package struct Row: Equatable, Sendable {
    /// The line it begins on; the first of a file is 1.
    package let line: Int
    /// Its fields as bytes, without quotes and without the guard that `CSVWriter` puts in front of
    /// formulas.
    package let fields: [[UInt8]]
  }

  /// A reader at the start of a document.
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

  /// Goes past a line break, if there is one here.
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

  /// What is wrong.
  package enum Kind: Sendable {
    /// A quote that begins on this line is never closed.
    case openQuote
    /// There is something between a closing quote and the next separator.
    case textBehindQuote
    /// A quote inside a field that does not begin with one.
    case strayQuote
    /// A carriage return that ends no line, in a field without quotes.
    case strayCarriageReturn
  }

  package var description: String {
    let what =
      switch kind {
      case .openQuote: "a quoted field has no closing quote"
      case .textBehindQuote:
        "there is text behind a closing quote; a quote inside a field is written twice"
      case .strayQuote:
        "a quote stands inside a field without quotes; such a field is put in quotes, and the "
          + "quote written twice"
      case .strayCarriageReturn:
        "a carriage return stands inside a field without quotes"
      }
    return "line \(line): \(what)"
  }
}
