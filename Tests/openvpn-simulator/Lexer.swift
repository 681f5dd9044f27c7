/// OpenVPN's `parse_line`: words as its config files and management commands have them.
enum Lexer {
  /// More words than these are ignored (`MAX_PARMS`).
  static let mostWords = 16
  /// A longer word is an error (`OPTION_PARM_SIZE`).
  static let longestWord = 256

  struct Mistake: Error {
    let message: Text
  }

  static func words(of line: Text) throws(Mistake) -> [Text] {
    enum State { case between, bare, quoted, singleQuoted }
    var words: [Text] = []
    var word: Text = []
    var state = State.between
    var escaped = false
    // The end of a line ends a bare word as a space does.
    for byte in line + [0] {
      if !escaped, byte == UInt8(ascii: "\\"), state != .singleQuoted {
        escaped = true
        continue
      }
      var kept: UInt8?
      var ended = false
      switch state {
      case .between where isSpace(byte): break
      case .between:
        if byte == UInt8(ascii: ";") || byte == UInt8(ascii: "#") { return words }
        if !escaped, byte == UInt8(ascii: "\"") {
          state = .quoted
        } else if !escaped, byte == UInt8(ascii: "'") {
          state = .singleQuoted
        } else {
          kept = byte
          state = .bare
        }
      case .bare:
        if !escaped, isSpace(byte) { ended = true } else { kept = byte }
      case .quoted:
        if !escaped, byte == UInt8(ascii: "\"") { ended = true } else { kept = byte }
      case .singleQuoted:
        if byte == UInt8(ascii: "'") { ended = true } else { kept = byte }
      }
      if ended {
        words.append(word)
        word = []
        state = .between
        if words.count == mostWords { return words }
      }
      if let kept, kept != 0 {
        if escaped, !isSpace(kept), kept != UInt8(ascii: "\\"), kept != UInt8(ascii: "\"") {
          throw Mistake(
            message: Text(
              """
              Options warning: Bad backslash ('\\') usage in TCP:0: remember that backslashes \
              are treated as shell-escapes and if you need to pass backslash characters as part \
              of a Windows filename, you should use double backslashes such as \
              "c:\\\\openvpn\\\\static.key"
              """.utf8))
        }
        if word.count >= longestWord {
          throw Mistake(
            message: Text("Options error: Parameter at TCP:0 is too long (256 chars max): ".utf8)
              + word.dropLast())
        }
        word.append(kept)
      }
      escaped = false
    }
    switch state {
    case .quoted:
      throw Mistake(message: Text("Options error: No closing quotation (\") in TCP:0".utf8))
    case .singleQuoted:
      throw Mistake(message: Text("Options error: No closing single quotation (') in TCP:0".utf8))
    case .bare:
      throw Mistake(message: Text("Options error: Residual parse state (2) in TCP:0".utf8))
    case .between: return words
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0 || byte == 32 || 9...13 ~= byte }
}
