import Glibc
import System
import Quota

/// The log that all programs append to, one line an event:
/// `2026-11-23T20:36:45Z info quota-sweep: closed user=alice bytes=123`.
///
/// A line is one `write(2)` on a descriptor opened with `O_APPEND`, so the lines of many programs
/// never tear. The file is opened at the first line and closed when the program ends, so a rotated
/// log gets at most the last lines of the programs that were running. Until then a shared lock on it
/// says that it is not finished, and rotation packs no such file. A log that cannot be written never
/// stops the work: one warning on standard error, and on.
///
/// The same line, without what the reader knows already, goes to standard error when that is the
/// journal (with its priority) or a terminal.
package final class Log {
  /// What the program says to standard error besides.
  package let diagnostics: DiagnosticPrinter
  package var level: LogLevel
  /// Whether a terminal and systemd's journal get what happens in the ordinary course, too.
  package var isEchoed = true

  private let path: String
  private var file: Descriptor?
  private var gaveUp = false

  /// A log that is not opened before its first line.
  ///
  /// - Parameter path: the setting `LOG_FILE`; empty for no file.
  package init(diagnostics: DiagnosticPrinter, path: String, level: LogLevel) {
    self.diagnostics = diagnostics
    self.path = path
    self.level = level
  }

  /// The log that the settings describe; of a run that changes nothing it has no file.
  package convenience init(
    _ diagnostics: DiagnosticPrinter, _ settings: Settings, isDryRun: Bool = false
  ) {
    self.init(
      diagnostics: diagnostics, path: isDryRun ? "" : settings.logFile, level: settings.logLevel)
  }

  /// Logs an event with `key=value` pairs in their order, if its level is high enough.
  package func record(
    _ level: LogLevel, _ event: StaticString,
    _ details: KeyValuePairs<StaticString, FieldValue> = [:]
  ) {
    guard level >= self.level else { return }
    let text = Log.text(of: event, details)
    appendToFile(level, text)
    guard isEchoed else { return }
    switch diagnostics.errors.reader {
    case .journal: diagnostics.errors.write(Array("<\(level.priority)>".utf8) + text + [10])
    case .terminal where diagnostics.showsLog:
      diagnostics.errors.write(Array("\(diagnostics.program): \(level.word): ".utf8) + text + [10])
    case .terminal, .other: break
    }
  }

  /// Says an error on standard error, and logs it in the file as `failed message="…"`.
  package func report(_ error: any UserFacingError) {
    report(.error, error.message, hint: error.hint)
  }

  /// Says a warning on standard error, and logs it in the file as `warned message="…"`.
  package func warn(_ message: String, hint: String? = nil) {
    report(.warning, message, hint: hint)
  }

  private func report(_ level: LogLevel, _ message: String, hint: String?) {
    diagnostics.say(level, message, hint: hint)
    guard level >= self.level else { return }
    let event: StaticString = level == .error ? "failed" : "warned"
    appendToFile(level, Log.text(of: event, ["message": .text(message)]))
  }

  private func appendToFile(_ level: LogLevel, _ text: [UInt8]) {
    guard !gaveUp, !path.isEmpty else { return }
    let line =
      Array("\(isoTime(Clock.now)) \(level.word) \(diagnostics.program): ".utf8) + text + [10]
    do throws(SystemError) {
      if file == nil { file = try Log.open(path) }
      // A part of a line, on a full disk, is a failure.
      if let wrote = try file?.writeOnce(line.span, to: path), wrote < line.count {
        throw SystemError("write to", path, code: ENOSPC)
      }
    } catch {
      gaveUp = true
      diagnostics.warning("\(error.description); this run is not logged there", hint: error.hint)
    }
  }

  /// Opens the log to write on until the program ends. A file that was rotated and packed between
  /// its opening and its lock is let go of, for what is written there now nobody would find.
  private static func open(_ path: String) throws(SystemError) -> Descriptor {
    // Once more is enough; a program that keeps the log locked must not stop this one.
    for _ in 0..<5 {
      let file = try openOrMake(path)
      if file.isOurs(called: path) { return file }
    }
    return try openOrMake(path)
  }

  /// Opens the log, and makes it if it is not there, for its group to read whatever the umask
  /// is. Never waits, should it be a pipe.
  private static func openOrMake(_ path: String) throws(SystemError) -> Descriptor {
    var flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY
    // A link is the operator's own only where nobody else could have made it.
    if (try? FileStatus(of: directory(of: path)))?.isClosedToOthers != true { flags |= O_NOFOLLOW }
    do throws(SystemError) {
      return try Descriptor.open(path, flags)
    } catch {
      guard error.code == ENOENT else { throw error }
    }
    do throws(SystemError) {
      let file = try Descriptor.open(path, flags | O_CREAT | O_EXCL, mode: 0o640)
      try file.setMode(0o640, of: path)
      return file
    } catch {
      guard error.code == EEXIST else { throw error }
    }
    return try Descriptor.open(path, flags)
  }

  private static func text(
    of event: StaticString, _ details: KeyValuePairs<StaticString, FieldValue>
  ) -> [UInt8] {
    var text = Array("\(event)".utf8)
    for (key, value) in details {
      text += " \(key)=".utf8
      Escaping.appendValue(value.bytes, to: &text)
    }
    return text
  }
}

extension Descriptor {
  /// Takes the lock that keeps a rotated log from being packed, and says whether that came in time:
  /// not while the file is being packed, nor after. Where files cannot be locked nothing is packed.
  fileprivate borrowing func isOurs(called path: String) -> Bool {
    if flock(number, LOCK_SH | LOCK_NB) != 0 { return errno != EWOULDBLOCK }
    return (try? FileStatus(of: self, called: path))?.links != 0
  }
}

/// A UTC time as ISO 8601 has it: `2026-11-23T20:36:45Z`.
package func isoTime(_ time: Int64) -> String {
  let second = Int((time % 86_400 + 86_400) % 86_400)
  let clock = [second / 3600, second / 60 % 60, second % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
  return "\(Day(of: time, in: .utc))T\(clock[0]):\(clock[1]):\(clock[2])Z"
}
