import TestSupport
import Testing

@testable import Quota

private func key(_ text: String) -> String {
  String(decoding: Names.fold.key(of: Array(text.utf8)), as: UTF8.self)
}

@Suite struct `Names that are folded` {
  @Test(arguments: [
    ("alice", "alice"), ("ALICE", "alice"), (" Alice  ", "alice"), ("a B", "a b"),
    ("JÜRGEN", "jürgen"), ("ΣΊΣΥΦΟΣ", "σίσυφοσ"), ("Σίσυφος", "σίσυφοσ"), ("ЖУК", "жук"),
    ("ＡＬＩＣＥ", "ａｌｉｃｅ"), ("\u{A0}\u{3000}x\u{2003}", "x"), ("\u{212A}", "k"), ("Straße", "straße"),
    ("STRAẞE", "straße"), ("Ⱥ", "ⱥ"), ("علی", "علی"), ("王", "王"), ("ǅ", "ǆ"), ("ı", "ı"),
    ("İ", "İ"), ("e\u{301}", "e\u{301}"), ("CORP\\Alice@EXAMPLE.org", "corp\\alice@example.org"),
  ])
  func `lose case and outer blanks, and nothing else`(name: String, folded: String) {
    #expect(Array(key(name).utf8) == Array(folded.utf8))
    #expect(Names.exact.key(of: Array(name.utf8)) == Array(name.utf8))
  }

  @Test func `go by Unicode's simple case folding, letter by letter`() {
    func single(_ text: String) -> Unicode.Scalar? {
      text.unicodeScalars.count == 1 ? text.unicodeScalars.first : nil
    }
    for value in UInt32(0)...0x10FFFF {
      guard let letter = Unicode.Scalar(value) else { continue }
      let small = single(letter.properties.lowercaseMapping) ?? letter
      let capital = single(small.properties.uppercaseMapping) ?? small
      // The dotless i keeps apart from the one with a dot, whose capital letter it shares.
      let folded =
        value == 0x131 ? letter : single(capital.properties.lowercaseMapping) ?? small
      let isBlank = letter.properties.generalCategory == .spaceSeparator
      if key(isBlank ? "x\(letter)x" : String(letter)) != (isBlank ? "x\(letter)x" : String(folded))
      {
        Issue.record("U+\(String(value, radix: 16)) becomes \(key(String(letter)))")
      }
      if isBlank, key("\(letter)x\(letter)") != "x" {
        Issue.record("U+\(String(value, radix: 16)) is a blank")
      }
    }
  }

  @Test func `of any bytes are folded once and for all, and never run together`() {
    var random = SeededRandom(seed: 12)
    let alphabet: [UInt8] = [
      0x20, 0x41, 0x5A, 0x61, 0x80, 0xA0, 0xC2, 0xC3, 0xE2, 0xED, 0xF0, 0xFF,
    ]
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 1...12, using: &random)).map { _ in
        alphabet.randomElement(using: &random) ?? 0
      }
      let once = Names.fold.key(of: bytes)
      #expect(Names.fold.key(of: once) == once)
      let invalid = bytes.count { $0 == 0xFF }
      #expect(once.count { $0 == 0xFF } == invalid)
    }
  }
}

@Suite struct `A client without a name` {
  private func user(_ by: IdentifyBy, _ commonName: String, _ username: String) -> String {
    String(
      decoding: by.user(commonName: Array(commonName.utf8), username: Array(username.utf8), .exact),
      as: UTF8.self)
  }

  @Test func `is UNDEF, by whatever it would be named`() {
    for setting in [IdentifyBy.auto, .commonName, .username] {
      #expect(user(setting, "", "") == "UNDEF")
    }
    #expect(user(.commonName, "", "alice") == "UNDEF")
    #expect(user(.username, "alice", "") == "UNDEF")
    #expect(user(.auto, "", "alice") == "alice")
    #expect(key("  ") == key("UNDEF"))
  }
}
