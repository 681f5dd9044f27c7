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
    endOverlong() ? pass(to: line(holding: text)) : nil
  }

  private func line(holding text: Span<UInt8>) -> Range<Int> {
    let bytes = buffer.span.extracting(..<filled)
    let found = bytes.firstIndex(of: text, from: start) ?? filled
    let begin = max(start, bytes.startIndex(behind: 10, or: 0, before: found))
    return begin..<min(bytes.firstIndex(of: 10, or: 0, from: found), filled)
  }

  /// The next line that a separator ends and in which a field is one of some ascending numbers; nil
  /// where none is left. All others before it are passed over at once.
  mutating func next(withField field: Int, among numbers: [Int64]) -> Range<Int>? {
    endOverlong() ? pass(to: line(withField: field, among: numbers)) : nil
  }

  private func line(withField field: Int, among numbers: [Int64]) -> Range<Int> {
    buffer.span.extracting(..<filled).line(from: start, withField: field, among: numbers)
  }

  /// Passes over all before a line, which is given if a separator ends it.
  private mutating func pass(to line: Range<Int>) -> Range<Int>? {
    (start, looked) = (line.lowerBound, line.upperBound)
    if looked < filled {
      looked += 1
      start = looked
      return line
    }
    if looked - start > Self.longest { dropOverlong() }
    return nil
  }

  /// Passes over the rest of a line that was let go of; false where it has no end yet.
  private mutating func endOverlong() -> Bool {
    if !isInOverlong { return true }
    looked = min(buffer.span.firstIndex(of: 10, or: 0, from: looked), filled)
    if looked < filled {
      isInOverlong = false
      looked += 1
    }
    start = looked
    return !isInOverlong
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
