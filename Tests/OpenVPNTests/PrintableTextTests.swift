import TestSupport
import Testing

@testable import OpenVPN
@testable import System

@Suite struct `Text of strangers` {
  @Test(arguments: [
    ("Jürgen, \"the\" 漢字 🙂", "Jürgen, \"the\" 漢字 🙂"), ("", ""), ("a\\b", "a\\\\b"),
    ("a\nb\r\tc", "a\\x0Ab\\x0D\\x09c"), ("\u{1B}[31m", "\\x1B[31m"), ("\u{7F}", "\\x7F"),
    ("\u{9B}2J", "\\xC2\\x9B2J"), ("a\u{2028}b", "a\\xE2\\x80\\xA8b"),
    ("\u{202E}abc", "\\xE2\\x80\\xAEabc"), ("\u{FEFF}", "\\xEF\\xBB\\xBF"), ("\0", "\\x00"),
  ])
  func `is one line without control over a terminal`(raw: String, shown: String) {
    #expect(printable(raw.utf8) == shown)
  }

  @Test(
    arguments: [
      ([0xFF], "\\xFF"), ([0x61, 0xC3], "a\\xC3"), ([0xC3, 0x61], "\\xC3a"),
      ([0xE2, 0x82], "\\xE2\\x82"), ([0xED, 0xA0, 0x80, 0x62], "\\xED\\xA0\\x80b"),
    ] as [([UInt8], String)])
  func `shows bytes that are no UTF-8 as they are`(raw: [UInt8], shown: String) {
    #expect(printable(raw) == shown)
    #expect(printable(([0x78] + raw)[1...]) == shown)
  }

  @Test func `is cut where it is long`() {
    #expect(printable(Array(repeating: 0x61, count: 50), limit: 10) == "aaaaaaaaaa…")
    #expect(printable(Array(repeating: 0x61, count: 10), limit: 10) == "aaaaaaaaaa")
  }
}

@Suite struct `A word for a shell` {
  @Test(arguments: [
    ("/etc/openvpn/a-b_1.conf", "/etc/openvpn/a-b_1.conf"), ("علی", "علی"), ("", "''"),
    ("/a b/c'd", "'/a b/c'\\''d'"), ("a\\b", "'a\\b'"), ("$(x)", "'$(x)'"), ("~", "'~'"),
    ("it's\n\\", "$'it\\'s\\x0A\\\\'"), ("a\u{202E}b", "$'a\\xE2\\x80\\xAEb'"),
  ])
  func `is what was meant, and can be seen`(text: String, word: String) throws {
    #expect(shellWord(text) == word)
    let outcome = try Program.run("/bin/bash", ["-c", "printf %s \(word)"])
    #expect(outcome.status == 0 && outcome.output == text)
  }
}
