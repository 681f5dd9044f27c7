import Glibc
import System
import Quota

/// A directory of small records by which the hooks speak to the sweep without waiting for it.
///
/// Each record is written whole and renamed into place. Hooks as root, hooks as `nobody` and the
/// sweep's own user take turns here, so the directory keeps its group and every file is 0660.
package struct Spool: Sendable {
  /// The directory's path.
  package let path: String
  /// Whether nothing may be changed: for a sweep that only shows what it would do.
  private let isRehearsal: Bool

  /// The spool that belongs to a database: `spool` beside it.
  package init(besideDatabase database: String, isRehearsal: Bool = false) {
    path = directory(of: database) + "/spool"
    self.isRehearsal = isRehearsal
  }

  /// Makes the directory if it is not there.
  func create() throws(SystemError) { try makeDirectory(path, mode: 0o2770) }

  /// Leaves a record.
  ///
  /// The final report of a session does not displace that of an earlier one with the same identity,
  /// which a client that was back within the second may have left. Who is let in does displace the
  /// record of one turned away in that second: before OpenVPN 2.6 no hook takes that out of the way.
  package func leave(_ record: SpoolRecord) throws(SystemError) {
    var name = record.fileName
    if case .admitted = record, let refusal = refusal(of: record.identity),
      try !fold(refusal)
    {
      try remove(.refused(refusal))
    }
    if case .closed = record {
      var number = 1
      while let other = read(name), other != record {
        name = "\(record.fileName)#\(number)"
        number += 1
      }
    }
    try write(record.encoded, to: name)
  }

  /// The record the connect hook left when it let this session in, if it did.
  ///
  /// - Parameter commonName: where no record has the session's address, the one record that agrees
  ///   in server process, connected-since and this name is it.
  package func admission(of session: SessionIdentity, named commonName: UserName) -> Admission? {
    if case .admitted(let found, _)? = read(SpoolRecord.fileName("admitted", session)),
      found.identity == session
    {
      return found
    }
    let prefix = "admitted-\(session.pid)-\(session.connectedSince)-"
    let names = (try? names(inDirectory: path)) ?? []
    let alike = names.lazy.filter { $0.hasPrefix(prefix) }.compactMap { name -> Admission? in
      guard case .admitted(let found, _)? = read(name) else { return nil }
      return found.commonName == commonName && found.identity.boot == session.boot ? found : nil
    }
    let found = Array(alike.prefix(2))
    return found.count == 1 ? found[0] : nil
  }

  /// The sessions that this user was let in for at the door and that have no account yet.
  func admissions(of owner: UserName) -> [(admission: Admission, at: Int64)] {
    let names = (try? names(inDirectory: path)) ?? []
    let line = FieldWriter.line("owner", owner.bytes)
    return names.lazy.filter { $0.hasPrefix("admitted-") }.compactMap { name in
      // Most are somebody else's, and one look at the bytes tells.
      guard let content = try? content(of: name), content.holds(line),
        case .admitted(let found, let time)? = SpoolRecord(kind: "admitted", content: content),
        found.owner == owner
      else { return nil }
      return (found, time)
    }
  }

  /// Whether a disconnect hook left its final report of this session here.
  func hasClosed(_ session: SessionIdentity) -> Bool {
    guard case .closed(let report)? = read(SpoolRecord.fileName("closed", session)) else {
      return false
    }
    return report.identity == session
  }

  /// The record of this session's refusal, if it was refused.
  package func refusal(of session: SessionIdentity) -> Refusal? {
    guard case .refused(let refusal)? = read(SpoolRecord.fileName("refused", session)),
      refusal.identity == session
    else { return nil }
    return refusal
  }

  /// Removes a record that has been taken in; one that is gone already is no error.
  package func remove(_ record: SpoolRecord) throws(SystemError) {
    try removeFile(record.fileName)
  }

  /// Removes a file of the spool by its name.
  func removeFile(_ name: String) throws(SystemError) {
    if !isRehearsal { try System.remove(path + "/" + name) }
  }

  /// Gives a file of the spool another name.
  func rename(_ name: String, to newName: String) throws(SystemError) {
    if !isRehearsal { try System.rename(path + "/" + name, to: path + "/" + newName) }
  }

  /// Reads one file of the spool by its name; nil where it is gone or not a whole record.
  func read(_ name: String) -> SpoolRecord? {
    guard let dash = name.firstIndex(of: "-"),
      let content = try? content(of: name)
    else { return nil }
    return SpoolRecord(kind: String(name[..<dash]), content: content)
  }

  /// The bytes of one file of the spool.
  ///
  /// The directory's whole group may write here and some hooks run as root, so nothing that was
  /// planted is followed or waited for: no symbolic link, no pipe.
  func content(of name: String) throws(SystemError) -> [UInt8] {
    let file = path + "/" + name
    let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK
    return try Descriptor.open(file, flags).readToEnd(of: file, limit: 1 << 16)
  }

  /// Writes a file whole or not at all.
  func write(_ content: [UInt8], to name: String) throws(SystemError) {
    if isRehearsal { return }
    let target = path + "/" + name
    let draft = path + "/.\(getpid())-" + name
    do {
      // What has the draft's name already was left by a process that is dead, or planted.
      try System.remove(draft)
      let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
      let file = try Descriptor.open(draft, flags, mode: 0o660)
      try file.setMode(0o660, of: draft)
      try file.write(content.span, to: draft)
      try System.rename(draft, to: target)
    } catch {
      try? System.remove(draft)
      throw error
    }
  }
}

extension [UInt8] {
  /// Whether a line, its end included, is one of these.
  fileprivate func holds(_ line: [UInt8]) -> Bool {
    unsafe withUnsafeBytes { all in
      unsafe line.withUnsafeBytes { line in
        guard var next = all.baseAddress, let wanted = line.baseAddress else {
          return false
        }
        let end = unsafe next + all.count
        while unsafe end - next >= line.count {
          if unsafe memcmp(next, wanted, line.count) == 0 { return true }
          guard let newline = unsafe memchr(next, 10, end - next) else { return false }
          unsafe next = UnsafeRawPointer(newline) + 1
        }
        return false
      }
    }
  }
}
