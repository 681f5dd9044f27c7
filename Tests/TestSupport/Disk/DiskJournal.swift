/// What was done to the files of a disk, in order, and from it what may be left of them when the
/// power goes.
package struct DiskJournal: Sendable {
  /// One thing that was done to a file.
  package enum Operation: Equatable, Sendable {
    case write(at: Int, [UInt8])
    case truncate(to: Int)
    /// All before it is on the platter, the file's name too.
    case sync
    /// All names of the folder are on the platter as they are, which files are gone above all.
    case syncFolder
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
    after count: Int, surviving: Survival, by chance: inout SeededRandom
  ) -> [String: [UInt8]] {
    var image = DiskImage(base)
    for entry in entries.prefix(count) { image.take(entry) }
    return image.files(surviving: surviving, by: &chance)
  }
}
