import Foundation
import TestSupport

/// A script for both hooks that writes down what OpenVPN gave it.
struct HookScript {
  let directory: TemporaryDirectory
  /// The command line for OpenVPN's config.
  let commandLine: String

  /// - Parameter then: lines of shell that run at the end.
  init(_ then: String = "") throws {
    directory = try TemporaryDirectory()
    let path = directory.path
    // The environment as it was handed over, not as the shell has changed it since.
    let script = """
      n=$(/bin/ls \(path) | /bin/grep -c run)
      /bin/cat /proc/$$/environ > \(path)/run$n.environment
      for word; do printf '%s\\n' "$word"; done > \(path)/run$n.arguments
      \(then)
      """
    commandLine = "/bin/sh " + (try directory.write(script, to: "script"))
  }

  /// The environments of all runs, in order.
  var environments: [[String: String]] {
    get throws {
      try runs("environment").map { text in
        let pairs = text.split(separator: "\0").map {
          $0.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        }
        return Dictionary(uniqueKeysWithValues: pairs.map { ($0[0], $0[1]) })
      }
    }
  }

  /// The arguments of all runs, in order.
  var arguments: [[String]] {
    get throws { try runs("arguments").map { $0.split(separator: "\n").map(String.init) } }
  }

  private func runs(_ kind: String) throws -> [String] {
    var texts: [String] = []
    while let data = FileManager.default.contents(
      atPath: "\(directory.path)/run\(texts.count * 2).\(kind)")
    {
      texts.append(String(decoding: data, as: UTF8.self))
    }
    return texts
  }
}
