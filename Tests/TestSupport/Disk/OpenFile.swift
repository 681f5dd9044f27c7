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
    isWrite: Bool = false, orFail failure: Failure, _ real: () -> Int32
  ) -> Int32 {
    switch disk.fate(isWrite: isWrite) {
    case .goesOn: real()
    case .dies: SQLITE_IOERR | failure.rawValue << 8
    case .cannotWrite(.full): SQLITE_FULL
    case .cannotWrite(.broken): SQLITE_IOERR | failure.rawValue << 8
    case .cannotWrite(.readOnly): SQLITE_READONLY
    }
  }
}

extension OpenFile {
  /// What cannot be done, as the codes from `SQLITE_IOERR_READ` on have it in their second byte.
  enum Failure: Int32 {
    case read = 1
    case write = 3
    case synchronize = 4
    case truncate = 6
    case measure = 7
    case delete = 10
    case access = 13
    case checkLock = 14
    case lock = 15
    case lockMemory = 20
    case mapMemory = 21
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
