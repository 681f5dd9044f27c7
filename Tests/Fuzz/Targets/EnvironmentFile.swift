@testable import System

extension FuzzTarget {
  /// A file that systemd reads too.
  static let environmentFile = FuzzTarget("environment-file") { bytes throws(Broken) in
    let entries = assignments(of: bytes)
    var line = 1
    var size = 0
    for entry in entries {
      try require(entry.line >= line, "lines go up")
      line = entry.line
      size += entry.key.count + (entry.value?.count ?? 0)
    }
    try require(line <= 1 + bytes.count { $0 == 10 }, "line \(line) is one of the file's")
    try require(size <= bytes.count, "nothing is read twice")
    try same(
      assignments(of: entries.flatMap(written)).map(\.withoutLine), entries.map(\.withoutLine),
      "what is written reads back")
  }

  /// An assignment as it may be written down.
  private static func written(_ entry: Assignment) -> [UInt8] {
    guard let value = entry.value else { return entry.key + [10] }
    var line = entry.key + Array("=\"".utf8)
    for byte in value {
      if Array("\"\\`$".utf8).contains(byte) { line.append(92) }
      line.append(byte)
    }
    return line + Array("\"\n".utf8)
  }

  /// All that an environment file says.
  static func assignments(of bytes: [UInt8]) -> [Assignment] {
    var reader = EnvironmentFile(bytes)
    var value: [UInt8] = []
    var entries: [Assignment] = []
    while let entry = reader.next(into: &value) {
      entries.append(
        Assignment(
          line: entry.line, key: Array(bytes[entry.key]),
          value: entry.isAssignment ? value : nil))
    }
    return entries
  }
}

/// An entry of an environment file.
struct Assignment: Equatable {
  var line: Int
  let key: [UInt8]
  /// Nil for a line that assigns nothing.
  let value: [UInt8]?

  fileprivate var withoutLine: Assignment { Assignment(line: 0, key: key, value: value) }
}
