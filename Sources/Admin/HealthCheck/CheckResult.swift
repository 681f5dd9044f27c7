import Glibc
import Support
import System

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

  /// A file that could not be looked at, which is not the same as one that is not there.
  static func missing(_ subject: String, _ error: SystemError, remedy: String) -> Self {
    error.code == ENOENT
      ? Self(subject, .error, "there is no \(error.subject)", remedy: remedy)
      : Self(subject, .error, error.message, remedy: error.hint)
  }
}
