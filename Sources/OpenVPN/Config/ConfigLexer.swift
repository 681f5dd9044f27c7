/// Splits a line of an OpenVPN config file, or the command in one, into words as OpenVPN does.
///
/// The rules are those of `parse_line` (options_parse.c, in options.c before 2.6), tried on 2.6.14:
/// blanks separate words; `#` or `;` at the start of a word begins a comment, even behind a
/// backslash; a word that starts with a double quote goes on to the next one, and a backslash in
/// it or in a bare word makes the next character plain, which must be a backslash, a double quote
/// or a blank; a word that starts with a single quote goes on to the next one with no escapes;
/// quotes inside a bare word are characters. A line has at most 16 words of 256 bytes, and what
/// follows the sixteenth is not looked at.
enum ConfigLexer {
  /// Why OpenVPN would not start with this line.
  enum Mistake: Error, Equatable {
    case noClosingQuote
    case badBackslash
    case endsInBackslash
    case wordTooLong

    var description: String {
      switch self {
      case .noClosingQuote: "a quotation is not closed"
      case .badBackslash:
        "a backslash must be followed by a backslash, a double quote or a blank"
      case .endsInBackslash: "the line ends in a backslash"
      case .wordTooLong: "a word has more than 256 bytes"
      }
    }
  }

  private enum State { case between, bare, quoted, singleQuoted }

  private static let mostWords = 16
  private static let longestWord = 256

  /// Gives the words of a line, none for a comment or an empty line.
  static func words(in line: some Sequence<UInt8>) throws(Mistake) -> [[UInt8]] {
    var words: [[UInt8]] = []
    var word: [UInt8] = []
    var state = State.between
    var isEscaped = false
    for byte in line {
      if byte == UInt8(ascii: "\\"), !isEscaped, state != .singleQuoted {
        isEscaped = true
        continue
      }
      let wasEscaped = isEscaped
      isEscaped = false
      switch (state, byte) {
      case (.between, UInt8(ascii: "#")), (.between, UInt8(ascii: ";")): return words
      case (.between, _) where isBlank(byte): continue
      case (.between, UInt8(ascii: "\"")) where !wasEscaped: state = .quoted
      case (.between, UInt8(ascii: "'")) where !wasEscaped: state = .singleQuoted
      case (.bare, _) where isBlank(byte) && !wasEscaped,
        (.quoted, UInt8(ascii: "\"")) where !wasEscaped,
        (.singleQuoted, UInt8(ascii: "'")):
        words.append(word)
        if words.count == mostWords { return words }
        word = []
        state = .between
      default:
        guard !wasEscaped || isEscapable(byte) else { throw .badBackslash }
        guard word.count < longestWord else { throw .wordTooLong }
        word.append(byte)
        if state == .between { state = .bare }
      }
    }
    guard !isEscaped else { throw .endsInBackslash }
    guard state == .between || state == .bare else { throw .noClosingQuote }
    return state == .bare ? words + [word] : words
  }

  /// What C's `isspace` takes for one.
  static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

  private static func isEscapable(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "\"") || isBlank(byte)
  }
}
