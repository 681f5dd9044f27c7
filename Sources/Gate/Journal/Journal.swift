import System

/// Appending to the journal, and changing its files.
package enum Journal {
  /// Bytes from which on a sweep rotates it.
  package static let rotationSize: Int64 = 4 << 20
  /// The permission bits of its files: the hooks' group appends.
  package static let mode: UInt32 = 0o660
  /// Room between the positions of two generations, for what hooks append to the old one meanwhile.
  private static let room: Int64 = 1 << 30
  /// How often a record is written again because the file was exchanged meanwhile.
  private static let mostTries = 8

  /// Appends a record in one write, without waiting. Where the file lost its name meanwhile, the record
  /// goes into the new one as well: its mark makes one of both.
  ///
  /// - Throws: `SystemError`; `ENOENT` where there is no journal, `EPERM` where it is no regular file of
  ///   the directory's owner, `ENOSPC` where not all of the record found room.
  package static func append(
    _ record: JournalRecord, in directory: borrowing Directory
  ) throws(SystemError) {
    let line = record.encoded()
    for _ in 0..<mostTries {
      let file = try directory.openFile(JournalFile.Name.current.text, for: .append)
      guard try file.descriptor.writeOnce(line.span, to: file.path) == line.count else {
        throw SystemError("write to", file.path, code: SystemError.noSpace)
      }
      let named = try directory.status(of: JournalFile.Name.current.text)
      if let named, named.isSameFile(as: file.status) { return }
    }
  }

  /// Whether there is a journal, and nobody is at making or rotating one, or was interrupted.
  package static func isPrepared(
    in directory: borrowing Directory
  ) throws(SystemError) -> Bool {
    let current = try directory.status(of: JournalFile.Name.current.text)
    let new = try directory.status(of: JournalFile.Name.new.text)
    return current != nil && new == nil
  }

  /// Makes the first file, where there is none, and finishes a rotation that was interrupted: the file
  /// under the next one's name is then the one before. Only under the publication lock.
  ///
  /// - Parameters:
  ///   - generation: random bits.
  ///   - position: the greatest absolute position that is known from before; 0 for none.
  package static func prepare(
    in directory: borrowing Directory, generation: UInt64, after position: Int64 = 0
  ) throws(SystemError) {
    try finishRotation(in: directory)
    guard try directory.status(of: JournalFile.Name.current.text) == nil else { return }
    try makeNew(
      in: directory, JournalHeader(generation: generation, base: base(after: position)))
    try directory.rename(JournalFile.Name.new.text, to: JournalFile.Name.current.text)
    try directory.synchronize()
  }

  /// Puts a new file in the place of the journal, which becomes the old one. Only under the
  /// publication lock, and when all of the present old one is taken in.
  ///
  /// - Parameters:
  ///   - generation: random bits.
  ///   - position: the greatest absolute position that is known from before.
  /// - Returns: the new file's header.
  package static func rotate(
    in directory: borrowing Directory, generation: UInt64, after position: Int64
  ) throws(SystemError) -> JournalHeader {
    try finishRotation(in: directory)
    let end = try end(of: .current, in: directory)
    let header = JournalHeader(generation: generation, base: base(after: max(end, position)))
    try makeNew(in: directory, header)
    do throws(SystemError) {
      try directory.exchange(JournalFile.Name.new.text, with: JournalFile.Name.current.text)
      try directory.rename(JournalFile.Name.new.text, to: JournalFile.Name.old.text)
    } catch {
      guard error.code == SystemError.notImplemented || error.code == SystemError.invalid else {
        throw error
      }
      try replaceByLink(in: directory)
    }
    try directory.synchronize()
    return header
  }

  /// What an exchange comes to where the file system has none: at each moment there is a journal.
  private static func replaceByLink(in directory: borrowing Directory) throws(SystemError) {
    try directory.remove(JournalFile.Name.old.text)
    try directory.link(JournalFile.Name.current.text, to: JournalFile.Name.old.text)
    try directory.rename(JournalFile.Name.new.text, to: JournalFile.Name.current.text)
  }

  /// Removes the old file. Only under the publication lock, and when all of it is taken in.
  package static func removeOld(in directory: borrowing Directory) throws(SystemError) {
    try directory.remove(JournalFile.Name.old.text)
  }

  private static func finishRotation(in directory: borrowing Directory) throws(SystemError) {
    guard try directory.status(of: JournalFile.Name.new.text) != nil else { return }
    if let left = try header(.new, in: directory),
      let present = try header(.current, in: directory),
      left.base < present.base
    {
      try directory.rename(JournalFile.Name.new.text, to: JournalFile.Name.old.text)
    } else {
      try directory.remove(JournalFile.Name.new.text)
    }
  }

  private static func header(
    _ name: JournalFile.Name, in directory: borrowing Directory
  ) throws(SystemError) -> JournalHeader? {
    guard let file = try JournalFile(name, in: directory) else { return nil }
    return file.header
  }

  private static func end(
    of name: JournalFile.Name, in directory: borrowing Directory
  ) throws(SystemError) -> Int64 {
    guard let file = try JournalFile(name, in: directory) else { return 0 }
    return try file.end()
  }

  private static func makeNew(
    in directory: borrowing Directory, _ header: JournalHeader
  ) throws(SystemError) {
    let name = JournalFile.Name.new.text
    let file = try directory.create(name, mode: mode)
    try file.write(header.encoded().span, to: directory.path(of: name))
    // Where the file system cannot, ends find no room on a full disk; nothing else depends on it.
    _ = file.reserve(rotationSize)
    try file.synchronize(as: directory.path(of: name))
  }

  private static func base(after position: Int64) -> Int64 {
    position == 0 ? 0 : position > .max - room ? .max : position + room
  }
}
