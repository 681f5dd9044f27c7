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

  /// What to look for in lines.
  enum Search {
    /// Beginnings of sessions with this text in their line.
    case sessions(with: [UInt8])
    /// All of these seconds, which are ascending.
    case seconds([Int64])
  }

  /// Gives records in the order of the journal. What is damaged is left out.
  borrowing func forEachRecord(
    with search: Search, _ body: (JournalRecord) -> Void
  ) throws(SystemError) {
    switch old {
    case .some(let old): try Self.forEachRecord(in: old, oldPart, search, body)
    case .none: break
    }
    try Self.forEachRecord(in: current, currentPart, search, body)
  }

  private static func forEachRecord(
    in file: borrowing JournalFile, _ part: Range<Int64>, _ search: Search,
    _ body: (JournalRecord) -> Void
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
      while let line = search.next(in: &lines) {
        if let record = lines.read(line, { search.record($0) }) { body(record) }
      }
    }
    if let record = lines.read(lines.tail, { search.record($0) }) { body(record) }
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

extension JournalTail.Search {
  fileprivate func next(in lines: inout JournalLines) -> Range<Int>? {
    switch self {
    case .sessions(let text): lines.next(holding: text.span)
    case .seconds: lines.next()
    }
  }

  /// The record of a line that may be looked for.
  fileprivate func record(_ line: Span<UInt8>) -> JournalRecord? {
    switch self {
    case .sessions:
      if !JournalFields.isSession(line) { return nil }
    case .seconds(let seconds):
      guard let second = JournalFields.connectedSince(line), contains(seconds, second) else {
        return nil
      }
    }
    return JournalRecord(line: line)
  }
}

/// Whether an ascending list has a number.
private func contains(_ numbers: [Int64], _ number: Int64) -> Bool {
  var (low, high) = (0, numbers.count)
  while low < high {
    let middle = (low + high) / 2
    if numbers[middle] == number { return true }
    if numbers[middle] < number { low = middle + 1 } else { high = middle }
  }
  return false
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
