import Testing

@testable import Support

@Suite struct `JSON that is read` {
  private func read(_ text: String) throws -> JSONValue {
    try JSONReader.value(of: Array(text.utf8))
  }

  private func text(_ document: String) throws -> String? {
    if case .text(let text) = try read(document).content { text } else { nil }
  }

  @Test func `has every kind of value, each with its line`() throws {
    let document = try read(
      "\n{\"a\" : [1, -2.5e3,\n true,false ], \"b\":{}, \"c\":\nnull, \"d\":[]}\n")
    #expect(
      document
        == JSONValue(
          line: 2,
          content: .object([
            .init(
              key: "a",
              value: JSONValue(
                line: 2,
                content: .array([
                  JSONValue(line: 2, content: .number("1")),
                  JSONValue(line: 2, content: .number("-2.5e3")),
                  JSONValue(line: 3, content: .truth(true)),
                  JSONValue(line: 3, content: .truth(false)),
                ]))),
            .init(key: "b", value: JSONValue(line: 3, content: .object([]))),
            .init(key: "c", value: JSONValue(line: 4, content: .null)),
            .init(key: "d", value: JSONValue(line: 4, content: .array([]))),
          ])))
  }

  @Test(arguments: [
    "", "alice", "علی", "王小明", "a\"b\\c/d", "line\nbreak\ttab\u{0}", "\u{1F600}", "Zoe\u{308}",
    "\u{202E}\u{FEFF}",
  ])
  func `gives back the texts that were written, to the byte`(name: String) throws {
    var json = JSONWriter()
    json.object { $0.field("name", name) }
    guard case .object(let fields) = try JSONReader.value(of: json.bytes).content,
      case .text(let text)? = fields.first?.value.content
    else { throw JSONError(line: 0, expected: "a text") }
    #expect(Array(text.utf8) == Array(name.utf8))
  }

  @Test func `knows every escape`() throws {
    #expect(
      try text(#""\"\\\/\b\f\n\r\t\u0041\u00e9\uD83D\uDE00""#) == "\"\\/\u{8}\u{C}\n\r\tAé\u{1F600}"
    )
  }

  @Test(arguments: [
    ("", 1, "a value"), ("{\n\"a\":\n}", 3, "a value"),
    ("[1,\n2", 2, "a comma or a closing bracket"),
    ("{\"a\":1\n\"b\":2}", 2, "a comma or a closing brace"), ("{a:1}", 1, "a name in quotes"),
    ("{\"a\" 1}", 1, "a colon"), ("\"a", 1, "a closing quote"), ("\"a\nb\"", 1, "a closing quote"),
    ("[] []", 1, "nothing more"), ("\"\\x\"", 1, "a known escape"), ("tru", 1, "a value"),
    ("\"\\uD83Dx\"", 1, "a character behind \\u"), ("\"\\u12\"", 1, "four digits behind \\u"),
    ("[1,]", 1, "a value"), ("\"\\", 1, "a known escape"),
    (String(repeating: "[", count: 100_000), 1, "no more brackets inside each other"),
  ])
  func `that is none names the line and what is missing`(
    text: String, line: Int, expected: String
  ) throws {
    let error = #expect(throws: JSONError.self) { try read(text) }
    #expect(error == JSONError(line: line, expected: expected))
  }

  @Test func `is UTF-8`() {
    let error = #expect(throws: JSONError.self) { try JSONReader.value(of: [34, 0xFF, 34]) }
    #expect(error?.expected == "UTF-8, and this may be Latin-1")
  }
}
