import ArgumentParser
import Support
import Ledger
import Servers

extension CompletionKind {
  static let userNames = CompletionKind.custom { words, _, beginning in
    NameCompletion.names(beginning: beginning, words: words)
  }

  static let serverNames = CompletionKind.custom { words, _, beginning in
    NameCompletion.servers(beginning: beginning, words: words)
  }
}

enum NameCompletion {
  /// A shell that shows more than this helps nobody.
  private static let most = 500

  /// The names that begin with what was typed; none where the ledger cannot be read, for there is
  /// nobody to tell.
  ///
  /// - Parameter words: the command line so far.
  static func names(beginning: String, words: [String]) -> [String] {
    guard let settings = try? Settings.load(config: config(in: words)).settings,
      let ledger = try? Ledger.open(
        settings.database, for: .dryRun, rules: settings.rules, zone: settings.zone),
      let names = try? ledger.users.names()
    else { return [] }
    let start = Array(beginning.utf8)
    let known = names.lazy.filter {
      $0.isText && $0.bytes.starts(with: start) && isPlain($0.description)
    }
    return known.prefix(most).map(\.description)
  }

  /// The servers whose names begin so, by the configs that can be read.
  static func servers(beginning: String, words: [String]) -> [String] {
    guard let settings = try? Settings.load(config: config(in: words)).settings else { return [] }
    return ServerDiscovery(patterns: settings.openvpnConfigs).configs.map(\.name)
      .filter { $0.hasPrefix(beginning) && isPlain($0) }
  }

  /// The file that `--config` names on a command line.
  private static func config(in words: [String]) -> String? {
    let prefix = "--config="
    if let word = words.last(where: { $0.hasPrefix(prefix) }) {
      return String(word.dropFirst(prefix.count))
    }
    guard let index = words.firstIndex(of: "--config"), index + 1 < words.count else { return nil }
    return words[index + 1]
  }

  /// Whether a shell takes every character of a name for itself. Bash runs whatever stands in
  /// `$(…)` in the words it is given to choose from (`compgen -W` expands them), and names are
  /// chosen by strangers: only letters, digits and `. _ @ + -` are let through.
  private static func isPlain(_ name: String) -> Bool {
    if name.hasPrefix("-") { return false }
    return name.unicodeScalars.allSatisfy { scalar in
      if scalar.isASCII {
        return scalar.properties.isAlphabetic || "0"..."9" ~= scalar
          || "._@+-".unicodeScalars.contains(scalar)
      }
      return scalar.properties.isAlphabetic || scalar.properties.numericType != nil
        || scalar.properties.generalCategory == .nonspacingMark
    }
  }
}
