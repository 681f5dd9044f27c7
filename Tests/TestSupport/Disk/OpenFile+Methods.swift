import CSQLite

extension OpenFile {
  /// Every call goes to the real file, unless the disk has it otherwise. What a process lets go of
  /// when it dies is let go of on a dead disk too: locks, shared memory, the file itself.
  static func methods() -> sqlite3_io_methods {
    var methods = sqlite3_io_methods()
    // Without memory-mapped files.
    methods.iVersion = 2
    fillInData(&methods)
    fillInProperties(&methods)
    fillInLocks(&methods)
    fillInSharedMemory(&methods)
    return methods
  }

  private static func fillInData(_ methods: inout sqlite3_io_methods) {
    unsafe methods.xRead = { file, bytes, count, offset in
      guard let file = unsafe file else { return SQLITE_MISUSE }
      return unsafe OpenFile.of(file).call(orFail: .read) {
        unsafe inner(file).pointee.pMethods.pointee.xRead(inner(file), bytes, count, offset)
      }
    }
    unsafe methods.xWrite = { file, bytes, count, offset in
      guard let file = unsafe file else { return SQLITE_MISUSE }
      let place = unsafe OpenFile.of(file)
      let code = place.call(isWrite: true, orFail: .write) {
        unsafe inner(file).pointee.pMethods.pointee.xWrite(inner(file), bytes, count, offset)
      }
      if code == SQLITE_OK {
        let data = unsafe [UInt8](UnsafeRawBufferPointer(start: bytes, count: Int(count)))
        place.note(.write(at: Int(offset), data))
      }
      return code
    }
    unsafe methods.xTruncate = { file, size in
      guard let file = unsafe file else { return SQLITE_MISUSE }
      let place = unsafe OpenFile.of(file)
      let code = place.call(orFail: .truncate) {
        unsafe inner(file).pointee.pMethods.pointee.xTruncate(inner(file), size)
      }
      if code == SQLITE_OK { place.note(.truncate(to: Int(size))) }
      return code
    }
    unsafe methods.xSync = { file, _ in
      guard let file = unsafe file else { return SQLITE_MISUSE }
      let place = unsafe OpenFile.of(file)
      // Noted only: no test loses the real power.
      let code = place.call(orFail: .synchronize) { SQLITE_OK }
      if code == SQLITE_OK { place.noteSync() }
      return code
    }
  }

  private static func fillInProperties(_ methods: inout sqlite3_io_methods) {
    unsafe methods.xClose = { file in
      guard let file = unsafe file else { return SQLITE_OK }
      let code = unsafe inner(file).pointee.pMethods.pointee.xClose(inner(file))
      let header = unsafe UnsafeMutableRawPointer(file).load(as: Header.self)
      unsafe Unmanaged<OpenFile>.fromOpaque(header.place).release()
      return code
    }
    unsafe methods.xFileSize = { file, size in
      guard let file = unsafe file else { return SQLITE_MISUSE }
      return unsafe OpenFile.of(file).call(orFail: .measure) {
        unsafe inner(file).pointee.pMethods.pointee.xFileSize(inner(file), size)
      }
    }
    unsafe methods.xFileControl = { file, what, argument in
      guard let file = unsafe file else { return SQLITE_MISUSE }
      return unsafe inner(file).pointee.pMethods.pointee.xFileControl(inner(file), what, argument)
    }
    unsafe methods.xSectorSize = { file in
      guard let file = unsafe file else { return Int32(DiskJournal.sector) }
      return unsafe inner(file).pointee.pMethods.pointee.xSectorSize(inner(file))
    }
    unsafe methods.xDeviceCharacteristics = { file in
      guard let file = unsafe file else { return 0 }
      return unsafe inner(file).pointee.pMethods.pointee.xDeviceCharacteristics(inner(file))
    }
  }

  private static func fillInLocks(_ methods: inout sqlite3_io_methods) {
    unsafe methods.xLock = { file, level in
      guard let file = unsafe file else { return SQLITE_MISUSE }
      return unsafe OpenFile.of(file).call(orFail: .lock) {
        unsafe inner(file).pointee.pMethods.pointee.xLock(inner(file), level)
      }
    }
    unsafe methods.xUnlock = { file, level in
      guard let file = unsafe file else { return SQLITE_MISUSE }
      return unsafe inner(file).pointee.pMethods.pointee.xUnlock(inner(file), level)
    }
    unsafe methods.xCheckReservedLock = { file, result in
      guard let file = unsafe file else { return SQLITE_MISUSE }
      return unsafe OpenFile.of(file).call(orFail: .checkLock) {
        unsafe inner(file).pointee.pMethods.pointee.xCheckReservedLock(inner(file), result)
      }
    }
  }

  private static func fillInSharedMemory(_ methods: inout sqlite3_io_methods) {
    unsafe methods.xShmMap = { file, page, size, extends, memory in
      guard let file = unsafe file else { return SQLITE_MISUSE }
      return unsafe OpenFile.of(file).call(orFail: .mapMemory) {
        unsafe inner(file).pointee.pMethods.pointee.xShmMap(
          inner(file), page, size, extends, memory)
      }
    }
    unsafe methods.xShmLock = { file, offset, count, flags in
      guard let file = unsafe file else { return SQLITE_MISUSE }
      let real = {
        unsafe inner(file).pointee.pMethods.pointee.xShmLock(inner(file), offset, count, flags)
      }
      return flags & SQLITE_SHM_UNLOCK != 0
        ? real() : unsafe OpenFile.of(file).call(orFail: .lockMemory, real)
    }
    unsafe methods.xShmBarrier = { file in
      guard let file = unsafe file else { return }
      unsafe inner(file).pointee.pMethods.pointee.xShmBarrier(inner(file))
    }
    unsafe methods.xShmUnmap = { file, deletes in
      guard let file = unsafe file else { return SQLITE_MISUSE }
      return unsafe inner(file).pointee.pMethods.pointee.xShmUnmap(inner(file), deletes)
    }
  }
}
