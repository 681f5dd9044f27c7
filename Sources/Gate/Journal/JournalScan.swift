import System

/// A whole record of the journal, and where it stands.
package struct JournalEntry: Equatable, Sendable {
  package let record: JournalRecord
  /// The absolute position of its first byte, behind the line feed.
  package let start: Int64
  /// The absolute position behind its last byte.
  package let end: Int64
  /// The checksum that it ends with.
  package let checksum: UInt64
}

/// Goes over a file of the journal from a position to its end, record by record.
///
/// What is no record is passed over: holes, zero bytes, empty lines, and damaged lines, which are
/// counted. A line at the end that is not whole may be one that a hook is writing: it is left for the
/// next time.
package struct JournalScan {
  /// Most bytes that a sweep reads of one file.
  package static let sweepLimit: Int64 = 256 << 20
  /// Bytes without a record from which on a file is to be rotated at once.
  package static let longestGap: Int64 = 64 << 10

  /// The absolute position behind the last whole record, or where the scan began.
  package private(set) var position: Int64
  /// The checksum of that record; nil where there was none.
  package private(set) var lastChecksum: UInt64?
  /// Lines that are no records.
  package var damaged: Int { damagedLines + lines.overlong }
  /// Whether there is more in the file than the scan reads.
  package private(set) var isCut = false
  /// Whether the file has 64 KiB or more without a record.
  package private(set) var hasGap = false

  private let limit: Int64
  /// Bytes that were read so far.
  private var read: Int64 = 0
  private var lines: JournalLines
  private var damagedLines = 0
  private var isAtEnd = false

  /// - Parameters:
  ///   - position: the absolute position to begin at.
  ///   - limit: the most bytes to read; holes do not count.
  package init(from position: Int64, limit: Int64 = JournalScan.sweepLimit) {
    self.position = position
    self.limit = limit
    lines = JournalLines(at: position, size: limit)
  }

  /// The next record.
  ///
  /// - Parameter file: the same in every call.
  /// - Returns: nil at the end.
  package mutating func next(in file: borrowing JournalFile) throws(SystemError) -> JournalEntry? {
    while true {
      while let line = lines.next() {
        if let entry = entry(at: line) { return entry }
        if !isHeader(line, of: file) { damagedLines += 1 }
      }
      if isAtEnd { return lastEntry() }
      try readOn(in: file)
    }
  }

  /// A record whose line nothing ends yet.
  private mutating func lastEntry() -> JournalEntry? {
    let tail = lines.tail
    guard lines.position(of: tail) >= position, let entry = entry(at: tail) else {
      noteGap(to: lines.end)
      return nil
    }
    return entry
  }

  private mutating func entry(at line: Range<Int>) -> JournalEntry? {
    let bytes = lines.bytes(line)
    guard let record = JournalRecord(line: bytes.span) else { return nil }
    let start = lines.position(of: line)
    noteGap(to: start)
    position = start + Int64(bytes.count)
    let sum = hexadecimal(bytes.span.extracting(last: JournalRecord.checksumLength))
    lastChecksum = sum
    return JournalEntry(record: record, start: start, end: position, checksum: sum ?? 0)
  }

  private mutating func noteGap(to position: Int64) {
    if position - self.position >= Self.longestGap { hasGap = true }
  }

  private func isHeader(_ line: Range<Int>, of file: borrowing JournalFile) -> Bool {
    file.header != nil && lines.position(of: line) == file.base + 1
  }

  /// Reads the next piece, past holes.
  private mutating func readOn(in file: borrowing JournalFile) throws(SystemError) {
    var offset = lines.end - file.base
    guard let data = try file.file.descriptor.data(from: offset, of: file.path) else {
      isAtEnd = true
      return
    }
    // A hole is zeros: its first byte ends the line before it.
    let isLineBeforeHole = data > offset && !lines.isAtSeparator
    if data > offset, !isLineBeforeHole {
      lines.skip(to: file.base + data)
      offset = data
    }
    let room = isLineBeforeHole ? 1 : limit - read
    isCut = room <= 0
    let got =
      try isCut
      ? 0
      : lines.readOn { (buffer, part) throws(SystemError) in
        let part = part.prefix(Int(min(room, Int64(part.count))))
        return try file.file.descriptor.read(into: &buffer, part, at: offset, of: file.path)
      }
    isAtEnd = got == 0
    read += Int64(got)
  }
}
