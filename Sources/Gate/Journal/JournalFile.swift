import System

/// A file of the journal, open for reading.
package struct JournalFile: ~Copyable {
  /// The files there can be.
  package enum Name: Sendable {
    /// The one that hooks append to.
    case current
    /// The one before it, until the next sweep removes it.
    case old
    /// The next one, while it is made.
    case new

    var text: StaticString {
      switch self {
      case .current: "journal"
      case .old: "journal.old"
      case .new: "journal.new"
      }
    }
  }

  let file: OpenFile
  /// Its first record; nil where that is missing or damaged.
  package let header: JournalHeader?
  /// The absolute position of its first byte; 0 without a header.
  package var base: Int64 { header?.base ?? 0 }

  /// Opens a file of the journal.
  ///
  /// - Returns: nil where there is none.
  /// - Throws: `SystemError`; `EPERM` where it is no regular file of the directory's owner.
  package init?(_ name: Name, in directory: borrowing Directory) throws(SystemError) {
    guard let file = try Self.opened(name, in: directory) else { return nil }
    header = try Self.header(of: file)
    self.file = file
  }

  /// Its path, for messages.
  package var path: String { file.path }

  /// The absolute position of its end when it was opened.
  package var endAtOpening: Int64 { base + file.status.size }

  /// The absolute position of its end at this moment.
  package borrowing func end() throws(SystemError) -> Int64 {
    base + (try FileStatus(of: file.descriptor, called: file.path)).size
  }

  /// Whether a record with this checksum ends at an absolute position: whether what was read once is
  /// still there.
  package borrowing func hasRecord(
    endingAt position: Int64, checksum: UInt64
  ) throws(SystemError) -> Bool {
    let start = position - base - Int64(JournalRecord.checksumLength)
    guard start > 0 else { return false }
    let digits = try file.descriptor.read(
      atMost: JournalRecord.checksumLength, at: start, of: file.path)
    return hexadecimal(digits.span) == checksum
  }

  package borrowing func isSameFile(as other: borrowing JournalFile) -> Bool {
    file.status.isSameFile(as: other.file.status)
  }

  private static func opened(
    _ name: Name, in directory: borrowing Directory
  ) throws(SystemError) -> OpenFile? {
    do throws(SystemError) { return try directory.openFile(name.text, for: .read) } catch {
      if error.code == SystemError.notFound { return nil }
      throw error
    }
  }

  private static func header(
    of file: borrowing OpenFile
  ) throws(SystemError) -> JournalHeader? {
    let start = try file.descriptor.read(atMost: JournalHeader.longest, at: 0, of: file.path)
    guard start.first == 10 else { return nil }
    let line = 1..<start.span.firstIndex(of: 10, or: 0, from: 1)
    return JournalHeader(line: start.span.extracting(line))
  }
}
