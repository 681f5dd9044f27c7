import System
import Quota

/// What the last sweep left word of: a file in the spool, so that a sweep which finds nothing new
/// writes nothing to the database.
package struct SweepNote: Equatable, Sendable {
  /// When it ended, in seconds since 1970 in UTC.
  package let at: Int64
  /// When each server last gave a whole listing, by its name.
  package let listed: [String: Int64]

  package init(at: Int64, listed: [String: Int64]) {
    self.at = at
    self.listed = listed
  }

  /// Whether it is of another day than a moment: periods begin and end at midnight only.
  package func isOfAnotherDay(than time: Int64, in zone: Zone) -> Bool {
    Day(of: at, in: zone) != Day(of: time, in: zone)
  }
}

extension Spool {
  private static let noteName = "last-sweep"

  /// The note of the last sweep; nil where none ever ended.
  package var sweepNote: SweepNote? {
    guard let content = try? content(of: Spool.noteName), let fields = FieldReader(content),
      let at = fields.integer("at")
    else { return nil }
    var listed: [String: Int64] = [:]
    for entry in fields.all("listed") {
      guard let space = entry.firstIndex(of: UInt8(ascii: " ")),
        let time = Int64(String(decoding: entry[..<space], as: UTF8.self))
      else { continue }
      listed[String(decoding: entry[(space + 1)...], as: UTF8.self)] = time
    }
    return SweepNote(at: at, listed: listed)
  }

  /// Leaves the note of a sweep: hooks that see none for long take the spool in themselves.
  package func leave(_ note: SweepNote) throws(SystemError) {
    var fields = FieldWriter()
    fields.write("at", note.at)
    for (server, time) in note.listed.sorted(by: { $0.key < $1.key }) {
      fields.write("listed", "\(time) \(server)")
    }
    try write(fields.finished, to: Spool.noteName)
  }
}
