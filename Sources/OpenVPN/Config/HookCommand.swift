import System

/// The command of a `client-connect`, `client-disconnect` or `auth-user-pass-verify` line, and where our
/// hook is in it.
package struct HookCommand: Equatable, Sendable {
  /// What stands in the command in the hook's place, if it is there.
  package enum Kind: Equatable, Sendable {
    /// Our hook.
    case hook
    /// Another program, such as sudo or a shell, that starts our hook.
    case wrapped
    /// A program that is not there, with a name much like our hook's.
    case mistyped
    /// A script of the server's own.
    case foreign
  }

  package let kind: Kind
  package let words: [String]
  /// Our hook and its arguments; empty where it is not there.
  private let hook: ArraySlice<String>

  package init(_ words: [String], exists: (String) -> Bool) {
    self.words = words
    let start = words.firstIndex { word in
      // A shell's command is one word.
      word.split(separator: " ").contains { HookCommand.isHook(String($0)) }
    }
    if let start, start < words.firstIndex(of: "--then") ?? words.count {
      hook = HookCommand.isHook(words[start]) ? words[start...] : []
      kind = start == 0 && !hook.isEmpty ? .hook : .wrapped
    } else if let first = words.first, fileName(of: first).hasPrefix("quota"), !exists(first) {
      (hook, kind) = (words[...], .mistyped)
    } else {
      (hook, kind) = ([], .foreign)
    }
  }

  /// Whether a shell starts the hook, whose options then are not known.
  package var isWithinWord: Bool { kind == .wrapped && hook.isEmpty }

  /// Either of them does: a hook goes by what OpenVPN says of the script's type.
  private static func isHook(_ program: String) -> Bool {
    ["quota-connect", "quota-disconnect"].contains(fileName(of: program))
  }

  /// The script that the server had before, with its arguments; empty for none.
  package var script: ArraySlice<String> {
    kind == .foreign ? words[...] : hook[options.endIndex...].dropFirst()
  }

  /// The value of one of the hook's own options, such as `--server`.
  package func value(of option: String) -> String? {
    guard let index = options.lastIndex(of: option), index + 1 < options.endIndex else {
      return nil
    }
    return options[index + 1]
  }

  /// Those of its options that `loginFlags` has, in that order.
  fileprivate var flags: [String] { HookCommand.loginFlags.filter(options.contains) }

  private var options: ArraySlice<String> { hook.prefix { $0 != "--then" } }

  /// The command as it should be: our hook at this path, for a server of this name, with the options
  /// that it has besides, and with the server's own script behind it.
  ///
  /// - Parameter flags: of `HookCommand.loginFlags` those that it should have.
  package func asInstalled(_ program: String, server: String, flags: [String] = []) -> [String] {
    var others = options.dropFirst().filter { !HookCommand.loginFlags.contains($0) }
    while let index = others.firstIndex(of: "--server") {
      others.removeSubrange(index..<min(index + 2, others.count))
    }
    let script = script.isEmpty ? [] : ["--then"] + script
    return [program, "--server", server] + flags + others + script
  }

  /// What tells a hook at a login what the server's config says.
  static let loginFlags = ["--username-as-common-name", "--duplicate-cn"]

  /// A command as the one value that a line of a config has for it.
  package static func value(for words: [String]) -> String {
    ConfigLexer.quoted(
      words.map { ConfigLexer.isPlain($0) ? $0 : ConfigLexer.quoted($0) }
        .joined(separator: " "))
  }
}

extension ServerConfig {
  /// The `auth-user-pass-verify` line by which clients are told at their login why they may not come
  /// in; nil where no program checks passwords, and so nothing can stand before it.
  ///
  /// - Parameter path: that of our connect hook.
  package func loginLine(server: String, hook path: String) -> String? {
    guard let passwordCheck, let passwordMethod else { return nil }
    let command = HookCommand(passwordCheck.value) { _ in true }
    if command.script.isEmpty { return nil }
    var words = command.asInstalled(path, server: server, flags: loginFlags)
    let connect = HookCommand(clientConnect?.value ?? []) { _ in true }
    if let settings = connect.value(of: "--config"), command.value(of: "--config") == nil {
      words.insert(contentsOf: ["--config", settings], at: 1)
    }
    return "auth-user-pass-verify \(HookCommand.value(for: words)) \(passwordMethod)"
  }

  /// Which of `HookCommand.loginFlags` hold for this server.
  private var loginFlags: [String] {
    zip(HookCommand.loginFlags, [usernameAsCommonName, duplicateCN]).compactMap {
      $1 == nil ? nil : $0
    }
  }

  /// Whether our hook is told at logins what the config says; true where logins are not its own.
  package var tellsLoginHook: Bool {
    let command = HookCommand(passwordCheck?.value ?? []) { _ in true }
    return command.kind == .foreign || command.flags == loginFlags
  }

  /// Plugins that may check passwords besides a login hook. OpenVPN runs both, whatever the plugin says
  /// (`verify_user_pass`, ssl_verify.c), so that the hook's reason may go to who has no right password.
  package var pluginsAtLogin: [Located<String>] {
    // The one of OpenVPN's own that has nothing to do with logins.
    plugins.filter { !fileName(of: $0.value).contains("down-root") }
  }

  package var hookLines: [Located<[String]>] {
    [clientConnect, clientDisconnect, passwordCheck].compactMap(\.self).filter { line in
      HookCommand(line.value) { _ in true }.kind != .foreign
    }
  }
}

extension ConfigLexer {
  /// Whether a word needs no quotes.
  static func isPlain(_ word: String) -> Bool {
    !word.isEmpty && !"#;'".contains(word.prefix(1))
      && word.utf8.allSatisfy { $0 != 34 && $0 != 92 && !isBlank($0) }
  }

  static func quoted(_ word: String) -> String {
    "\"" + word.map { "\"\\".contains($0) ? "\\\($0)" : "\($0)" }.joined() + "\""
  }
}
