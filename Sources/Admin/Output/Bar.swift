/// A bar drawn in text.
enum Bar {
  private static let eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]

  /// A bar as long as its share of some columns, to an eighth of one where letters beyond ASCII
  /// are seen; whatever is more than nothing can be seen.
  ///
  /// - Parameters:
  ///   - share: 0 to 1.
  ///   - columns: how long a share of 1 is.
  static func text(_ share: Double, of columns: Int, isUnicode: Bool = Terminal.isUnicode) -> String
  {
    guard share > 0, columns > 0 else { return "" }
    let share = min(share, 1)
    guard isUnicode else {
      return String(repeating: "#", count: max(1, Int((share * Double(columns)).rounded())))
    }
    let length = max(1, Int((share * Double(columns * 8)).rounded()))
    return String(repeating: "█", count: length / 8) + eighths[length % 8]
  }
}
