import Foundation
import System
import TestSupport

/// What a loss of power leaves of a journal, or a member of the hooks' group makes of it.
enum JournalDamage {
  /// Cuts it short somewhere.
  static func cut(_ file: String, _ chance: inout SeededRandom) throws {
    guard let size = size(ofFile: file), size > 0 else { return }
    // Of two files without a beginning nobody knows which is the later one.
    let isEmptied =
      Int.random(in: 0..<6, using: &chance) == 0
      && !FileManager.default.fileExists(atPath: file + ".old")
    try cut(file, to: isEmptied ? 0 : Int64.random(in: min(60, size)...size, using: &chance))
  }

  static func cut(_ file: String, to size: Int64) throws {
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
    try handle.truncate(atOffset: UInt64(size))
    try handle.close()
  }

  /// Appends what no hook writes: a record once more, half of one, holes, bytes by chance.
  static func spoil(_ file: String, _ chance: inout SeededRandom) throws {
    let lines = try [UInt8](Data(contentsOf: URL(fileURLWithPath: file))).split(separator: 10)
    let line = lines.dropFirst().randomElement(using: &chance).map(Array.init) ?? [120]
    let garbage: [UInt8]
    switch Int.random(in: 0..<5, using: &chance) {
    case 0: garbage = [10] + line
    case 1: garbage = [10] + line.prefix(line.count / 2)
    case 2: garbage = [UInt8](repeating: 0, count: 4096)
    case 3: garbage = [UInt8](repeating: 0, count: 70_000)
    default: garbage = [10] + (0..<200).map { _ in UInt8.random(in: 0...255, using: &chance) }
    }
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(garbage))
    try handle.close()
  }
}
