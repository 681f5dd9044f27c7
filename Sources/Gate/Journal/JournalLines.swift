import System

/// Cuts what is read of a journal into lines, piece by piece.
///
/// Line feeds and zero bytes separate lines; a power loss leaves zeros. What follows the last
/// separator may still be in the middle of being written: it is a line only if it is a whole record.
struct JournalLines {
  /// No record is longer, in bytes: names have at most 4095 bytes, and all of them may be encoded.
  /// What is longer is damaged, and is let go of.
  static let longest = 32 << 10

  /// What was read: of `start..<filled` no line was given yet, up to `looked` there is no separator.
  private var buffer: [UInt8]
  private var start = 0
  private var looked = 0
  private var filled = 0
  /// The absolute position of the buffer's first byte.
  private var origin: Int64
  /// Whether the rest of a line that was let go of is still to come.
  private var isInOverlong = false
  /// Lines that were let go of because they are too long.
  private(set) var overlong = 0

  /// - Parameters:
  ///   - position: the absolute position of what will be read first.
  ///   - size: about how many bytes will be read: a hook, which reads few, needs no large buffer.
  init(at position: Int64, size: Int64) {
    origin = position
    buffer = [UInt8](repeating: 0, count: Int(min(max(size, 0) + 1, Int64(4 * Self.longest))))
  }

  /// The absolute position behind all that was read.
  var end: Int64 { origin + Int64(filled) }

  /// Reads what follows; only when there is no next line.
  ///
  /// - Parameter read: reads into a part of the buffer, and gives the number of bytes, which it
  ///   returns in turn.
  mutating func readOn<Failure: Error>(
    _ read: (inout [UInt8], Range<Int>) throws(Failure) -> Int
  ) throws(Failure) -> Int {
    letGo()
    if filled == buffer.count { grow() }
    let got = try read(&buffer, filled..<buffer.count)
    filled += got
    return got
  }

  /// Whether all that was read was given as lines, and nothing is left behind the last separator.
  var isAtSeparator: Bool { start == filled && !isInOverlong }

  /// Leaves out what lies between here and a later position; only at a separator.
  mutating func skip(to position: Int64) {
    (start, looked, filled) = (0, 0, 0)
    origin = position
  }

  /// The next line that a separator ends, without it; nil where none is left. Empty lines are left out.
  mutating func next() -> Range<Int>? {
    while looked < filled {
      looked = min(buffer.span.firstIndex(of: 10, or: 0, from: looked), filled)
      if looked == filled { break }
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

  /// The next line that a separator ends and that holds a text; nil where none is left. All others
  /// before it are passed over at once.
  mutating func next(holding text: Span<UInt8>) -> Range<Int>? {
    if isInOverlong, next() == nil { return nil }
    let found = buffer.span.extracting(..<filled).firstIndex(of: text, from: start)
    start = lineStart(before: found ?? filled)
    looked = found.map { min(buffer.span.firstIndex(of: 10, or: 0, from: $0), filled) } ?? filled
    if looked < filled {
      let line = start..<looked
      looked += 1
      start = looked
      return line
    }
    if looked - start > Self.longest { dropOverlong() }
    return nil
  }

  /// Where the line begins that a place is in.
  private func lineStart(before place: Int) -> Int {
    var index = place
    while index > start, buffer[index - 1] != 10, buffer[index - 1] != 0 { index -= 1 }
    return index
  }

  /// What stands behind the last separator.
  var tail: Range<Int> { isInOverlong ? filled..<filled : start..<filled }

  func bytes(_ line: Range<Int>) -> [UInt8] { Array(buffer[line]) }

  /// Gives a line's bytes in place.
  func read<Result>(_ line: Range<Int>, _ body: (Span<UInt8>) -> Result) -> Result {
    body(buffer.span.extracting(line))
  }

  /// The absolute position of a line's first byte.
  func position(of line: Range<Int>) -> Int64 { origin + Int64(line.lowerBound) }

  private mutating func dropOverlong() {
    if !isInOverlong { overlong += 1 }
    isInOverlong = true
    start = looked
  }

  /// Moves what is left to the buffer's beginning.
  private mutating func letGo() {
    if start == 0 { return }
    for index in start..<filled { buffer[index - start] = buffer[index] }
    origin += Int64(start)
    looked -= start
    filled -= start
    start = 0
  }

  private mutating func grow() {
    buffer += [UInt8](repeating: 0, count: buffer.count)
  }
}
