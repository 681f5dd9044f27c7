import System

/// What hooks appended to the journal since the access table was written, as a hook reads it: looking
/// for the few records that concern one user, in far less time than reading all of them takes.
package struct JournalTail: ~Copyable {
  /// The most bytes that a hook reads; of a longer tail it reads nothing.
  package static let limit: Int64 = 16 << 20

  private let current: JournalFile
  private let currentPart: Range<Int64>
  /// The file before it, where the table was written before a rotation.
  private let old: JournalFile?
  private let oldPart: Range<Int64>

  /// Opens the journal behind the position that a table includes.
  ///
  /// - Returns: nil where nothing was appended.
  /// - Throws: `JournalTailError` where the journal cannot be read, is not the one that the table
  ///   speaks of, or is too long: then the table alone decides.
  package static func opened(
    after header: AccessHeader, in directory: borrowing Directory
  ) throws(JournalTailError) -> JournalTail? {
    guard let current = try file(.current, in: directory), let present = current.header else {
      throw .doesNotFollow(path: directory.path(of: JournalFile.Name.current.text))
    }
    if present.generation == header.generation {
      let part = try part(of: current, from: header.position)
      return try JournalTail(current: current, part, old: nil, 0..<0).checked()
    }
    guard let old = try file(.old, in: directory), old.header?.generation == header.generation
    else {
      throw .doesNotFollow(path: current.path)
    }
    let oldPart = try part(of: old, from: header.position)
    let currentPart = try part(of: current, from: present.base)
    return try JournalTail(current: current, currentPart, old: old, oldPart).checked()
  }

  private init(
    current: consuming JournalFile, _ currentPart: Range<Int64>, old: consuming JournalFile?,
    _ oldPart: Range<Int64>
  ) {
    self.current = current
    self.currentPart = currentPart
    self.old = old
    self.oldPart = oldPart
  }

  private consuming func checked() throws(JournalTailError) -> JournalTail? {
    let size = currentPart.count + oldPart.count
    if size > Self.limit { throw .tooLong(path: current.path) }
    if size == 0 { return nil }
    return self
  }

  /// The seconds in which sessions began that may be a user's, in any order: of all lines that have the
  /// user's name in a field.
  borrowing func seconds(ofOwner owner: [UInt8]) throws(SystemError) -> [Int64] {
    var seconds: [Int64] = []
    let field = JournalLine.field(owner)
    try forEachLine {
      $0.next(holding: field.span)
    } _: { line in
      guard JournalFields.isSession(line),
        let second = line.number(inField: JournalFields.connectedSince)
      else { return }
      seconds.append(second)
    }
    return seconds
  }

  /// Gives the lines of some seconds, which are ascending, in the order of the journal. There may be
  /// others among them, and damaged ones.
  borrowing func forEachLine(
    in seconds: [Int64], _ body: (Span<UInt8>) -> Void
  ) throws(SystemError) {
    // A text is found faster than a number.
    let field = JournalLine.field(seconds[0])
    let isOne = seconds[0] == seconds[seconds.count - 1]
    try forEachLine(
      {
        isOne
          ? $0.next(holding: field.span)
          : $0.next(withField: JournalFields.connectedSince, among: seconds)
      }, body)
  }

  /// Gives all records, in the order of the journal. What is damaged is left out.
  borrowing func forEachRecord(_ body: (JournalRecord) -> Void) throws(SystemError) {
    try forEachLine {
      $0.next()
    } _: { line in
      if let record = JournalRecord(line: line) { body(record) }
    }
  }

  private borrowing func forEachLine(
    _ next: (inout JournalLines) -> Range<Int>?, _ body: (Span<UInt8>) -> Void
  ) throws(SystemError) {
    switch old {
    case .some(let old): try Self.forEachLine(of: old, oldPart, next, body)
    case .none: break
    }
    try Self.forEachLine(of: current, currentPart, next, body)
  }

  private static func forEachLine(
    of file: borrowing JournalFile, _ part: Range<Int64>,
    _ next: (inout JournalLines) -> Range<Int>?, _ body: (Span<UInt8>) -> Void
  ) throws(SystemError) {
    var lines = JournalLines(at: part.lowerBound, size: Int64(part.count))
    while lines.end < part.upperBound {
      let rest = part.upperBound - lines.end
      let got = try lines.readOn { (buffer, room) throws(SystemError) in
        try file.file.descriptor.read(
          into: &buffer, room.prefix(Int(min(rest, Int64(room.count)))),
          at: part.upperBound - rest - file.base, of: file.path)
      }
      if got == 0 { break }
      while let line = next(&lines) { lines.read(line, body) }
    }
    lines.read(lines.tail, body)
  }

  /// The positions of a file behind one.
  private static func part(
    of file: borrowing JournalFile, from position: Int64
  ) throws(JournalTailError) -> Range<Int64> {
    guard position <= file.endAtOpening else { throw .doesNotFollow(path: file.path) }
    return position..<file.endAtOpening
  }

  private static func file(
    _ name: JournalFile.Name, in directory: borrowing Directory
  ) throws(JournalTailError) -> JournalFile? {
    do throws(SystemError) { return try JournalFile(name, in: directory) } catch {
      throw .system(error)
    }
  }
}

/// Why the journal's tail is not read.
package enum JournalTailError: Error, Equatable, CustomStringConvertible {
  case system(SystemError)
  /// It is not the journal that the access table speaks of, or was cut short.
  case doesNotFollow(path: String)
  /// It is longer than a hook reads.
  case tooLong(path: String)

  package var description: String {
    switch self {
    case .system(let error): error.description
    case .doesNotFollow(let path): "\(path) is damaged or does not follow the access table"
    case .tooLong(let path): "\(path) has grown too long since the last sweep"
    }
  }
}
