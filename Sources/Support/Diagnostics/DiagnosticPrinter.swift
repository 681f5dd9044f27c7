import Glibc
import Quota
import System

/// How bad it is; a log line's level and a message's first word.
package enum LogLevel: Int, SettingChoice, Comparable, Sendable, CaseIterable {
  /// Useful only when looking for a fault.
  case debug
  /// What happened in the ordinary course.
  case info
  /// Something is not as it should be, and the work went on.
  case warning
  /// Something was not done.
  case error

  package static func < (left: LogLevel, right: LogLevel) -> Bool {
    left.rawValue < right.rawValue
  }

  package static var words: StaticString { "debug info warning error" }

  /// The word in a log line and in the setting `LOG_LEVEL`.
  package var word: String {
    String(LogLevel.words.description.split(separator: " ")[rawValue])
  }

  /// The syslog priority that systemd reads from `<N>` at the start of a line, see `sd-daemon(3)`.
  var priority: Int {
    switch self {
    case .debug: 7
    case .info: 6
    case .warning: 4
    case .error: 3
    }
  }
}

/// Standard error, and who reads it.
package struct StandardError: Sendable {
  /// Who reads what is written to standard error.
  package enum Reader: Sendable {
    /// systemd's journal, which adds the time, and the program's name, to a line itself.
    case journal
    case terminal
    /// Anything else: cron, OpenVPN's log, a file, a script.
    case other
  }

  let descriptor: Int32
  let reader: Reader

  /// Standard error as the program found it.
  ///
  /// It leads to the journal only if `JOURNAL_STREAM` names its device and inode, as
  /// `systemd.exec(5)` says: a program below a service may have been redirected elsewhere.
  package init() {
    self.init(descriptor: STDERR_FILENO, journalStream: StandardError.journalStream)
  }

  /// A descriptor in place of standard error, its reader found out in the same way.
  init(descriptor: Int32, journalStream: String?) {
    self.descriptor = descriptor
    if let journalStream, journalStream == StandardError.identity(of: descriptor) {
      reader = .journal
    } else {
      reader = isatty(descriptor) == 1 ? .terminal : .other
    }
  }

  /// A descriptor with a given reader.
  init(descriptor: Int32, reader: Reader) {
    self.descriptor = descriptor
    self.reader = reader
  }

  /// Writes bytes; what cannot be written is lost, for there is nobody left to tell.
  func write(_ bytes: [UInt8]) {
    var done = 0
    while done < bytes.count {
      let wrote = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.write(descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done)
      }
      if wrote > 0 { done += wrote } else if errno != EINTR { return }
    }
  }

  private static var journalStream: String? {
    guard let value = unsafe getenv("JOURNAL_STREAM") else { return nil }
    return unsafe String(cString: value)
  }

  static func identity(of descriptor: Int32) -> String? {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return nil }
    return "\(status.st_dev):\(status.st_ino)"
  }
}

/// What a program says to standard error: `program: error: message`, then `program: hint: …`.
///
/// One line each, lower case, no full stop; both lines go out in one `write(2)`. What came from
/// outside is escaped.
package struct DiagnosticPrinter: Sendable {
  /// The name the program is known by, such as `quota-sweep`.
  package let program: String
  let errors: StandardError
  /// Whether a person at a terminal sees what is logged.
  private(set) var showsLog = true

  package init(program: String, errors: StandardError = StandardError()) {
    self.program = program
    self.errors = errors
  }

  /// The same, for a command that tells a person at a terminal by itself what it did.
  package var withoutLog: DiagnosticPrinter {
    var printer = self
    printer.showsLog = false
    return printer
  }

  package func error(_ message: String, hint: String? = nil) { say(.error, message, hint: hint) }

  package func warning(_ message: String, hint: String? = nil) {
    say(.warning, message, hint: hint)
  }

  /// Says something that is neither an error nor a warning: `program: notice: …`.
  package func notice(_ message: String, hint: String? = nil) { say(.info, message, hint: hint) }

  package func error(_ error: any UserFacingError) { say(.error, error.message, hint: error.hint) }

  /// Says something of a given weight; `info` and `debug` both read `notice`.
  func say(_ level: LogLevel, _ message: String, hint: String?) {
    let word = level < .warning ? "notice" : level.word
    var lines = line(level, word, message)
    if let hint { lines += line(level, "hint", hint) }
    errors.write(lines)
  }

  private func line(_ level: LogLevel, _ word: String, _ text: String) -> [UInt8] {
    let priority = errors.reader == .journal ? "<\(level.priority)>" : ""
    return Array("\(priority)\(program): \(word): \(Escaping.plain(text))\n".utf8)
  }
}

/// How far long work has come: one line on a terminal, gone at the end; nothing elsewhere.
package final class Progress {
  private let what: String
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
