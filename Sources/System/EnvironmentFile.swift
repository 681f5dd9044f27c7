/// Reads `KEY=VALUE` lines as systemd (254 and later) reads an `EnvironmentFile=`, see
/// `systemd.exec(5)`, so that one file can serve both.
///
/// - Empty lines, and lines that begin with `#` or `;`, do not count. A comment never goes on in
///   the next line, and there is none behind a value.
/// - Spaces around the key and around the value do not count.
/// - A value, or parts of one, may be in single quotes, where everything stands for itself, line
///   breaks too; or in double quotes, where a backslash before `"`, `\`, `` ` `` or `$` goes away,
///   before a line break goes away with it, and else stands for itself.
/// - Quotes count only where a value, or a new part behind a closing quote, begins.
/// - Outside quotes a backslash goes away and what follows stands for itself; before a line break
///   both go away and the value goes on in the next line.
/// - A line ends with LF or CR.
package struct EnvironmentFile {
  /// One assignment, or one line that is none.
  package struct Entry {
    /// The line it begins in, from 1.
    package let line: Int
    /// Where in the text its key is, or the whole line if it has no `=`.
    package let key: Range<Int>
    package let isAssignment: Bool
  }

  package let text: [UInt8]
  private var position = 0
  private var line = 1

  package init(_ text: [UInt8]) { self.text = text }

  /// Reads the next line that is not empty and not a comment.
  ///
  /// - Parameter value: gets the value; what was in it before is dropped.
  /// - Returns: nil at the end.
  package mutating func next(into value: inout [UInt8]) -> Entry? {
    value.removeAll(keepingCapacity: true)
    skipToKey()
    guard position < text.count else { return nil }
    let (start, began) = (position, line)
    position += 1  // Whatever it is, a `=` too, the first byte belongs to the key.
    while position < text.count, text[position] != UInt8(ascii: "="), !isLineEnd(text[position]) {
      position += 1
    }
    var end = position
    while end > start, isSpace(text[end - 1]) { end -= 1 }
    let isAssignment = position < text.count && text[position] == UInt8(ascii: "=")
    if isAssignment {
      position += 1
      readValue(into: &value)
    }
    return Entry(line: began, key: start..<end, isAssignment: isAssignment)
  }

  /// Goes to the first byte of the next key, past empty lines and comments.
  private mutating func skipToKey() {
    while position < text.count {
      switch text[position] {
      case UInt8(ascii: "#"), UInt8(ascii: ";"): position = lineEnd(from: position)
      case UInt8(ascii: "\n"):
        line += 1
        position += 1
      case let byte where isSpace(byte): position += 1
      default: return
      }
    }
  }

  private mutating func readValue(into value: inout [UInt8]) {
    while let byte = take() {
      if isLineEnd(byte) { return }
      switch byte {
      case UInt8(ascii: "'"): readSingleQuoted(into: &value)
      case UInt8(ascii: "\""): readDoubleQuoted(into: &value)
      case let byte where isSpace(byte): continue
      default:
        position -= 1
        return readBare(into: &value)
      }
    }
  }

  private mutating func readBare(into value: inout [UInt8]) {
    /// The length of the value up to its last byte that is not a space, or was escaped.
    var kept = value.count
    while let byte = take(), !isLineEnd(byte) {
      if byte == UInt8(ascii: "\\") {
        if let escaped = take(), !isLineEnd(escaped) { value.append(escaped) }
        kept = value.count
      } else {
        value.append(byte)
        if !isSpace(byte) { kept = value.count }
      }
    }
    value.removeLast(value.count - kept)
  }

  private mutating func readSingleQuoted(into value: inout [UInt8]) {
    while let byte = take(), byte != UInt8(ascii: "'") { value.append(byte) }
  }

  private mutating func readDoubleQuoted(into value: inout [UInt8]) {
    while let byte = take(), byte != UInt8(ascii: "\"") {
      guard byte == UInt8(ascii: "\\") else {
        value.append(byte)
        continue
      }
      guard let escaped = take() else { return }
      switch escaped {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "`"), UInt8(ascii: "$"):
        value.append(escaped)
      case UInt8(ascii: "\n"): break
      default: value += [byte, escaped]
      }
    }
  }

  /// Takes one byte and counts the line it ends.
  private mutating func take() -> UInt8? {
    guard position < text.count else { return nil }
    defer { position += 1 }
    if text[position] == UInt8(ascii: "\n") { line += 1 }
    return text[position]
  }

  /// Where the line that a position is in ends; comments are most of the file.
  private func lineEnd(from start: Int) -> Int {
    text.span.firstIndex(of: 10, or: 13, from: start)
  }

  private func isLineEnd(_ byte: UInt8) -> Bool { byte == 10 || byte == 13 }

  private func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 || isLineEnd(byte) }
}
