import Support

/// Writes the text format of Prometheus, version 0.0.4,
/// <https://prometheus.io/docs/instrumenting/exposition_formats/>.
struct Exposition {
  /// What was written so far.
  private(set) var bytes: [UInt8] = []
  private let prefix: String
  private let isForTerminal: Bool
  private var metric = ""

  /// What a metric is.
  enum Kind: String {
    /// A number that goes up and down.
    case gauge
    /// A number that only rises, or starts again from 0.
    case counter
  }

  /// A label: its name and its value, which may come from outside.
  typealias Label = (name: String, value: String)

  /// Nothing yet.
  ///
  /// - Parameters:
  ///   - prefix: what the name of every metric begins with.
  ///   - isForTerminal: whether a terminal shows it, and whatever could do harm there is escaped.
  init(prefix: String, isForTerminal: Bool) {
    self.prefix = prefix
    self.isForTerminal = isForTerminal
  }

  /// Begins a metric; its samples follow.
  mutating func metric(_ name: String, _ kind: Kind, _ help: String) {
    metric = prefix + name
    bytes += "# HELP \(metric) \(help)\n# TYPE \(metric) \(kind.rawValue)\n".utf8
  }

  /// Writes a sample of the metric that was begun last.
  mutating func sample(_ labels: [Label], _ value: Int64) {
    bytes += metric.utf8
    for (index, label) in labels.enumerated() {
      bytes += "\(index == 0 ? "{" : ",")\(label.name)=\"".utf8
      append(isForTerminal ? Escaping.plain(label.value) : label.value)
      bytes.append(UInt8(ascii: "\""))
    }
    bytes += "\(labels.isEmpty ? "" : "}") \(value)\n".utf8
  }

  private mutating func append(_ value: String) {
    for byte in value.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): bytes += #"\\"#.utf8
      case UInt8(ascii: "\""): bytes += #"\""#.utf8
      case 10: bytes += #"\n"#.utf8
      default: bytes.append(byte)
      }
    }
  }
}
