import Testing

@testable import Support

@Suite struct `Comma-separated values` {
  private func document(_ fields: [FieldValue]) -> String {
    var csv = CSVWriter(["a", "b"])
    csv.row(fields)
    return String(decoding: csv.bytes, as: UTF8.self)
  }

  private func rows(_ text: String) throws -> [[String]] {
    var reader = CSVReader(Array(text.utf8))
    var rows: [[String]] = []
    while let row = try reader.next() {
      rows.append(row.fields.map { String(decoding: $0, as: UTF8.self) })
    }
    return rows
  }

  @Test func `rows end with CR LF, and only what has to be is in quotes`() {
    #expect(document(["x", .number(-5)]) == "a,b\r\nx,-5\r\n")
    #expect(document(["x,y", .empty]) == "a,b\r\n\"x,y\",\r\n")
    #expect(document(["\"hi\"", "two\nlines"]) == "a,b\r\n\"\"\"hi\"\"\",\"two\nlines\"\r\n")
    #expect(document([" x", "y "]) == "a,b\r\n\" x\",\"y \"\r\n")
  }

  @Test(arguments: [
    "=1+1", "+1", "-bob", "@SUM(A1)", "\tx", "\rx", "＝1", "＠x", "'=1", "''-x", "=cmd|'x'!A0",
  ])
  func `what a spreadsheet may calculate with gets an apostrophe`(text: String) {
    #expect(CSV.guarded(Array(text.utf8)) == Array("'\(text)".utf8))
  }

  @Test(arguments: ["", "alice", "O'Neill", "'quoted'", "1=1", "'", "a-b", "ｆull"])
  func `what it does not calculate with stays as it is`(text: String) {
    #expect(CSV.guarded(Array(text.utf8)) == Array(text.utf8))
    #expect(CSV.unguarded(Array(text.utf8)) == Array(text.utf8))
  }

  @Test func `what was written reads back to the byte`() throws {
    let names: [[UInt8]] =
      [
        "", "alice", "علی", "王小明", "a,b", "a\"b", "\"", "\"\"", "=1+1", "'=1+1", "''=1+1", "'",
        "O'Neill", "-bob", "＝x", " padded ", "two\r\nlines", "\r", "\n", "\u{FEFF}mark", "'\t",
      ].map { Array($0.utf8) } + [[0xFF, 0x2C, 0xC3], [0], [0xEF]]
    var csv = CSVWriter(["name", "amount"])
    for name in names { csv.row([.bytes(name), .number(.max)]) }
    var reader = CSVReader(csv.bytes)
    var read: [[UInt8]] = []
    while let row = try reader.next() { read.append(row.fields[0]) }
    #expect(read == [Array("name".utf8)] + names)
  }

  @Test func `a terminal is done no harm`() {
    var csv = CSVWriter(["name"], isForTerminal: true)
    csv.row([.bytes(Array("\u{1B}[2J\u{202E}x".utf8))])
    #expect(csv.bytes == Array("name\r\n\\x1B[2J\\xE2\\x80\\xAEx\r\n".utf8))
  }

  @Test func `line breaks of either kind, empty lines and a byte order mark are read`() throws {
    #expect(
      try rows("\u{FEFF}a,b\n\r\n1,\"2\n2\"\r\n\n,\n\"\"") == [
        ["a", "b"], ["1", "2\n2"], ["", ""], [""],
      ])
    #expect(try rows("").isEmpty && rows("\r\n\n").isEmpty)
    #expect(try rows("a,") == [["a", ""]] && rows("a\r") == [["a"]])
  }

  @Test func `fields are separated by what is first in the first line`() throws {
    #expect(try rows("a;b\n1;\"2;2\"\n3,4;") == [["a", "b"], ["1", "2;2"], ["3,4", ""]])
    #expect(try rows("\na\tb\n1;2\t3\n") == [["a", "b"], ["1;2", "3"]])
    #expect(try rows("\"a;b\",c\n1;2,3") == [["a;b", "c"], ["1;2", "3"]])
    #expect(try rows("a\n1;2") == [["a"], ["1;2"]])
  }

  @Test func `every row knows its line`() throws {
    var reader = CSVReader(Array("a\n\n\"b\n\nb\",c\r\nd".utf8))
    var lines: [Int] = []
    while let row = try reader.next() { lines.append(row.line) }
    #expect(lines == [1, 3, 6])
  }

  @Test(arguments: [
    ("a\nb\"c", 2, CSVError.Kind.strayQuote), ("a\n\"b\" c\n", 2, .textBehindQuote),
    ("a\n\"b\nc\nd", 2, .openQuote), ("\"", 1, .openQuote), ("\"a\"\"", 1, .openQuote),
    ("a\nb\n\nc\rd", 4, .strayCarriageReturn), ("\"a\n\"x", 2, .textBehindQuote),
  ])
  func `what is no CSV is told by its line`(text: String, line: Int, kind: CSVError.Kind) {
    let error = #expect(throws: CSVError.self) { try rows(text) }
    #expect(error == CSVError(line: line, kind))
    #expect(error?.description.hasPrefix("line \(line): ") == true)
  }
}
