import Foundation
import Gate
import System
import TestSupport
import Testing

/// A state directory with a journal, for tests.
struct JournalFixture {
  let folder: TemporaryDirectory

  init(preparing: Bool = true) throws {
    folder = try TemporaryDirectory()
    if preparing { try Journal.prepare(in: try Directory(folder.path), generation: 7) }
  }

  func directory() throws(SystemError) -> Directory { try Directory(folder.path) }
  var path: String { folder.path + "/journal" }

  /// A record that is told from others by its mark.
  static func record(_ mark: UInt64, kind: JournalRecord.Kind = .in) -> JournalRecord {
    JournalRecord(
      kind: kind, mark: mark, server: Array("udp".utf8), pid: 4711,
      connectedSince: 1_795_466_205, realtime: 1_795_466_205_000_000_000, boottime: 1,
      commonName: Array("alice".utf8), owner: Array("alice".utf8))
  }

  func append(_ marks: UInt64...) throws {
    for mark in marks { try Journal.append(Self.record(mark), in: try directory()) }
  }

  /// Writes bytes behind what is there, as no hook of ours would.
  func spoil(_ bytes: [UInt8]) throws {
    let file = try #require(FileHandle(forWritingAtPath: path))
    try file.seekToEnd()
    try file.write(contentsOf: Data(bytes))
    try file.close()
  }

  func file(_ name: JournalFile.Name = .current) throws(SystemError) -> JournalFile {
    guard let file = try JournalFile(name, in: try directory()) else {
      throw SystemError("open", path, code: ENOENT)
    }
    return file
  }

  func cut(to size: Int64) { _ = unsafe truncate(path, Int(size)) }

  /// All that a scan says.
  struct Scanned {
    var entries: [JournalEntry] = []
    var scan: JournalScan
    var marks: [UInt64] { entries.map(\.record.mark) }
  }

  func scan(
    _ name: JournalFile.Name = .current, from position: Int64? = nil,
    limit: Int64 = JournalScan.sweepLimit
  ) throws -> Scanned {
    let file = try file(name)
    var scanned = Scanned(scan: JournalScan(from: position ?? file.base, limit: limit))
    while let entry = try scanned.scan.next(in: file) { scanned.entries.append(entry) }
    return scanned
  }
}
