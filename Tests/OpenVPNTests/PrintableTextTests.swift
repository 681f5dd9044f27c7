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

@Suite struct `A session's address` {
  private func address(_ ipv4: String, _ ipv6: String, _ name: String) -> String? {
    SessionAddress(
      ipv4: Array(ipv4.utf8)[...], ipv6: Array(ipv6.utf8)[...], commonName: Array(name.utf8)[...]
    )?.text
  }

  @Test func `is the IPv4 address, else the IPv6 address, else the name`() {
    #expect(address("10.0.0.1", "fd00::1", "alice") == "10.0.0.1")
    #expect(address("", "fd00::1", "alice") == "fd00::1")
    #expect(address("", "", "alice") == "@alice")
    #expect(address("", "", "") == nil)
  }

  @Test func `is safe in a file name and different for different names`() {
    let names = ["../x", "a/b", "a%2Fb", "a b", "ä", ".", "10.0.0.1", "@a"]
    let texts = names.compactMap { address("", "", $0) }
    #expect(Set(texts).count == names.count)
    #expect(texts.allSatisfy { !$0.contains("/") && $0.hasPrefix("@") })
    #expect(address("", "", "a/b") == "@a%2Fb")
  }

  @Test(arguments: ["10.0.0.1/24", "x", "10.0.0.1 ", "fe80::1%eth0"])
  func `is made of an address only`(text: String) {
    #expect(address(text, "", "alice") == nil)
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
