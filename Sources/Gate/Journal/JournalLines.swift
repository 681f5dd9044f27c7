import System

/// Cuts what is read of a journal into lines, piece by piece.
///
/// Line feeds and zero bytes separate lines; a power loss leaves zeros. What follows the last
/// separator may still be in the middle of being written: it is a line only if it is a whole record.
struct JournalLines {
  /// The longest line that can be a record, in bytes: names are at most 4095 bytes, all of them
  /// encoded. What is longer is damaged, and is let go of.
  static let longest = 64 << 10

  private var buffer: [UInt8] = []
  /// Where the line that is being read begins in the buffer, and what of it was looked at.
  private var start = 0
  private var looked = 0
  /// The absolute position of the buffer's first byte.
  private var origin: Int64
  /// Whether the rest of a line that was let go of is still to come.
  private var isInOverlong = false
  /// Lines that were let go of because they are too long.
  private(set) var overlong = 0

  init(at position: Int64) { origin = position }

  /// The absolute position behind all that was given.
  var end: Int64 { origin + Int64(buffer.count) }

  /// Takes what follows in the file.
  mutating func append(_ bytes: [UInt8]) {
    letGo()
    if buffer.isEmpty { buffer = bytes } else { buffer += bytes }
  }

  /// Leaves out a hole: it is zeros, so it separates lines.
  mutating func skipHole(to position: Int64) {
    append([0])
    while next() != nil {}
    buffer = []
    (start, looked, origin) = (0, 0, position)
  }

  /// The next line that a separator ends, without it; nil where none is left. Empty lines are left out.
  mutating func next() -> Range<Int>? {
    while looked < buffer.count {
      looked = buffer.span.lineEnd(from: looked)
      if looked == buffer.count { break }
      let line = start..<looked
      looked += 1
      start = looked
      if isInOverlong {
        isInOverlong = false
      } else if !line.isEmpty {
        return line
      }
    }
    if looked - start > Self.longest { dropOverlong() }
    return nil
  }

  /// What stands behind the last separator.
  var tail: Range<Int> { isInOverlong ? buffer.count..<buffer.count : start..<buffer.count }

  func bytes(_ line: Range<Int>) -> [UInt8] { Array(buffer[line]) }

  /// The absolute position of a line's first byte.
  func position(of line: Range<Int>) -> Int64 { origin + Int64(line.lowerBound) }

  private mutating func dropOverlong() {
    if !isInOverlong { overlong += 1 }
    isInOverlong = true
    start = looked
  }

  private mutating func letGo() {
    if start == 0 { return }
    buffer.removeFirst(start)
    origin += Int64(start)
    looked -= start
    start = 0
  }
}
