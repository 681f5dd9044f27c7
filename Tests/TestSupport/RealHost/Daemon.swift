import Foundation

/// A long-running program of a host, with all it writes in one log file.
final class Daemon {
  private let process = Process()
  let log: String
  /// Where in the log this run began, if the file was there before.
  let start: UInt64

  init(_ command: [String], log: String) throws {
    self.log = log
    if !FileManager.default.fileExists(atPath: log) {
      try Data().write(to: URL(fileURLWithPath: log))
    }
    guard let output = FileHandle(forWritingAtPath: log) else {
      throw RealHostError("cannot write \(log)")
    }
    start = try output.seekToEnd()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    try process.runWithSignals()
  }

  /// The id of the process; `env`, `ip netns exec` and `setpriv` all replace themselves, so it is
  /// that of the program at the end of the command line.
  var identifier: pid_t { process.processIdentifier }

  var isRunning: Bool { process.isRunning }

  /// What this run wrote so far.
  var text: String {
    get throws {
      guard let file = FileHandle(forReadingAtPath: log) else {
        throw RealHostError("cannot read \(log)")
      }
      try file.seek(toOffset: start)
      return String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
    }
  }

  func signal(_ number: Int32) {
    if process.isRunning { Foundation.kill(process.processIdentifier, number) }
  }

  /// Sends a signal and waits for the end.
  func end(by number: Int32) throws {
    signal(number)
    try eventually("the end of process \(identifier)", details: tail) {
      !process.isRunning
    }
  }

  func kill() {
    signal(SIGKILL)
    while process.isRunning { usleep(1000) }
  }

  /// The last lines of the log, for a message about what went wrong.
  func tail() -> String {
    ((try? text) ?? "").split(separator: "\n").suffix(30).joined(separator: "\n")
  }
}
