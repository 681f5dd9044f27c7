import Foundation
import TestSupport

/// The instruction counts of an earlier run, as its page has them.
struct RecordedCounts {
  /// The section of the page that they stand in.
  static let title = "Instruction counts"

  private let counts: [String: Int]

  /// Reads them; a page that is not there has none.
  init(page: String) throws {
    guard FileManager.default.fileExists(atPath: page) else {
      counts = [:]
      return
    }
    let text = try String(contentsOfFile: page, encoding: .utf8)
    let section = text.range(of: "## \(Self.title)").map { text[$0.upperBound...] } ?? ""
    var counts: [String: Int] = [:]
    for line in section.split(separator: "\n") {
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard cells.count == 2, let count = Int(cells[1].filter { $0 != " " }) else { continue }
      counts[cells[0]] = count
    }
    self.counts = counts
  }

  /// What is more than five per cent above what is recorded of it.
  func regressions(in now: [(what: String, instructions: Int)]) -> [String] {
    now.compactMap { what, instructions in
      guard let before = counts[what], instructions > before + before / 20 else { return nil }
      return
        "\(what): \(Figures.grouped(instructions)) instructions, recorded are "
        + Figures.grouped(before)
    }
  }
}
