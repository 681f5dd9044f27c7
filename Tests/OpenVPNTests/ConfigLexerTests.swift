import Testing

@testable import OpenVPN

/// Each line was given to OpenVPN 2.6.14 as a management command, which goes through the same
/// lexer, and the answer named the word it had understood.
@Suite struct `A config line` {
  @Test(
    arguments: [
      (#"kill "a b""#, ["kill", "a b"]), (#"kill a\ b"#, ["kill", "a b"]),
      (#"kill 'a\b'"#, ["kill", #"a\b"#]), (#"kill "a\\b""#, ["kill", #"a\b"#]),
      (#"kill "a\"b""#, ["kill", #"a"b"#]), (#"kill a"b""#, ["kill", #"a"b""#]),
      (#"kill "a"b"#, ["kill", "a", "b"]), ("kill a#b", ["kill", "a#b"]),
      ("kill a;b", ["kill", "a;b"]), ("kill #a", ["kill"]), (##"kill \#a"##, ["kill"]),
      (##"kill "#a""##, ["kill", "#a"]), (#"kill ";a""#, ["kill", ";a"]),
      (#"kill """#, ["kill", ""]), ("kill ''", ["kill", ""]), (#"kill a\\"#, ["kill", #"a\"#]),
      (#"kill "x" # y"#, ["kill", "x"]), (#"kill \"a'b\""#, ["kill", #""a'b""#]),
      (#"kill \ a"#, ["kill", "a"]), (#"kill "a\ b""#, ["kill", "a b"]),
      (#"kill a\"b"#, ["kill", #"a"b"#]), ("kill 'a''b'", ["kill", "a", "b"]),
      ("\"kill\" x", ["kill", "x"]), (" kill \t x", ["kill", "x"]), ("kill,x", ["kill,x"]),
      (";kill x", []), ("", []), ("   ", []), ("kill Jürgen", ["kill", "Jürgen"]),
    ] as [(String, [String])])
  func `is split as OpenVPN splits it`(line: String, words: [String]) throws {
    #expect(try ConfigLexer.words(in: line.utf8).map { text($0) } == words)
  }

  @Test(
    arguments: [
      (#"kill "\q""#, .badBackslash), (#"kill \'a"#, .badBackslash),
      (##"kill x\#y"##, .badBackslash), (#"kill "a\'b""#, .badBackslash),
      (#"kill "a"#, .noClosingQuote), ("kill 'a", .noClosingQuote),
      (#"kill "a\""#, .noClosingQuote), (#"kill a\"#, .endsInBackslash),
    ] as [(String, ConfigLexer.Mistake)])
  func `is refused as OpenVPN refuses it`(line: String, mistake: ConfigLexer.Mistake) {
    #expect(throws: mistake) { try ConfigLexer.words(in: line.utf8) }
  }

  @Test func `has words of at most 256 bytes, and sixteen of them`() throws {
    let word = [UInt8](repeating: 0x79, count: 256)
    #expect(try ConfigLexer.words(in: word) == [word])
    #expect(throws: ConfigLexer.Mistake.wordTooLong) { try ConfigLexer.words(in: word + [0x79]) }
    let many = (0..<20).map(String.init)
    #expect(
      try ConfigLexer.words(in: many.joined(separator: " ").utf8).map { text($0) }
        == Array(many.prefix(16)))
  }

  @Test func `keeps bytes that are no UTF-8`() throws {
    #expect(try ConfigLexer.words(in: [0xFF, 0x20, 0xC2, 0xA0]) == [[0xFF], [0xC2, 0xA0]])
  }
}
