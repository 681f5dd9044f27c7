import System

/// A line of the journal that is being written: fields separated by tabs. A person can read it.
///
/// In a text, bytes that are not printable ASCII, spaces and `%` are percent-encoded; `-` stands for
/// what is absent, so a text that is just that is encoded too.
struct JournalLine {
  private var bytes: [UInt8]

  init(kind: String) {
    bytes = [10, JournalRecord.version, 9]
    bytes.reserveCapacity(512)
    bytes.append(contentsOf: kind.utf8)
  }

  /// A line that holds all but its checksum already.
  init(content: [UInt8]) { bytes = [10] + content }

  mutating func append(_ text: [UInt8]) {
    bytes.append(9)
    if text.isEmpty { return bytes.append(absent) }
    if text.count == 1, text[0] == absent { return appendEncoded(absent) }
    for byte in text {
      if 33...126 ~= byte, byte != percent { bytes.append(byte) } else { appendEncoded(byte) }
    }
  }

  mutating func append(_ number: Int64) {
    bytes.append(9)
    if number < 0 { bytes.append(absent) }
    var (rest, unit) = (number.magnitude, UInt64(1))
    while unit <= rest / 10 { unit *= 10 }
    while unit > 0 {
      bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / unit))
      rest %= unit
      unit /= 10
    }
  }

  mutating func append(_ number: Int64?) {
    if let number { append(number) } else { append([]) }
  }

  mutating func append(hexadecimal number: UInt64) {
    bytes.append(9)
    for shift in 0..<UInt64(16) {
      bytes.append(hexadecimalCharacter(UInt8(truncatingIfNeeded: number >> (60 - 4 * shift)) & 15))
    }
  }

  /// How a text stands in a line, with the tabs around it.
  static func field(_ text: [UInt8]) -> [UInt8] {
    var line = JournalLine(content: [])
    line.bytes = []
    line.append(text)
    return line.bytes + [9]
  }

  /// How a number stands in a line, with the tabs around it.
  static func field(_ number: Int64) -> [UInt8] {
    var line = JournalLine(content: [])
    line.bytes = []
    line.append(number)
    return line.bytes + [9]
  }

  /// The line with its checksum, which is of all between the line feed and the tab before it.
  consuming func finished() -> [UInt8] {
    append(hexadecimal: checksum(bytes.span.extracting(1...)))
    return bytes
  }

  private mutating func appendEncoded(_ byte: UInt8) {
    bytes.append(percent)
    bytes.append(hexadecimalCharacter(byte >> 4))
    bytes.append(hexadecimalCharacter(byte & 15))
  }
}

/// The fields of a line of the journal, read one after another.
struct JournalFields {
  /// Where the second field stands.
  private var kind = 0..<0
  private let bytes: [UInt8]
  private var position = 0

  /// - Returns: nil unless the line's version and checksum are right.
  init?(_ line: Span<UInt8>) {
    guard let end = Self.end(ofCheckedLine: line) else { return nil }
    bytes = [UInt8](line.extracting(..<end))
    guard let version = nextField(), version.count == 1, bytes[0] == JournalRecord.version,
      let kind = nextField()
    else { return nil }
    self.kind = kind
  }

  /// The kind of a record; nil where the line is none.
  var recordKind: JournalRecord.Kind? {
    if isKind("in") { return .in }
    if isKind("end") { return .end }
    if isKind("out") { return .out }
    return isKind("auth") ? .auth : nil
  }

  /// Whether the second field is a word.
  func isKind(_ word: StaticString) -> Bool {
    guard kind.count == word.utf8CodeUnitCount else { return false }
    for index in 0..<kind.count where unsafe word.utf8Start[index] != bytes[kind.lowerBound + index]
    {
      return false
    }
    return true
  }

  /// Where the tab before the checksum stands; nil where the checksum is wrong.
  private static func end(ofCheckedLine line: Span<UInt8>) -> Int? {
    let end = line.count - JournalRecord.checksumLength - 1
    guard end > 0, line[end] == 9 else { return nil }
    let sum = hexadecimal(line.extracting((end + 1)...))
    return sum == checksum(line.extracting(..<end)) ? end : nil
  }

