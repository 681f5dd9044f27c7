import ArgumentParser
import Support
import System

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look over the whole installation, and say what mends it.",
    discussion: """
      Changes nothing. Ends with 1 if there are warnings, with 2 if there are errors.
      Example: sudo quota-admin check
      """)

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let config = options.config.map { FileArgument($0).path }
    let results = HealthCheck(Settings.loadLeniently(config: config), at: Clock.now).run()
    try StandardOutput.write(output.json ? json(results) : text(results))
    switch results.map(\.level).max() {
    case .error: throw ExitCode(.errorsFound)
    case .warning: throw ExitCode(.warningsFound)
    case .ok, nil: break
    }
  }

  /// A line for each result, and what mends it below.
  private func text(_ results: [CheckResult]) -> [UInt8] {
    let width = results.map { Table.width(of: Escaping.plain($0.subject)) }.max() ?? 0
    let lines = results.flatMap { result in
      let subject = Escaping.plain(result.subject)
      let level = result.level.rawValue
      let gap = String(repeating: " ", count: width - Table.width(of: subject) + 2)
      let indentation = String(repeating: " ", count: 9 - level.utf8.count)
      let line = "\(level)\(indentation)\(subject)\(gap)\(Escaping.plain(result.text))"
      let remedy = result.remedy.map { remedy in
        String(repeating: " ", count: width + 11) + "-> \(Escaping.plain(remedy))"
      }
      return [line, remedy].compactMap(\.self)
    }
    return Array(((lines + next(results)).joined(separator: "\n") + "\n").utf8)
  }

  /// What to do first: what mends the first of the worst.
  private func next(_ results: [CheckResult]) -> [String] {
    let worst = results.filter { $0.remedy != nil }.map(\.level).max()
    let remedy = results.first { $0.level == worst && $0.remedy != nil }?.remedy
    return remedy.map { ["next: \(Escaping.plain($0))"] } ?? []
  }

  private func json(_ results: [CheckResult]) -> [UInt8] {
    JSONWriter.document { json in
      json.list(
        "checks", results,
        [
          .text(key: "subject") { $0.subject },
          .text(key: "level") { $0.level.rawValue },
          .text(key: "text") { $0.text },
          .text(key: "remedy") { $0.remedy },
        ])
      json.field("warnings", Int64(results.count { $0.level == .warning }))
      json.field("errors", Int64(results.count { $0.level == .error }))
    }
  }
}
