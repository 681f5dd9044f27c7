/// One thing that was looked at, and what came of it.
package struct CheckResult: Equatable, Sendable {
  /// How it stands.
  package enum Level: String, Comparable, Sendable {
    case ok, warning, error

    private var weight: Int {
      switch self {
      case .ok: 0
      case .warning: 1
      case .error: 2
      }
    }

    package static func < (left: Level, right: Level) -> Bool { left.weight < right.weight }
  }

  /// What was looked at, in a word or two: `database`, `server udp`.
  package let subject: String
  package let level: Level
  /// What is so.
  package let text: String
  /// The command or the config line that mends it; nil where nothing has to be mended.
  package let remedy: String?

  init(_ subject: String, _ level: Level, _ text: String, remedy: String? = nil) {
    self.subject = subject
    self.level = level
    self.text = text
    self.remedy = remedy
  }
}