  /// Whether no field is left.
  var isAtEnd: Bool { position > bytes.count }

  /// Whether a line that is not checked yet is an `in`, as its first fields have it.
  static func isSession(_ line: Span<UInt8>) -> Bool {
    line.count > 5 && line[2] == UInt8(ascii: "i") && line[3] == UInt8(ascii: "n") && line[4] == 9
  }

  /// The number of the field that says when a client connected, in seconds since 1970 in UTC.
  static let connectedSince = 7

  mutating func nextText() -> [UInt8]? { next { [UInt8]($0) } }

  /// Gives the next text in place; nil where there is none.
  mutating func next<Result>(_ body: (Span<UInt8>) -> Result) -> Result? {
    guard position < bytes.count else { return nil }
    let start = position
    let stop = bytes.span.firstIndex(of: percent, or: 9, from: start)
    if stop < bytes.count, bytes[stop] == percent {
      return nextField().flatMap { Self.decoded(bytes[$0]) }.map { body($0.span) }
    }
    position = stop + 1
    if stop == start { return nil }
    let isAbsent = stop == start + 1 && bytes[start] == absent
    return body(bytes.span.extracting(isAbsent ? start..<start : start..<stop))
  }

  /// Whether the next field stands there as these bytes; nil where there is none.
  mutating func nextField(is field: Span<UInt8>) -> Bool? {
    guard let found = nextField() else { return nil }
    if found.count != field.count { return false }
    for index in field.indices where bytes[found.lowerBound + index] != field[index] {
      return false
    }
    return true
  }

  /// Passes over some fields; false where they are not there.
  mutating func skip(_ count: Int) -> Bool {
    for _ in 0..<count where nextField() == nil { return false }
    return true
  }

  private static func decoded(_ field: ArraySlice<UInt8>) -> [UInt8]? {
    var text: [UInt8] = []
    text.reserveCapacity(field.count)
    var index = field.startIndex
    while index < field.endIndex {
      if field[index] != percent {
        text.append(field[index])
        index += 1
        continue
      }
      guard index + 2 < field.endIndex, let high = hexadecimalDigit(field[index + 1]),
        let low = hexadecimalDigit(field[index + 2])
      else { return nil }
      text.append(high << 4 | low)
      index += 3
    }
    return text
  }

  mutating func nextNumber() -> Int64? {
    guard position < bytes.count, let (value, end) = bytes.span.number(at: position),
      end == bytes.count || bytes[end] == 9
    else { return nil }
    position = end + 1
    return value
  }

  /// A number, or `-` for none; nil where it is neither.
  mutating func nextOptional() -> (value: Int64?, Void)? {
    if position < bytes.count, bytes[position] == absent,
      position + 1 == bytes.count || bytes[position + 1] == 9
    {
      position += 2
      return (nil, ())
    }
    return nextNumber().map { ($0, ()) }
  }

  /// A number that is not negative, or `-` for none; nil where it is neither.
  mutating func nextCounter() -> (value: Int64?, Void)? {
    guard let counter = nextOptional(), counter.value ?? 0 >= 0 else { return nil }
    return counter
  }

  mutating func nextHexadecimal() -> UInt64? {
    nextField().flatMap { hexadecimal(bytes.span.extracting($0)) }
  }

  private mutating func nextField() -> Range<Int>? {
    guard position <= bytes.count else { return nil }
    let start = position
    let end = bytes.span.firstIndex(of: 9, or: 9, from: start)
    position = end + 1
    return start..<end
  }
}

/// What stands for an absent field, and is a number's minus sign.
private let absent = UInt8(ascii: "-")
private let percent = UInt8(ascii: "%")

extension JournalRecord {
  /// The length of a checksum, and of every other 64 bits, in characters.
  static let checksumLength = 16
}

/// The number that 16 hexadecimal digits spell.
func hexadecimal(_ digits: Span<UInt8>) -> UInt64? {
  guard digits.count == JournalRecord.checksumLength else { return nil }
  var number: UInt64 = 0
  for index in digits.indices {
    guard let digit = hexadecimalDigit(digits[index]) else { return nil }
    number = number << 4 | UInt64(digit)
  }
  return number
}

private func hexadecimalCharacter(_ value: UInt8) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
}
