import Foundation
import TestSupport

extension TorturedHost {
  /// All that the host knows, in lines, but for times and process ids: what two runs have to agree
  /// in that did the same.
  func text() throws -> [String] {
    let files = try names() + logLines() + pages()
    return try probe.text + files + (kernel?.text() ?? [])
  }

  /// The names of all files, with `N` for every number in them.
  private func names() throws -> [String] {
    let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    let others = names.filter { !$0.hasPrefix("pages/") }
    return Set(others.map { $0.replacing(/[0-9]+/, with: "N") }).sorted()
  }

  /// What each user's page says, which nobody can know by its name.
  private func pages() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder + "/pages").map { name in
      let page = try String(contentsOfFile: folder + "/pages/" + name, encoding: .utf8)
      let (user, state) = (page.firstMatch(of: /user[0-9]/), page.firstMatch(of: /Your? [^.]*\./))
      let isWhole = page.hasSuffix("</html>\n") || page.isEmpty
      return "page \(user?.output ?? "") \(state?.output ?? "") \(isWhole)"
    }.sorted()
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
