import TestSupport

/// What was measured, as tables, goals and instruction counts.
final class BenchReport {
  /// A part of the page.
  struct Section {
    let title: String
    let text: String
    let columns: [String]
    var rows: [[String]] = []
  }

  /// What a figure should be at most.
  struct Goal {
    let what: String
    let measured: Double
    let bound: Double
    let unit: String

    var holds: Bool { measured <= bound }
    /// Whether it holds, else by how much it is missed.
    var verdict: String {
      if holds { return "holds" }
      return bound > 0 ? "**missed**, \(Decimal.text(measured / bound)) ×" : "**missed**"
    }
    /// Where the time goes, of a goal that is missed.
    var reason: String? {
      holds ? nil : MissedGoals.reasons[what + unit] ?? "nobody has looked where it goes yet."
    }
  }

  private var sections: [Section] = []
  private var goals: [Goal] = []
  /// What could not be measured, and why.
  private var leftOut: [String] = []
  /// Instruction counts that a later run is compared with, by what they are of.
  private(set) var counts: [(what: String, instructions: Int)] = []

  func add(_ section: Section) { sections.append(section) }

  func expect(_ what: String, _ measured: Double, atMost bound: Double, _ unit: String = "") {
    goals.append(Goal(what: what, measured: measured, bound: bound, unit: unit))
  }

  /// Notes that a part could not be measured, or not all of it.
  func leaveOut(_ part: String, for reason: String) {
    leftOut.append("- \(part): \(reason.split(separator: "\n").first ?? "")\n")
  }

  /// Whether everything was measured.
  var isWhole: Bool { leftOut.isEmpty }

  func count(_ what: String, _ instructions: Int) { counts.append((what, instructions)) }

  /// All of it for a terminal.
  var text: String { (sections.map(\.markdown) + [goalTable, countTable]).joined(separator: "\n") }

  /// All of it as a page, with a section of the page before.
  func page(on machine: Machine, keeping title: String, of before: String?) -> String {
    let page = page(on: machine)
    guard let before, let kept = Self.section(title, of: before) else { return page }
    return Self.put(String(before[kept]), title, into: page)
  }

  /// A page with the sections of this report in the place of its own.
  func put(into page: String) -> String {
    sections.reduce(page) { Self.put($1.markdown + "\n", $1.title, into: $0) }
  }

  /// A new section comes before the instruction counts.
  private static func put(_ section: String, _ title: String, into page: String) -> String {
    var page = page
    let end = self.section(RecordedCounts.title, of: page)?.lowerBound ?? page.endIndex
    page.replaceSubrange(self.section(title, of: page) ?? end..<end, with: section)
    return page
  }

  private static func section(_ title: String, of page: String) -> Range<String.Index>? {
    guard let start = page.range(of: "## \(title)\n") else { return nil }
    let next = page.range(of: "\n## ", range: start.upperBound..<page.endIndex)
    return start.lowerBound..<(next.map { page.index(after: $0.lowerBound) } ?? page.endIndex)
  }

  private func page(on machine: Machine) -> String {
    """
    # Benchmarks

    Written by `make bench`. Ratios are between figures of this one run. Instructions are those of
    the whole process, counted by callgrind, and repeat to within a few per mille; times are those
    of a machine that others use too.

    \(machine.text)

    \(goalTable)
    \(sections.map(\.markdown).joined(separator: "\n"))
    \(countTable)
    """
  }

  private var goalTable: String {
    let table = Section(
      title: "Goals",
      text:
        "\(goals.count(where: \.holds)) of \(goals.count) hold; those that are missed say by how much.",
      columns: ["goal", "at most", "measured", ""],
      rows: goals.map { goal in
        [
          goal.what, Decimal.text(goal.bound) + goal.unit, Decimal.text(goal.measured) + goal.unit,
          goal.verdict,
        ]
      }
    ).markdown
    let reasons = goals.compactMap { goal in goal.reason.map { "- \(goal.what): \($0)\n" } }
    let missed =
      reasons.isEmpty
      ? ""
      : "\nWhere it went of the missed ones when that was last looked at:\n\n" + reasons.joined()
    let rest =
      leftOut.isEmpty ? "" : "\nNot measured in this run, or not all of it:\n\n" + leftOut.joined()
    return table + missed + rest
  }

  private var countTable: String {
    if counts.isEmpty { return "" }
    return Section(
      title: RecordedCounts.title,
      text: "A later run fails where one of these rose by more than 5 %.",
      columns: ["of", "instructions"],
      rows: counts.map { [$0.what, Figures.grouped($0.instructions)] }
    ).markdown
  }
}

extension BenchReport.Section {
  fileprivate var markdown: String {
    func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
    let table = [line(columns), line(columns.indices.map { $0 == 0 ? "---" : "--:" })]
    return "## \(title)\n\n\(text)\n\n" + (table + rows.map(line)).joined(separator: "\n") + "\n"
  }
}

/// Numbers for people.
enum Decimal {
  /// Three digits that matter, without zeros behind the point that say nothing.
  static func text(_ value: Double) -> String {
    if value >= 100 || value == value.rounded() { return Figures.grouped(Int(value.rounded())) }
    let digits = value >= 10 ? 10.0 : 100.0
    return "\((value * digits).rounded() / digits)"
  }
}
