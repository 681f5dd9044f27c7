import Gate
import SQLite
import System

/// How far a file of the journal was taken in. It is stored in the transaction that takes it in, so
/// that each record is taken in exactly once.
struct JournalMark: Equatable {
  let generation: UInt64
  /// The absolute position behind the last record.
  let position: Int64
  /// That record's checksum; nil where none was read.
  let checksum: UInt64?
}

/// What the database knows of the journal.
struct JournalProgress: Equatable {
  /// Of the files that were there, the older first.
  var marks: [JournalMark] = []
  /// The boot and the boottime of the record that was made last.
  var last: (boot: Int64, boottime: Int64)?
  /// The position before which nothing is kept of sessions that have ended.
  var forgotten: Int64 = 0

  static func == (one: Self, other: Self) -> Bool { one.text == other.text }

  init() {}

  /// The greatest position that is known.
  var end: Int64 { marks.map(\.position).max() ?? 0 }

  /// As it stands in `meta`: numbers, three of them a file at the end.
  var text: String {
    let numbers =
      [forgotten, last?.boot ?? -1, last?.boottime ?? 0]
      + marks.flatMap { mark in
        [
          Int64(bitPattern: mark.generation), mark.position,
          Int64(bitPattern: mark.checksum ?? 0),
        ]
      }
    return numbers.map { "\($0)" }.joined(separator: " ")
  }

  init?(text: String) {
    let numbers = text.split(separator: " ").compactMap { Int64($0) }
    guard numbers.count >= 3, numbers.count.isMultiple(of: 3) else { return nil }
    forgotten = numbers[0]
    last = numbers[1] < 0 ? nil : (numbers[1], numbers[2])
    marks = stride(from: 3, to: numbers.count, by: 3).map { index in
      JournalMark(
        generation: UInt64(bitPattern: numbers[index]), position: numbers[index + 1],
        checksum: numbers[index + 2] == 0 ? nil : UInt64(bitPattern: numbers[index + 2]))
    }
  }
}

extension Ledger {
  /// What is known of the journal.
  func journalProgress() throws(SQLiteError) -> JournalProgress {
    try meta("journal").flatMap { JournalProgress(text: $0) } ?? JournalProgress()
  }

  func setJournalProgress(_ progress: JournalProgress) throws(SQLiteError) {
    try setMeta("journal", progress.text)
  }

  /// A value of the ledger's own, by its name; nil where there is none.
  func meta(_ name: String) throws(SQLiteError) -> String? {
    var find = try database.prepare("SELECT value FROM meta WHERE name = ?1")
    find.bind(1, name)
    return try find.step() ? find.text(0) : nil
  }

  func setMeta(_ name: String, _ value: String) throws(SQLiteError) {
    var save = try database.prepare("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")
    save.bind(1, name)
    save.bind(2, value)
    try save.run()
  }
}

extension JournalMoment {
  /// The present moment, by the machine's clocks.
  package static var now: JournalMoment {
    JournalMoment(
      realtime: Clock.realtime, boottime: Clock.boottime, boot: Boot.toldOrCurrent())
  }
}
