import OpenVPN
import System

@testable import Support

extension FuzzTarget {
  /// Names that go to a terminal, a log or a command line.
  static let escaping = FuzzTarget("escaping") { bytes throws(Broken) in
    let plain = Escaping.plain(bytes)
    try requireSafe(text(plain), "escaped text")
    try require(String(utf8: plain) != nil, "escaped text is UTF-8")
    try require(plain.count <= bytes.count * 4, "no byte becomes more than four")
    try same(Escaping.plain(plain), plain, "text that is escaped twice")
    try checkValue(bytes)
    let printed = printable(bytes, limit: bytes.count)
    try requireSafe(printed, "printable text")
    try same(unescaped(Array(printed.utf8)[...]), bytes, "printable text undone")
    try requireSafe(printable(bytes, limit: 7), "printable text that is cut")
  }

  /// A value in the log is one word, or one text in quotes, and can be undone.
  private static func checkValue(_ bytes: [UInt8]) throws(Broken) {
    var value: [UInt8] = []
    Escaping.appendValue(bytes, to: &value, limit: max(1, bytes.count))
    try requireSafe(text(value), "a value in the log")
    guard value.first == UInt8(ascii: "\"") else {
      try require(!value.contains { $0 <= 32 || $0 == UInt8(ascii: "=") }, "it is one word")
      return try same(value, bytes, "a word in the log")
    }
    try require(value.count >= 2 && value.last == UInt8(ascii: "\""), "quotes are closed")
    try same(unescaped(value.dropFirst().dropLast()), bytes, "a value undone")
    value = []
    Escaping.appendValue(bytes, to: &value, limit: 5)
    try require(value.count <= 2 + 5 * 4 + 3, "a long value is cut")
    try requireSafe(text(value), "a value that is cut")
  }

  /// Undoes `\xHH`, and a backslash in front of anything else.
  private static func unescaped(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = text
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\"), let next = rest.popFirst() else {
        bytes.append(byte)
        continue
      }
      guard next == UInt8(ascii: "x") else {
        bytes.append(next)
        continue
      }
      let digits = rest.prefix(2).compactMap(hexadecimalDigit)
      bytes.append(digits.reduce(0) { $0 << 4 | $1 })
      rest = rest.dropFirst(2)
    }
    return bytes
  }
}
