import Foundation
import Gate
import System
import TestSupport
import Testing

@Suite struct `A scan of the journal` {
  @Test func `gives each record with its place, and goes on where it ended`() throws {
    let journal = try JournalFixture()
    try journal.append(1, 2)
    let first = try journal.scan()
    #expect(first.marks == [1, 2])
    #expect(first.scan.damaged == 0)
    #expect(first.entries[0].end == first.entries[1].start - 1)
    let size = try FileStatus(of: journal.path).size
    #expect(first.scan.position == size)
    try journal.append(3)
    #expect(try journal.scan(from: first.scan.position).marks == [3])
    #expect(try journal.scan(from: first.entries[0].end).marks == [2, 3])
  }

  /// What may stand between two records, and the lines of it that are damaged.
  static let between: [(what: String, bytes: [UInt8], damaged: Int)] = [
    ("nothing", [], 0),
    ("an empty line", [10, 10, 10], 0),
    ("zeros, as a power loss leaves them", Array(repeating: 0, count: 5000), 0),
    ("zeros that end in no record's middle", [0, 10, 0], 0),
    ("a torn record", Array(JournalFixture.record(9).encoded().dropLast(3)), 1),
    ("a record without its beginning", Array(JournalFixture.record(9).encoded().dropFirst(9)), 1),
    ("garbage", Array(1...255), 2),
    ("another version", Array("\n4\tin\t0000000000000001\t-\t0\tudp".utf8), 1),
    ("a header in the middle", JournalHeader(generation: 1, base: 0).encoded(), 1),
    ("a long line", Array(repeating: 65, count: 300_000), 1),
    ("bytes that are no UTF-8", [10, 0xFF, 0xFE, 0xC0], 1),
  ]

  @Test(arguments: between.indices)
  func `passes over what is no record`(index: Int) throws {
    let (what, bytes, damaged) = Self.between[index]
    let journal = try JournalFixture()
    try journal.append(1)
    try journal.spoil(bytes)
    try journal.append(2)
    let scanned = try journal.scan()
    // What stands behind a record without a line feed between them damages that record.
    let joins = bytes.first.map { $0 != 10 && $0 != 0 } ?? false
    #expect(scanned.marks == (joins ? [2] : [1, 2]), "\(what)")
    #expect(scanned.scan.damaged == damaged, "\(what)")
    #expect(scanned.scan.position == (try FileStatus(of: journal.path).size))
  }

  @Test func `leaves a torn line at the end for the next time`() throws {
    let journal = try JournalFixture()
    try journal.append(1)
    let whole = JournalFixture.record(2).encoded()
    for length in 1..<whole.count {
      try journal.spoil(Array(whole[..<length]))
      let scanned = try journal.scan()
      #expect(scanned.marks == [1])
      #expect(scanned.scan.damaged == 0)
      #expect(scanned.scan.position == scanned.entries[0].end)
      try journal.spoil(Array(whole[length...]))
      #expect(try journal.scan(from: scanned.scan.position).marks == [2])
      journal.cut(to: scanned.scan.position)
    }
  }

  @Test(.timeLimit(.minutes(4))) func `skips a hole of a terabyte, and says that there is a gap`()
    throws
  {
    let journal = try JournalFixture()
    try journal.append(1)
    journal.cut(to: 1 << 40)
    try journal.append(2)
    let scanned = try journal.scan()
    #expect(scanned.marks == [1, 2])
    #expect(scanned.scan.hasGap)
    #expect(scanned.scan.damaged == 0)
    #expect(scanned.entries[1].start > 1 << 40)
  }

  @Test func `says that there is a gap in front of what is left at the end`() throws {
    let journal = try JournalFixture()
    try journal.append(1)
    #expect(try !journal.scan().scan.hasGap)
    try journal.spoil(Array(repeating: 65, count: 70_000))
    #expect(try journal.scan().scan.hasGap)
    try journal.append(2)
    #expect(try journal.scan().scan.hasGap)
  }

  @Test func `reads no more than it may`() throws {
    let journal = try JournalFixture()
    for mark in 1...100 { try journal.append(UInt64(mark)) }
    let all = try journal.scan()
    #expect(!all.scan.isCut)
    let some = try journal.scan(limit: 4096)
    #expect(some.scan.isCut)
    #expect(some.marks == Array(all.marks.prefix(some.marks.count)))
    #expect(1..<100 ~= some.marks.count)
    let rest = try journal.scan(from: some.scan.position)
    #expect(some.marks + rest.marks == all.marks)
  }

  @Test func `of a file without a header gives its records all the same`() throws {
    for start in ["", "\n", "garbage", "\n3\tjournal\t0", "\u{0}\u{0}"] {
      let journal = try JournalFixture(preparing: false)
      try journal.folder.write(start, to: "journal")
      try journal.append(1)
      #expect(try journal.file().header == nil)
      #expect(try journal.scan().marks == [1])
    }
  }

  @Test func `of records of every length finds each, whatever pieces they are read in`() throws {
    let journal = try JournalFixture()
    var chance = SeededRandom(seed: 5)
    var lines: [UInt8] = []
    for mark in 1...3000 as ClosedRange<UInt64> {
      var record = JournalFixture.record(mark)
      record.username = Array(repeating: 0xE4, count: Int.random(in: 0...4095, using: &chance) / 10)
      lines += record.encoded()
    }
    try journal.spoil(lines)
    #expect(try journal.scan().marks == Array(1...3000))
  }
}
