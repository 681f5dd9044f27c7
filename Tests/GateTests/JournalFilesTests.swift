import Foundation
import Gate
import System
import TestSupport
import Testing

@Suite struct `The files of the journal` {
  @Test func `begin with a header, and are for the group`() throws {
    let journal = try JournalFixture()
    #expect(try journal.file().header == JournalHeader(generation: 7, base: 0))
    let status = try FileStatus(of: journal.path)
    #expect(status.mode == 0o660)
    try journal.append(1)
    try Journal.prepare(in: try journal.directory(), generation: 8)
    #expect(try journal.scan().marks == [1])
  }

  @Test(arguments: ["", "\n", "x", "\n\n", "\n3\tjournal\t"])
  func `may have no header, and are read as far as they are whole`(text: String) throws {
    let journal = try JournalFixture(preparing: false)
    try journal.folder.write(text, to: "journal")
    #expect(try journal.file().header == nil)
    #expect(try journal.scan().marks.isEmpty)
  }

  @Test func `are rotated so that positions go on rising`() throws {
    let journal = try JournalFixture()
    try journal.append(1)
    let before = try journal.scan()
    let header = try Journal.rotate(in: try journal.directory(), generation: 8, after: 0)
    #expect(header.generation == 8)
    #expect(header.base > before.scan.position)
    try journal.append(2)
    #expect(try journal.scan(.old).marks == [1])
    let after = try journal.scan()
    #expect(after.marks == [2])
    #expect(after.entries[0].start > header.base)
    let known = header.base + (1 << 40)
    #expect(
      try Journal.rotate(in: try journal.directory(), generation: 9, after: known).base > known)
    #expect(try journal.scan(.old).marks == [2])
    #expect(!FileManager.default.fileExists(atPath: journal.folder.path + "/journal.new"))
  }

  @Test func `of a rotation that was interrupted are put right by the next one`() throws {
    let journal = try JournalFixture()
    try journal.append(1)
    // It stopped while the next file was made.
    try journal.folder.write("\n3\tjournal", to: "journal.new")
    try Journal.prepare(in: try journal.directory(), generation: 8)
    #expect(try journal.scan().marks == [1])
    // It stopped between the exchange and the new name.
    _ = try Journal.rotate(in: try journal.directory(), generation: 9, after: 0)
    try System.rename(
      journal.folder.path + "/journal.old", to: journal.folder.path + "/journal.new")
    try Journal.prepare(in: try journal.directory(), generation: 10)
    #expect(try journal.scan(.old).marks == [1])
    #expect(try journal.scan().marks == [])
  }

  @Test func `lose no record while they are rotated`() async throws {
    let journal = try JournalFixture()
    let found = try await withThrowingTaskGroup(of: Set<UInt64>.self) { group in
      for writer in 0..<3 as Range<UInt64> {
        group.addTask {
          for number in 0..<400 as Range<UInt64> { try journal.append(writer << 32 | number) }
          return []
        }
      }
      group.addTask {
        var found: Set<UInt64> = []
        for generation in 100..<160 as Range<UInt64> {
          _ = try Journal.rotate(in: try journal.directory(), generation: generation, after: 0)
          // Those that had the old file open before have written by then.
          try await Task.sleep(for: .milliseconds(2))
          found.formUnion(try journal.scan(.old).marks)
        }
        return found
      }
      return try await group.reduce(into: Set()) { $0.formUnion($1) }
    }
    let all = found.union(try journal.scan().marks)
    #expect(all.count == 1200)
  }

  @Test func `know whether a record is still where it was`() throws {
    let journal = try JournalFixture()
    try journal.append(1, 2)
    let scanned = try journal.scan()
    let file = try journal.file()
    for entry in scanned.entries {
      #expect(try file.hasRecord(endingAt: entry.end, checksum: entry.checksum))
      #expect(try !file.hasRecord(endingAt: entry.end, checksum: entry.checksum ^ 1))
      #expect(try !file.hasRecord(endingAt: entry.end + 1, checksum: entry.checksum))
    }
    #expect(try !file.hasRecord(endingAt: 0, checksum: 0))
    #expect(try !file.hasRecord(endingAt: Int64.max, checksum: 0))
    journal.cut(to: scanned.entries[1].end - 1)
    #expect(
      try !file.hasRecord(
        endingAt: scanned.entries[1].end, checksum: scanned.entries[1].checksum))
  }
}

/// What a member of the hooks' group may make of the journal's name, or of its file.
@Suite struct `In place of the journal` {
  /// What is there, and the error of a hook that wants to append; nil where it can.
  static let obstacles: [(what: String, code: Int32?)] = [
    ("nothing", ENOENT), ("a link", ELOOP), ("a pipe", ENXIO), ("a directory", EISDIR),
    ("a socket", ENXIO), ("another's file", EPERM), ("a second name", nil),
  ]

  @Test(.timeLimit(.minutes(4)), arguments: obstacles.indices)
  func `there may be anything, and nothing waits or is led elsewhere`(index: Int) throws {
    let (what, code) = Self.obstacles[index]
    let journal = try JournalFixture(preparing: false)
    let victim = try journal.folder.write("untouched", to: "victim")
    switch what {
    case "a link":
      try FileManager.default.createSymbolicLink(
        atPath: journal.path, withDestinationPath: victim)
    case "a pipe": unsafe mkfifo(journal.path, 0o666)
    case "a directory": unsafe mkdir(journal.path, 0o777)
    case "a socket": try bindSocket(journal.path)
    case "another's file":
      try journal.folder.write("", to: "journal")
      guard unsafe chown(journal.path, 65534, 65534) == 0 else { return }
    case "a second name": try System.link(victim, to: journal.path)
    default: break
    }
    let appended = Result { () throws(SystemError) in
      try Journal.append(JournalFixture.record(1), in: try Directory(journal.folder.path))
    }
    switch appended {
    case .success: #expect(code == nil)
    case .failure(let error): #expect(error.code == code, "\(what): \(error)")
    }
    if code != nil { #expect(try String(contentsOfFile: victim, encoding: .utf8) == "untouched") }
    let read = Result { () throws(SystemError) in
      try JournalFile(.current, in: try Directory(journal.folder.path)) != nil
    }
    switch read {
    case .success(let isThere): #expect(isThere == (what == "a second name"))
    case .failure(let error):
      #expect([ELOOP, EPERM, ENXIO].contains(error.code), "\(what): \(error)")
    }
  }

  private func bindSocket(_ path: String) throws {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let result = unsafe withUnsafeBytes(of: &address) { raw in
      unsafe bind(
        number, raw.assumingMemoryBound(to: sockaddr.self).baseAddress,
        socklen_t(MemoryLayout<sockaddr_un>.size))
    }
    #expect(result == 0)
    close(number)
  }
}
