@testable import Gate

extension FuzzTarget {
  /// A file of the journal, into which everybody of one group may write. Lines are read as they are,
  /// and once more with the checksum that they should have, which no fuzzer would guess.
  static let journal = FuzzTarget("journal") { bytes throws(Broken) in
    let whole = lines(of: bytes, by: bytes.count + 1)
    for size in [1, 7, 100] {
      try same(lines(of: bytes, by: size), whole, "the lines read in pieces of \(size)")
    }
    for line in whole {
      try checkLine(line.bytes)
      try checkLine(summed(line.bytes))
      try require(
        Array(bytes[Int(line.position)...].prefix(line.bytes.count)) == line.bytes,
        "a line stands where it is said to")
    }
    try checkSearch(bytes, whole.map(\.bytes))
    try checkNumbers(bytes, whole.map(\.bytes))
  }

  private struct Line: Equatable {
    let position: Int64
    let bytes: [UInt8]
  }

  /// The lines of a file that is read piece by piece, and what stands behind the last of them.
  private static func lines(of bytes: [UInt8], by size: Int) -> [Line] {
    var lines = JournalLines(at: 0, size: Int64(bytes.count))
    var found: [Line] = []
    func note(_ line: Range<Int>) {
      found.append(Line(position: lines.position(of: line), bytes: lines.bytes(line)))
    }
    while read(bytes, by: size, into: &lines) {
      while let line = lines.next() { note(line) }
    }
    note(lines.tail)
    return found
  }

  /// Reads the next piece, as a file would give it.
  private static func read(_ bytes: [UInt8], by size: Int, into lines: inout JournalLines) -> Bool {
    let start = Int(lines.end)
    let got = lines.readOn { (buffer: inout [UInt8], room: Range<Int>) -> Int in
      let piece = bytes[start...].prefix(min(size, room.count))
      buffer.replaceSubrange(room.prefix(piece.count), with: piece)
      return piece.count
    }
    return got > 0
  }

  /// A line with the right checksum behind it.
  private static func summed(_ line: [UInt8]) -> [UInt8] {
    Array(JournalLine(content: line).finished().dropFirst())
  }

  private static func checkLine(_ line: [UInt8]) throws(Broken) {
    if let record = JournalRecord(line: line.span) {
      let written = record.encoded()
      let again = JournalRecord(line: written.span.extracting(1...))
      try same(again, record, "the record written and read again")
      try require(
        written.dropFirst().allSatisfy { $0 == 9 || 33...126 ~= $0 }, "a record is plain text")
      try require(
        line.span.number(inField: JournalFields.connectedSince) == record.connectedSince,
        "the second is found without reading the line")
      try require(
        JournalFields.isSession(line.span) == (record.kind == .in), "an in is known as such")
      try require(
        record.counters.map { $0.received >= 0 && $0.sent >= 0 } != false, "no counter is negative")
    }
    if let header = JournalHeader(line: line.span) {
      let written = header.encoded()
      let again = JournalHeader(line: written.span.extracting(1...))
      try same(again, header, "the header written and read again")
    }
  }

  /// Looking for numbers in a field finds the lines with them, and no other.
  private static func checkNumbers(_ bytes: [UInt8], _ whole: [[UInt8]]) throws(Broken) {
    for field in [0, 1, JournalFields.connectedSince] {
      func number(_ line: [UInt8]) -> Int64? {
        let fields = line.split(separator: 9, omittingEmptySubsequences: false)
        guard field < fields.count, fields[field].first != UInt8(ascii: "+") else { return nil }
        let digits = fields[field].drop { $0 == UInt8(ascii: "-") }
        return digits.count > 19 ? nil : Int64(String(decoding: fields[field], as: UTF8.self))
      }
      let all = whole.compactMap(number).sorted()
      let wanted = all.indices.filter { $0 % 2 == 0 }.map { all[$0] }
      var lines = JournalLines(at: 0, size: Int64(bytes.count))
      var found: [[UInt8]] = []
      while read(bytes, by: 64, into: &lines) {
        while let line = lines.next(withField: field, among: wanted) {
          found.append(lines.bytes(line))
        }
      }
      let expected = whole.dropLast().filter { number($0).map(wanted.contains) ?? false }
      try same(found, Array(expected), "the lines with a number in field \(field)")
    }
  }

  /// Looking for a text finds the lines with it, and no other.
  private static func checkSearch(_ bytes: [UInt8], _ whole: [[UInt8]]) throws(Broken) {
    let text = Array(bytes.prefix(5))
    guard text.count == 5, !text.contains(10), !text.contains(0) else { return }
    var lines = JournalLines(at: 0, size: Int64(bytes.count))
    var found: [[UInt8]] = []
    while read(bytes, by: 64, into: &lines) {
      while let line = lines.next(holding: text.span) { found.append(lines.bytes(line)) }
    }
    let expected = whole.dropLast().filter { line in
      line.indices.contains { line[$0...].starts(with: text) }
    }
    try same(found, Array(expected), "the lines with a text")
  }
}
