import Glibc
import System

/// How far long work has come: one line on a terminal, gone at the end; nothing elsewhere.
package final class Progress {
  private let what: String
  /// Whether anybody sees it.
  package let isShown = isatty(STDERR_FILENO) == 1
  private var next = Clock.monotonic + .milliseconds(300)
  private var hasLine = false

  /// - Parameter what: the work, such as `restoring`.
  package init(_ what: String) { self.what = what }

  deinit { if hasLine { write("\r\u{1B}[K") } }

  /// Shows how much is done of how much, a few times a second.
  package func show(_ done: Int, of total: Int) {
    let now = Clock.monotonic
    guard isShown, total > 0, now >= next else { return }
    next = now + .milliseconds(100)
    hasLine = true
    write("\r\(what): \(done * 100 / total)%\u{1B}[K")
  }

  private func write(_ text: String) {
    try? Descriptor.standardError.write(Array(text.utf8).span, to: "the terminal")
  }
}
