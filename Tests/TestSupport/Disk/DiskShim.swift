import CSQLite
import Glibc
import Synchronization

/// SQLite's way to the disk (a `sqlite3_vfs`) for this process: the system's own, but for files
/// below a `FaultyDisk`.
enum DiskShim {
  private static let disks = Mutex<[String: WeakDisk]>([:])
  private nonisolated(unsafe) static let real: UnsafeMutablePointer<sqlite3_vfs> =
    unsafe sqlite3_vfs_find(nil)
  private nonisolated(unsafe) static let methods =
    UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
  /// SQLite's result of taking the shim for its way to all disks.
  private static let registration: Int32 = {
    let vfs = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
    unsafe vfs.initialize(to: DiskShim.vfs())
    unsafe methods.initialize(to: OpenFile.methods())
    return unsafe sqlite3_vfs_register(vfs, 1)
  }()

  private struct WeakDisk { weak var disk: FaultyDisk? }

  static func attach(_ disk: FaultyDisk) {
    precondition(registration == SQLITE_OK)
    disks.withLock { $0[disk.path] = WeakDisk(disk: disk) }
  }

  static func detach(_ path: String) { _ = disks.withLock { $0.removeValue(forKey: path) } }

  /// The disk that a file lies on, and its name there.
  private static func find(_ path: UnsafePointer<CChar>?) -> OpenFile? {
    guard let path = unsafe path else { return nil }
    let text = unsafe String(cString: path)
    guard let slash = text.lastIndex(of: "/") else { return nil }
    guard let disk = disks.withLock({ $0[String(text[..<slash])]?.disk }) else { return nil }
    return OpenFile(disk, String(text[text.index(after: slash)...]))
  }

  private static func vfs() -> sqlite3_vfs {
    var vfs = unsafe real.pointee
    unsafe vfs.szOsFile += Int32(MemoryLayout<Header>.stride)
    unsafe vfs.pNext = nil
    unsafe vfs.zName = UnsafePointer(strdup("faulty"))
    unsafe vfs.xOpen = { _, path, file, flags, given in
      guard let place = unsafe DiskShim.find(path) else {
        return unsafe DiskShim.real.pointee.xOpen(DiskShim.real, path, file, flags, given)
      }
      place.note(flags: flags)
      // Without methods SQLite does not close it.
      unsafe file?.pointee.pMethods = nil
      guard case .goesOn = place.disk.fate(isWrite: false) else { return SQLITE_CANTOPEN }
      // As the system's own way to a read-only disk does, which falls back to reading.
      let writing = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
      let flags = place.disk.isReadOnly ? flags & ~writing | SQLITE_OPEN_READONLY : flags
      guard let file = unsafe file else { return SQLITE_CANTOPEN }
      let code = unsafe DiskShim.real.pointee.xOpen(
        DiskShim.real, path, inner(file), flags, given)
      if code == SQLITE_OK { unsafe DiskShim.adopt(file, place) }
      return code
    }
    unsafe vfs.xDelete = { _, path, directoryToo in
      let real = { unsafe DiskShim.real.pointee.xDelete(DiskShim.real, path, directoryToo) }
      guard let place = unsafe DiskShim.find(path) else { return real() }
      let code = place.call(orFail: .delete, real)
      if code == SQLITE_OK {
        place.note(.delete)
        if directoryToo != 0 { place.note(.syncFolder) }
      }
      return code
    }
    unsafe vfs.xAccess = { _, path, flags, result in
      let real = { unsafe DiskShim.real.pointee.xAccess(DiskShim.real, path, flags, result) }
      return unsafe DiskShim.find(path)?.call(orFail: .access, real) ?? real()
    }
    return unsafe vfs
  }

  /// Makes the methods of an open file ours.
  private static func adopt(_ file: UnsafeMutablePointer<sqlite3_file>, _ place: OpenFile) {
    unsafe UnsafeMutableRawPointer(file).storeBytes(
      of: Header(
        base: sqlite3_file(pMethods: UnsafePointer(methods)),
        place: Unmanaged.passRetained(place).toOpaque()),
      as: Header.self)
  }
}
