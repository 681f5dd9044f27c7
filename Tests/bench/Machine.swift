import Foundation
import TestSupport

/// What the figures were measured on and with.
struct Machine {
  let text: String

  init() throws {
    func firstLine(_ command: String...) throws -> String {
      let outcome = try Program.run(command[0], Array(command.dropFirst()))
      return outcome.output.split(separator: "\n").first.map(String.init) ?? "unknown"
    }
    let processors = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
    let model =
      processors.split(separator: "\n").first { $0.hasPrefix("model name") }?
      .split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown processor"
    let memory = ProcessInfo.processInfo.physicalMemory >> 30
    let shell = try firstLine("sqlite3", "--version").prefix { $0 != " " }
    text = """
      - \(try firstLine("date", "-u", "+%F")), \(try firstLine("git", "describe", "--always"))
      - \(model), \(ProcessInfo.processInfo.activeProcessorCount) cores, \(memory) GiB, Linux \
      \(try firstLine("uname", "-r"))
      - \(try firstLine("sh", "-c", "swift --version 2>/dev/null")), SQLite \(shell), \
      \(try firstLine("python3", "--version")), \(try firstLine("valgrind", "--version"))
      """
  }
}
