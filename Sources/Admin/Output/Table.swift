/// Rows of text in columns that line up.
///
/// Two spaces between columns, no lines drawn, nothing behind the last word of a row. A first cell
/// wider than `widest` pushes its own row to the right and no other. On a terminal that is too
/// narrow the first column, or the one that says so, gives way: its longest cells are cut; and
/// where that is not enough, columns that can be done without are left out.
package struct Table {
  /// A column's heading, and what it is besides text.
  package struct Column: ExpressibleByStringLiteral {
    /// Numbers end below each other; one column may give way in place of the first, others can be done
    /// without.
    private enum Kind { case text, number, givingWay, optional }

    let heading: String
    private let kind: Kind

    var isNumeric: Bool { kind == .number }
    var givesWay: Bool { kind == .givingWay }
    var isOptional: Bool { kind == .optional }

    package init(stringLiteral heading: String) { self.init(heading, .text) }

    private init(_ heading: String, _ kind: Kind) { (self.heading, self.kind) = (heading, kind) }

    static func number(_ heading: String) -> Column { Column(heading, .number) }
    static func text(_ heading: String) -> Column { Column(heading, .text) }
    static func givingWay(_ heading: String) -> Column { Column(heading, .givingWay) }
    static func optional(_ heading: String) -> Column { Column(heading, .optional) }
  }

  private let columns: [Column]
  private var rows: [[String]] = []
  private var widths: [Int]
  /// Whether the column that gives way has a cell wider than `widest`.
  private var isOverfull = false
  /// The share of the longest bar that each row has, where the table has bars.
  private var shares: [Double] = []

  private static let widest = 40

  init(_ columns: [Column]) {
    self.columns = columns
    widths = columns.map(\.heading.utf8.count)
  }

  /// Adds a row with a cell for each column, made safe for a terminal by the caller.
  ///
  /// - Parameter share: how much of the longest bar it has behind it, 0 to 1; nil for no bar.
  mutating func add(_ cells: [String], bar share: Double? = nil) {
    for (index, cell) in cells.enumerated() {
      let width = Table.width(of: cell)
      if width > widths[index], width <= Table.widest { widths[index] = width }
      if width > Table.widest, index == elastic { isOverfull = true }
    }
    rows.append(cells)
    if let share { shares.append(share) }
  }

  /// The whole table, each line behind some spaces.
  ///
  /// - Parameter room: the columns it has to fit in; nil for as many as it likes, with bars as on
  ///   a terminal of 80.
  func text(indentation: Int = 0, fitting room: Int? = Terminal.width) -> [UInt8] {
    if let room, let index = columns.lastIndex(where: \.isOptional),
      widths(fitting: room - indentation).reduce(-2, { $0 + $1 + 2 }) > room - indentation
    {
      return without(index).text(indentation: indentation, fitting: room)
    }
    let widths = widths(fitting: room.map { $0 - indentation })
    let used = indentation + widths.reduce(0) { $0 + $1 + 2 }
    let longestBar = min(Table.longestBar, (room ?? 80) - used)
    var text: [UInt8] = []
    append(columns.map(\.heading), to: &text, indentation, widths, ink: .heading)
    text.append(UInt8(ascii: "\n"))
    for (index, row) in rows.enumerated() {
      append(row, to: &text, indentation, widths, isFitting: room != nil)
      if shares.indices.contains(index), longestBar >= Table.shortestBar {
        append(Bar.text(shares[index], of: longestBar), to: &text)
      }
      text.append(UInt8(ascii: "\n"))
    }
    return text
  }

  private func without(_ index: Int) -> Table {
    var columns = columns
    columns.remove(at: index)
    var table = Table(columns)
    for row in rows {
      var cells = row
      cells.remove(at: index)
      table.add(cells)
    }
    table.shares = shares
    return table
  }

  private static let longestBar = 48
  private static let shortestBar = 8
  private static let narrowest = 8

  private var elastic: Int { columns.firstIndex(where: \.givesWay) ?? 0 }

  private func widths(fitting room: Int?) -> [Int] {
    guard let room, !columns[elastic].isNumeric else { return widths }
    var fitting = widths
    if isOverfull { fitting[elastic] = Table.widest }
    let bars = shares.isEmpty ? 0 : 2 + Table.shortestBar
    let excess = fitting.reduce(-2) { $0 + $1 + 2 } + bars - room
    let least = min(fitting[elastic], Table.narrowest)
    fitting[elastic] = max(least, fitting[elastic] - max(0, excess))
    return fitting
  }

  private func append(_ bar: String, to text: inout [UInt8]) {
    if bar.isEmpty { return }
    text += "  ".utf8
    text += Ink.bar.on(bar).utf8
  }

  /// Appends a row without its line break.
  private func append(
    _ cells: [String], to text: inout [UInt8], _ indentation: Int, _ widths: [Int],
    isFitting: Bool = false, ink: Ink? = nil
  ) {
    var gap = indentation
    for (index, whole) in cells.enumerated() {
      let cell = isFitting && index == elastic ? Table.cut(whole, to: widths[index]) : whole
      let padding = max(0, widths[index] - Table.width(of: cell))
      if columns[index].isNumeric { gap += padding }
      text += repeatElement(UInt8(ascii: " "), count: gap)
      text += (ink?.on(cell) ?? cell).utf8
      gap = columns[index].isNumeric ? 2 : padding + 2
    }
  }

  /// As much of a text as fits, with dots in place of the rest.
  private static func cut(_ text: String, to room: Int) -> String {
    guard width(of: text) > room else { return text }
    let dots = Terminal.isUnicode ? "…" : "..."
    var kept = ""
    var used = dots.unicodeScalars.count
    for letter in text {
      used += width(of: String(letter))
      if used > room { break }
      kept.append(letter)
    }
    return kept + dots
  }

  /// How many columns of a terminal a text takes: none for a mark above a letter, two for a letter
  /// of East Asia or an emoji.
  static func width(of text: String) -> Int {
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
    return text.unicodeScalars.reduce(0) { $0 + width(of: $1) }
  }

  /// What `wcwidth(3)` says of the scripts that people write names in.
  private static func width(of scalar: Unicode.Scalar) -> Int {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3,
      0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
      0x1F900...0x1F9FF, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }
}
