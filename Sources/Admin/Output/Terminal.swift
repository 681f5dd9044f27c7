import Glibc
import System

enum Terminal {
  static let isInput = isatty(STDIN_FILENO) == 1
  static let isOutput = isatty(STDOUT_FILENO) == 1

  /// How many columns it has; nil where standard output is none, and nothing has to fit.
  static let width: Int? = isOutput ? size.columns : nil

  static var height: Int { size.lines }

  /// 80 columns and 24 lines where it does not say.
  private static var size: (columns: Int, lines: Int) {
    var size = winsize()
    _ = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size)
    return (size.ws_col > 0 ? Int(size.ws_col) : 80, size.ws_row > 0 ? Int(size.ws_row) : 24)
  }

  /// Whether colours are welcome: on a terminal that has them, unless `NO_COLOR` is set to
  /// anything, <https://no-color.org>.
  static let isColoured =
    isOutput && value("NO_COLOR").isEmpty && !["", "dumb"].contains(value("TERM"))

  /// Whether the terminal shows letters beyond ASCII, by the first of `LC_ALL`, `LC_CTYPE` and
  /// `LANG` that is set.
  static let isUnicode: Bool = {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.map(value).first { !$0.isEmpty } ?? ""
    let name = locale.lowercased()
    return name.hasSuffix("utf-8") || name.hasSuffix("utf8")
  }()

  private static func value(_ variable: String) -> String {
    guard let value = unsafe getenv(variable) else { return "" }
    return unsafe String(cString: value)
  }
}

/// The few ways in which text stands out on a terminal.
enum Ink: String {
  case heading = "1"
  case bar = "36"

  /// The text in this ink where colours are welcome, otherwise as it is.
  func on(_ text: String) -> String {
    Terminal.isColoured ? "\u{1B}[\(rawValue)m\(text)\u{1B}[0m" : text
  }
}

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

enum StandardOutput {
  /// - Throws: `SystemError`, as on a full disk.
  static func write(_ bytes: [UInt8]) throws(SystemError) {
    try Descriptor.standardOutput.write(bytes.span, to: "standard output")
  }

  static func write(_ lines: [String]) throws(SystemError) {
    try write(Array(lines.map { $0 + "\n" }.joined().utf8))
  }
}
