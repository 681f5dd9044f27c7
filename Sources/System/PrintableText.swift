/// Text chosen by someone else, as one line that is safe on a terminal and in a log.
///
/// A common name is chosen by a stranger, and so is what a peer sends. Control characters, line
/// and paragraph separators, characters that reorder or hide text, and bytes that are no UTF-8
/// appear as `\xHH`, one for each byte, and a backslash as `\\`: different bytes stay different.
///
/// - Parameter limit: the most bytes of it to show; what is longer ends in `…`.
package func printable(_ bytes: some Collection<UInt8>, limit: Int = 300) -> String {
  // Nearly all text is plain, and a sweep shows each session's real address.
  let plain = bytes.withContiguousStorageIfAvailable { unsafe plainText($0, limit: limit) }
  if let plain = plain ?? nil { return plain }
  var text = ""
  var rest = bytes.prefix(limit).makeIterator()
  var at = bytes.startIndex
  var parser = Unicode.UTF8.ForwardParser()
  while true {
    let length: Int
    switch parser.parseScalar(from: &rest) {
    case .emptyInput:
      return bytes.count > limit ? text + "…" : text
    case .valid(let encoded):
      length = encoded.count
      let scalar = Unicode.UTF8.decode(encoded)
      if scalar == "\\" {
        text += "\\\\"
      } else if isHarmless(scalar) {
        text.unicodeScalars.append(scalar)
      } else {
        text += escaped(bytes[at...].prefix(length))
      }
    case .error(let bad):
      length = bad
      text += escaped(bytes[at...].prefix(length))
    }
    at = bytes.index(at, offsetBy: length)
  }
}

/// The text of bytes that are all printable ASCII and no backslash; nil for others, and where it is
/// too long.
private func plainText(_ bytes: UnsafeBufferPointer<UInt8>, limit: Int) -> String? {
  guard bytes.count <= limit,
    unsafe bytes.allSatisfy({ 32...126 ~= $0 && $0 != UInt8(ascii: "\\") })
  else { return nil }
  return unsafe String(decoding: bytes, as: UTF8.self)
}

/// Whether a character neither acts on a terminal nor turns the direction of writing.
package func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: false
  default: true
  }
}

package func escaped(_ bytes: some Collection<UInt8>) -> String {
  bytes.reduce(into: "") { text, byte in
    text += byte < 16 ? "\\x0" : "\\x"
    text += String(byte, radix: 16, uppercase: true)
  }
}

package func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}

package func hexadecimal(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(
    decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

/// The bytes that pairs of hexadecimal digits stand for; nil where they are none.
package func bytes(ofHexadecimal text: some Collection<UInt8>) -> [UInt8]? {
  let digits = text.compactMap(hexadecimalDigit)
  guard digits.count == text.count, digits.count % 2 == 0 else { return nil }
  return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// Text as one word of a shell's command line, for people to copy: in quotes where it has to be, and in
/// bash's `$'…'` with `\xHH` for what a terminal would not show.
package func shellWord(_ text: String) -> String {
  let scalars = text.unicodeScalars
  guard scalars.allSatisfy(isShown) else {
    return "$'\(scalars.map(ansiQuoted).joined())'"
  }
  let isPlain = scalars.allSatisfy { scalar in
    scalar.properties.isAlphabetic || scalar.properties.numericType != nil
      || "._@+-=:/,%".unicodeScalars.contains(scalar)
  }
  if isPlain, !text.isEmpty { return text }
  let parts = text.split(separator: "'", omittingEmptySubsequences: false)
  return "'\(parts.joined(separator: #"'\''"#))'"
}

private func isShown(_ scalar: Unicode.Scalar) -> Bool {
  isHarmless(scalar) && !scalar.properties.isDefaultIgnorableCodePoint
}

private func ansiQuoted(_ scalar: Unicode.Scalar) -> String {
  switch scalar {
  case "'", "\\": "\\\(scalar)"
  default: isShown(scalar) ? String(scalar) : escaped(Array(String(scalar).utf8))
  }
}
