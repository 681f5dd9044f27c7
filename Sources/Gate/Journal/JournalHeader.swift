/// The first record of a journal's file.
package struct JournalHeader: Equatable, Sendable {
  /// Random bits that no other file of the journal has.
  package var generation: UInt64
  /// The absolute position of the file's first byte, 0 or more. A later generation has a greater one
  /// than any position of an earlier, so positions compare across generations.
  package var base: Int64

  package init(generation: UInt64, base: Int64) {
    self.generation = generation
    self.base = base
  }

  /// More bytes than any header has.
  static let longest = 128

  /// The line as it stands in the file, see `JournalRecord.encoded`.
  package func encoded() -> [UInt8] {
    var line = JournalLine(kind: "journal")
    line.append(hexadecimal: generation)
    line.append(base)
    return line.finished()
  }

  /// Reads a line, without the line feed before it; nil unless it is a header.
  package init?(line: Span<UInt8>) {
    guard var fields = JournalFields(line), fields.isKind("journal"),
      let generation = fields.nextHexadecimal(), let base = fields.nextNumber(), base >= 0,
      fields.isAtEnd
    else { return nil }
    self.init(generation: generation, base: base)
  }
}
