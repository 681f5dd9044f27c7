import CSQLite

/// A file that SQLite has open on a `FaultyDisk`.
final class OpenFile {
  let disk: FaultyDisk
  let name: String

  init(_ disk: FaultyDisk, _ name: String) {
    self.disk = disk
    self.name = name
  }

  /// The one that stands in the memory that SQLite gave it.
  static func of(_ file: File) -> OpenFile {
    let header = unsafe UnsafeMutableRawPointer(file).load(as: Header.self)
    return unsafe Unmanaged<OpenFile>.fromOpaque(header.place).takeUnretainedValue()
  }

  func note(_ operation: DiskJournal.Operation) { disk.note(operation, on: name) }

  /// Makes a call of the real disk, or fails in its place.
  func call(
    isWrite: Bool = false, orFail failure: Int32, _ real: () -> Int32
  ) -> Int32 {
    switch disk.fate(isWrite: isWrite) {
    case .goesOn: real()
    case .dies: SQLITE_IOERR | failure << 8
    case .findsNoRoom: SQLITE_FULL
    }
  }
}

/// What stands before the real file in the memory that SQLite gives one.
@unsafe struct Header {
  var base: sqlite3_file
  var place: UnsafeMutableRawPointer
}

typealias File = UnsafeMutablePointer<sqlite3_file>

/// The real file behind one of ours.
func inner(_ file: File) -> File {
  unsafe (UnsafeMutableRawPointer(file) + MemoryLayout<Header>.stride)
    .assumingMemoryBound(to: sqlite3_file.self)
}
