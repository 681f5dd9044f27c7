/// Bytes as OpenVPN has them: names need not be UTF-8.
typealias Text = [UInt8]

extension Text {
  init(percentDecoding word: some StringProtocol) throws {
    self = []
    var rest = Substring(word).utf8
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        append(byte)
        continue
      }
      guard let decoded = UInt8(String(Substring(rest.prefix(2))), radix: 16), rest.count > 1 else {
        throw OptionError("bad percent escape in '\(word)'")
      }
      rest = rest.dropFirst(2)
      append(decoded)
    }
  }

  /// One word for a line of standard output, whatever the bytes are.
  var percentEncoded: String {
    var result = ""
    for byte in self {
      if byte > 32, byte < 127, byte != UInt8(ascii: "%") {
        result.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        result += byte < 16 ? "%0" + digits : "%" + digits
      }
    }
    return result
  }

  /// As OpenVPN stores the names a client brings (`string_mod` with `CC_PRINT`): whatever else
  /// is in them, no control characters.
  var printable: Text { map { $0 >= 32 && $0 != 127 ? $0 : UInt8(ascii: "_") } }

  static func + (text: Text, other: String) -> Text { text + Text(other.utf8) }

  static func += (text: inout Text, other: String) { text.append(contentsOf: other.utf8) }
}
