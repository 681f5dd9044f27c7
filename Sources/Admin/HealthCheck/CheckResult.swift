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
}

/// What a look at one thing finds, in that order.
struct CheckReport {
  let subject: String
  private(set) var results: [CheckResult] = []

  init(_ subject: String) { self.subject = subject }

  mutating func ok(_ text: String, remedy: String? = nil) { add(.ok, text, remedy) }

  mutating func warning(_ text: String, remedy: String?) { add(.warning, text, remedy) }

  mutating func error(_ text: String, remedy: String?) { add(.error, text, remedy) }

  mutating func error(_ error: any UserFacingError) { add(.error, error.message, error.hint) }

  /// What kept a look from being taken.
  mutating func error(any error: any Error) {
    if let error = error as? any UserFacingError { return self.error(error) }
    self.error("\(error)", remedy: nil)
  }

  /// A file that could not be looked at, which is not the same as one that is not there.
  mutating func missing(_ error: SystemError, remedy: String) {
    if error.code != ENOENT { return self.error(error) }
    self.error("there is no \(error.subject)", remedy: remedy)
  }

  mutating func add(_ level: CheckResult.Level, _ text: String, _ remedy: String?) {
    results.append(CheckResult(subject, level, text, remedy: remedy))
  }
}
