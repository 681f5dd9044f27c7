import System

/// Bytes as hexadecimal digits, two for each.
func hexadecimal(_ bytes: [UInt8]) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

extension [UInt8] {
  /// The bytes that pairs of hexadecimal digits stand for; nil where they are none.
  init?(hexadecimal text: String) {
    let digits = text.utf8.map(hexadecimalDigit)
    guard digits.count % 2 == 0, digits.allSatisfy({ $0 != nil }) else { return nil }
    self = stride(from: 0, to: digits.count, by: 2).map { index in
      (digits[index] ?? 0) << 4 | (digits[index + 1] ?? 0)
    }
  }
}
