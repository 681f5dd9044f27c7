import Foundation
import TestSupport

extension TorturedHost {
  /// All that the host knows, in lines, but for times and process ids: what two runs have to agree
  /// in that did the same.
  func text() throws -> [String] {
    try probe.text + names() + logLines()
  }

  /// The names of all files, with `N` for every number in them.
  private func names() throws -> [String] {
    let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    return Set(names.map { $0.replacing(/[0-9]+/, with: "N") }).sorted()
  }

  /// The lines of the log that were there from the beginning, in all its generations.
  private func logLines() throws -> [String] {
    guard FileManager.default.fileExists(atPath: folder + "/log") else { return [] }
    let all = try Program.run(
      "sh",
      ["-c", "cd '\(folder)' && cat log log.[0-9] 2>/dev/null; zcat log.*.gz 2>/dev/null || :"])
    return all.output.split(separator: "\n").filter { $0.hasPrefix("line ") }.map(String.init)
      .sorted()
  }
}
