import Testing

@testable import System

/// One line of `Tests/Cases/environment-file.tsv`.
struct EnvironmentFileCase: Sendable, CustomTestStringConvertible {
  let written: String
  let file: [UInt8]
  let value: [UInt8]?
  var testDescription: String { written }

  static let all: [EnvironmentFileCase] = {
    guard let lines = try? Repository.lines("Tests/Cases/environment-file.tsv") else { return [] }
    return lines.compactMap { line in
      let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
      guard columns.count == 2 else { return nil }
      let value = columns[1] == "(none)" ? nil : unescaped(columns[1])
      return EnvironmentFileCase(written: line, file: unescaped(columns[0]), value: value)
    }
  }()

  /// What `printf %b` writes for a text.
  static func unescaped(_ text: Substring) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\"), let letter = rest.popFirst() else {
        bytes.append(byte)
        continue
      }
      switch letter {
      case UInt8(ascii: "n"): bytes.append(10)
      case UInt8(ascii: "r"): bytes.append(13)
      case UInt8(ascii: "t"): bytes.append(9)
      case UInt8(ascii: "0"):
        bytes.append(rest.prefix(3).reduce(0) { $0 &* 8 &+ ($1 - 48) })
        rest = rest.dropFirst(3)
      default: bytes.append(letter)
      }
    }
    return bytes
  }
}

@Suite struct EnvironmentFileTests {
  /// What a key has in the end, as the last assignment says.
  static func last(_ name: String, in file: [UInt8]) -> [UInt8]? {
    var reader = EnvironmentFile(file)
    var (value, result): ([UInt8], [UInt8]?) = ([], nil)
    while let entry = reader.next(into: &value) {
      if entry.isAssignment, file[entry.key].elementsEqual(name.utf8) { result = value }
    }
    return result
  }

  @Test(arguments: EnvironmentFileCase.all)
  func `A file is read as systemd reads it`(_ example: EnvironmentFileCase) {
    let value = EnvironmentFileTests.last("MONITOR_INTERVAL", in: example.file)
    #expect(value == example.value)
  }

  @Test func `The table of cases is there`() {
    #expect(EnvironmentFileCase.all.count > 70)
  }

  @Test func `Each entry knows the line it begins in`() {
    let file = Array("# 1\nA=2\n\nB=4\\\n5\nC=\"6\n7\"\n8\nD=9\n=10\nE='11\n\n13".utf8)
    var reader = EnvironmentFile(file)
    var value: [UInt8] = []
    var found: [String] = []
    while let entry = reader.next(into: &value) {
      let key = String(decoding: file[entry.key], as: UTF8.self)
      found.append("\(entry.line)\(entry.isAssignment ? "=" : "!")\(key)")
    }
    #expect(found == ["2=A", "4=B", "6=C", "8!8", "9=D", "10!=10", "11=E"])
  }

  @Test func `No mixture of its special bytes keeps the reader from the end of the file`() {
    let alphabet = Array("A=#;\\\"' \t\r\n$x".utf8) + [0, 0xFF]
    var random: UInt64 = 88_172_645_463_325_252
    for _ in 0..<20_000 {
      var file: [UInt8] = []
      for _ in 0..<12 {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        file.append(alphabet[Int(random % UInt64(alphabet.count))])
      }
      var reader = EnvironmentFile(file)
      var value: [UInt8] = []
      var (entries, line) = (0, 0)
      while let entry = reader.next(into: &value), entries <= file.count {
        entries += 1
        #expect(entry.line >= line && !entry.key.isEmpty && value.count <= file.count)
        line = entry.line
      }
      #expect(entries <= file.count)
    }
  }
}
