import Testing

@testable import Support

@Suite struct EscapingTests {
  static func value(_ bytes: [UInt8], limit: Int = 1024) -> String {
    var line: [UInt8] = []
    Escaping.appendValue(bytes, to: &line, limit: limit)
    return String(decoding: line, as: UTF8.self)
  }

  static let values: [(String, String)] = [
    ("alice", "alice"), ("", "\"\""), ("a b", "\"a b\""), ("a=b", "\"a=b\""),
    ("a\"b", "\"a\\\"b\""), ("a\\b", "\"a\\\\b\""), ("a,b:c/d@e", "a,b:c/d@e"),
    ("a\nb", "\"a\\x0Ab\""), ("a\r\nb", "\"a\\x0D\\x0Ab\""), ("\t", "\"\\x09\""),
    ("\u{1B}[31mred", "\"\\x1B[31mred\""), ("\u{7F}", "\"\\x7F\""), ("\0", "\"\\x00\""),
    ("Jürgen", "\"Jürgen\""), ("علی", "\"علی\""), ("王", "\"王\""), ("🙂", "\"🙂\""),
    ("\u{9B}2J", "\"\\xC2\\x9B2J\""), ("a\u{2028}b", "\"a\\xE2\\x80\\xA8b\""),
    ("a\u{202E}b", "\"a\\xE2\\x80\\xAEb\""), ("\u{2066}x", "\"\\xE2\\x81\\xA6x\""),
    ("\u{FEFF}x", "\"\\xEF\\xBB\\xBFx\""), ("\\x0A", "\"\\\\x0A\""),
  ]

  @Test(arguments: values) func `A value is one word, or quoted and harmless`(
    raw: String, written: String
  ) {
    #expect(EscapingTests.value(Array(raw.utf8)) == written)
  }

  @Test func `Bytes that are not UTF-8 are written as numbers, and so is all that is not ASCII`() {
    #expect(EscapingTests.value([0x61, 0xFF]) == "\"a\\xFF\"")
    #expect(EscapingTests.value([0xC3, 0xBC, 0xC3]) == "\"\\xC3\\xBC\\xC3\"")
    #expect(EscapingTests.value([0xC0, 0xAF]) == "\"\\xC0\\xAF\"")
    #expect(EscapingTests.value([0xED, 0xA0, 0x80]) == "\"\\xED\\xA0\\x80\"")
  }

  @Test func `A long value is cut between two characters`() {
    #expect(EscapingTests.value(Array("aaaaaa".utf8), limit: 5) == "\"aaaaa...\"")
    #expect(EscapingTests.value(Array("aaaaa".utf8), limit: 5) == "aaaaa")
    #expect(EscapingTests.value(Array("aaaaüa".utf8), limit: 5) == "\"aaaa...\"")
    #expect(EscapingTests.value(Array("a🙂a".utf8), limit: 4) == "\"a...\"")
    let continuations = [UInt8](repeating: 0x80, count: 9)
    #expect(EscapingTests.value(continuations, limit: 2) == "\"...\"")
  }

  @Test func `No byte gets through that ends a line or starts an escape sequence`() {
    for byte in UInt8.min...UInt8.max {
      for bytes in [[byte], [0xC2, byte], [0xE2, 0x80, byte]] {
        let written = Escaping.plain(bytes)
        #expect(!written.contains { $0 < 0x20 || $0 == 0x7F })
        let text = String(decoding: written, as: UTF8.self)
        #expect(Array(text.utf8) == written)
        #expect(!text.unicodeScalars.contains { 0x80...0x9F ~= $0.value || $0.value == 0x2028 })
      }
    }
  }

  static let names: [(String, String?)] = [
    ("DATABSE", "DATABASE"), ("database", "DATABASE"), ("COUNTS", "COUNT"), ("CUONT", "COUNT"),
    ("CUOTN", nil),
    ("COUN", "COUNT"), ("ONERROR", "ON_ERROR"), ("TIMEZONE", "TIME_ZONE"), ("X", nil), ("", nil),
    ("NOTIFY_DAY_LEFT", "NOTIFY_DAYS_LEFT"), ("MANAGEMENT_TIMEOUTS", "MANAGEMENT_TIMEOUT"),
    ("DEFAULT_LIMIT", nil), ("LOG_LEVLE", "LOG_LEVEL"),
  ]

  @Test(arguments: names) func `A mistyped name leads to the nearest known one`(
    typed: String, meant: String?
  ) {
    #expect(NearestName.of(Array(typed.utf8), among: Settings.keys) == meant)
  }
}
