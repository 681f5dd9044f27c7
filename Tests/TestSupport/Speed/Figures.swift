import Synchronization

/// What the tests of a suite measured, printed as one table when the suite is over.
package final class Figures: Sendable {
  @TaskLocal package static var current = Figures()

  package init() {}

  private struct Row {
    let what: String
    let value: String
    let bound: String
  }

  private let rows = Mutex<[Row]>([])

  /// Adds a row.
  ///
  /// - Parameter bound: the largest value that is good enough, if there is one.
  package func add(_ what: String, _ value: Int, atMost bound: Int? = nil) {
    add(what, Figures.grouped(value), atMost: bound.map(Figures.grouped))
  }

  /// Adds a row with a number in a few digits, such as a ratio.
  package func add(_ what: String, ratio: Double, atMost bound: Double? = nil) {
    func text(_ value: Double) -> String {
      let hundredths = Int((value * 100).rounded())
      let fraction = hundredths % 100
      return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
    }
    add(what, text(ratio), atMost: bound.map(text))
  }

  private func add(_ what: String, _ value: String, atMost bound: String?) {
    rows.withLock { $0.append(Row(what: what, value: value, bound: bound ?? "")) }
  }

  /// All rows, with their columns aligned.
  package var table: String {
    rows.withLock { rows in
      let width = rows.map(\.what.count).max() ?? 0
      func right(_ text: String) -> String {
        String(repeating: " ", count: max(0, 13 - text.count)) + text
      }
      return rows.map { row in
        let gap = String(repeating: " ", count: width - row.what.count)
        let bound = row.bound.isEmpty ? "" : "   at most" + right(row.bound)
        return row.what + gap + right(row.value) + bound
      }.joined(separator: "\n")
    }
  }

  /// The digits in groups of three.
  package static func grouped(_ value: Int) -> String {
    let digits = Array("\(value)")
    return digits.indices.reduce(into: "") { text, index in
      if index > 0, (digits.count - index).isMultiple(of: 3) { text.append(" ") }
      text.append(digits[index])
    }
  }
}
