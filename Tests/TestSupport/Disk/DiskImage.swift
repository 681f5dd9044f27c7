/// What is safe on a disk, and what is on its way there.
package struct DiskImage {
  private var durable: [String: [UInt8]]
  private var pending: [String: [DiskJournal.Operation]] = [:]

  /// - Parameter files: what is safe.
  package init(_ files: [String: [UInt8]]) { durable = files }

  /// Takes what is done next.
  package mutating func take(_ entry: DiskJournal.Entry) {
    switch entry.operation {
    case .sync:
      for operation in pending.removeValue(forKey: entry.file) ?? [] {
        DiskImage.apply(operation, to: &durable[entry.file])
      }
    case .syncFolder:
      for (file, operations) in pending {
        guard let end = operations.lastIndex(of: .delete) else { continue }
        durable[file] = nil
        pending[file] = Array(operations[(end + 1)...])
      }
    default: pending[entry.file, default: []].append(entry.operation)
    }
  }

  /// The files as they are found when the power goes now and comes back.
  package func files(
    surviving: DiskJournal.Survival, by chance: inout SeededRandom
  ) -> [String: [UInt8]] {
    var files = durable
    for (file, operations) in pending.sorted(by: { $0.key < $1.key }) {
      for operation in surviving.left(of: operations, by: &chance) {
        DiskImage.apply(operation, to: &files[file])
      }
    }
    return files
  }

  private static func apply(_ operation: DiskJournal.Operation, to file: inout [UInt8]?) {
    switch operation {
    case .write(let offset, let bytes):
      var content = file.take() ?? []
      let end = offset + bytes.count
      if content.count < end { content += [UInt8](repeating: 0, count: end - content.count) }
      content.replaceSubrange(offset..<end, with: bytes)
      file = content
    case .truncate(let size):
      var content = file.take() ?? []
      content.removeLast(max(0, content.count - size))
      file = content
    case .delete: file = nil
    case .sync, .syncFolder: break
    }
  }
}

extension DiskJournal.Survival {
  /// Those of a file's operations that reached the disk.
  fileprivate func left(
    of operations: [DiskJournal.Operation], by chance: inout SeededRandom
  ) -> [DiskJournal.Operation] {
    switch self {
    case .nothing: []
    case .everything: operations
    case .start: Array(operations.prefix(Int.random(in: 0...operations.count, using: &chance)))
    case .some: operations.filter { _ in Bool.random(using: &chance) }
    case .torn: operations.flatMap { $0.torn(by: &chance) }
    }
  }
}

extension DiskJournal.Operation {
  /// The sectors of a write that reached the disk; anything else is there or not.
  fileprivate func torn(by chance: inout SeededRandom) -> [Self] {
    guard case .write(let offset, let bytes) = self else {
      return Bool.random(using: &chance) ? [self] : []
    }
    var left: [Self] = []
    var start = 0
    while start < bytes.count {
      let room = DiskJournal.sector - (offset + start) % DiskJournal.sector
      let end = min(bytes.count, start + room)
      if Bool.random(using: &chance) {
        left.append(.write(at: offset + start, Array(bytes[start..<end])))
      }
      start = end
    }
    return left
  }
}
