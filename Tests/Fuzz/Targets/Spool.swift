import Quota

@testable import Ledger

extension FuzzTarget {
  /// What lies in the spool, where everybody of one group may write. The first line is the kind of
  /// the record.
  static let spool = FuzzTarget("spool") { bytes throws(Broken) in
    let (head, content) = parts(of: bytes)
    if let tally = RefusalTally(content: content) {
      try same(RefusalTally(content: tally.encoded), tally, "the tally")
      try checkFileName(RefusalTally.fileName(tally.user, tally.reason))
      try checkCuts(of: tally.encoded) { RefusalTally(content: $0) != nil }
    }
    let kind = text(head)
    guard let record = SpoolRecord(kind: kind, content: content) else { return }
    try same(SpoolRecord(kind: kind, content: record.encoded), record, "the record")
    try require(
      record.encoded.allSatisfy { $0 == 10 || 0x20...0x7E ~= $0 }, "a record is plain text")
    try checkCuts(of: record.encoded) { SpoolRecord(kind: kind, content: $0) != nil }
    try require(record.fileName.hasPrefix(kind + "-"), "the file's name begins with its kind")
    try checkFileName(record.fileName)
    if case .closed(let report) = record, let counters = report.counters {
      try require(counters.received >= 0 && counters.sent >= 0, "no counter is negative")
    }
  }

  /// A file can have the name, and so can its draft, whose name is up to 13 bytes longer.
  static func checkFileName(_ name: String) throws(Broken) {
    try require(name.utf8.count <= 255 - 13, "\(name) is short enough for a file")
    try require(
      name.utf8.allSatisfy { 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "/") },
      "\(name) is fit for a file")
  }

  /// A record that a full disk cut off is known as such.
  private static func checkCuts(
    of record: [UInt8], isWhole: ([UInt8]) -> Bool
  ) throws(Broken) {
    let lines = record.indices.filter { record[$0] == 10 }.dropLast().map { $0 + 1 }
    for cut in lines + [record.count - 1, record.count / 2, 0] {
      try require(!isWhole(Array(record[..<cut])), "a record cut at \(cut) is none")
    }
  }
}
