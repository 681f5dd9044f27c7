import CSQLite

/// A file that SQLite has open on a `FaultyDisk`.
final class OpenFile {
  let disk: FaultyDisk
  let name: String
  /// Whether the folder has to be synchronized with the file, once: SQLite does so for the journals
  /// that it makes.
  private var isNew = false

  init(_ disk: FaultyDisk, _ name: String) {
    self.disk = disk
    self.name = name
  }

  /// The one that stands in the memory that SQLite gave it.
  static func of(_ file: File) -> OpenFile {
    let header = unsafe UnsafeMutableRawPointer(file).load(as: Header.self)
    return unsafe Unmanaged<OpenFile>.fromOpaque(header.place).takeUnretainedValue()
  }

  /// It was opened.
  func note(flags: Int32) {
    let journals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL
    isNew = flags & SQLITE_OPEN_CREATE != 0 && flags & journals != 0
  }

  func note(_ operation: DiskJournal.Operation) { disk.note(operation, on: name) }

  func noteSync() {
    note(.sync)
    if isNew { note(.syncFolder) }
    isNew = false
  }

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
