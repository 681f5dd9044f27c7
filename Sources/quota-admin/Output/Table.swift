/// Rows of text in columns that line up.
///
/// Two spaces between columns, no lines drawn, nothing behind the last word of a row. A first cell
/// wider than `widest` pushes its own row to the right and no other.
struct Table {
  /// A column's heading, and whether its cells end below each other, as numbers do.
  struct Column {
    let heading: String
    let isNumeric: Bool

    init(_ heading: String, isNumeric: Bool = false) {
      self.heading = heading
      self.isNumeric = isNumeric
    }
  }

  private let columns: [Column]
  private var rows: [[String]] = []
  private var widths: [Int]

  private static let widest = 40

  init(_ columns: [Column]) {
    self.columns = columns
    widths = columns.map(\.heading.utf8.count)
  }

  /// Adds a row with a cell for each column, made safe for a terminal by whoever adds it.
  mutating func add(_ cells: [String]) {
    for (index, cell) in cells.enumerated() {
      let width = Table.width(of: cell)
      if width > widths[index], width <= Table.widest { widths[index] = width }
    }
    rows.append(cells)
  }

  /// The whole table, each line behind some spaces.
  func text(indentation: Int = 0) -> [UInt8] {
    var text: [UInt8] = []
    append(columns.map(\.heading), to: &text, indentation)
    for row in rows { append(row, to: &text, indentation) }
    return text
  }

  private func append(_ cells: [String], to text: inout [UInt8], _ indentation: Int) {
    var gap = indentation
    for (index, cell) in cells.enumerated() {
      let padding = max(0, widths[index] - Table.width(of: cell))
      if columns[index].isNumeric { gap += padding }
      text += repeatElement(UInt8(ascii: " "), count: gap)
      text += cell.utf8
      gap = columns[index].isNumeric ? 2 : padding + 2
    }
    text.append(UInt8(ascii: "\n"))
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
