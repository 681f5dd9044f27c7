/// What was done to the files of a disk, in order, and from it what may be left of them when the
/// power goes.
package struct DiskJournal: Sendable {
  /// One thing that was done to a file.
  package enum Operation: Equatable, Sendable {
    case write(at: Int, [UInt8])
    case truncate(to: Int)
    /// All before it is on the platter, the file's name too.
    case sync
    /// The name is gone.
    case delete
  }

  /// A file's operation, by the file's name.
  package struct Entry: Sendable {
    package let file: String
    package let operation: Operation
  }

  /// What the files held when the journal began.
  package let base: [String: [UInt8]]
  /// All that was done since.
  package private(set) var entries: [Entry] = []

  package init(base: [String: [UInt8]]) { self.base = base }

  mutating func note(_ operation: Operation, on file: String) {
    entries.append(Entry(file: file, operation: operation))
  }

  /// What becomes of that which was not synchronized yet.
  package enum Survival: Sendable {
    /// All of it is lost.
    case nothing
    /// All of it is there, as after a crash of the programs alone.
    case everything
    /// The disk got to some point in it, and no further.
    case start
    /// Each write is there or lost by chance, whatever came before it.
    case some
    /// So is each sector of each write.
    case torn
  }

  /// Bytes that a disk writes wholly or not at all.
  package static let sector = 512

  /// The files as they are found when the power comes back.
  ///
  /// - Parameter count: how many of the operations had been done when it went.
  package func files(
    after count: Int, surviving: Survival, by chance: inout Chance
  ) -> [String: [UInt8]] {
    var durable = base.mapValues { Optional($0) }
    var pending: [String: [Operation]] = [:]
    for entry in entries.prefix(count) {
      if entry.operation == .sync {
        pending.removeValue(forKey: entry.file)?.forEach {
          apply($0, to: &durable[entry.file, default: nil])
        }
      } else {
        pending[entry.file, default: []].append(entry.operation)
      }
    }
    for (file, operations) in pending.sorted(by: { $0.key < $1.key }) {
      for operation in surviving.left(of: operations, by: &chance) {
        apply(operation, to: &durable[file, default: nil])
      }
    }
    return durable.compactMapValues(\.self)
  }

  private func apply(_ operation: Operation, to file: inout [UInt8]?) {
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
    case .sync: break
    case .delete: file = nil
    }
  }
}

extension DiskJournal.Survival {
  /// Those of a file's operations that reached the disk.
  fileprivate func left(
    of operations: [DiskJournal.Operation], by chance: inout Chance
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
  fileprivate func torn(by chance: inout Chance) -> [Self] {
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
