import ArgumentParser
import Support

/// One run of the program, from its arguments to its exit status.
///
/// What people asked for goes to standard output. What went wrong goes to standard error, as
/// `quota-admin: error: …` and perhaps `quota-admin: hint: …`, the parser's own words
/// included.
package enum AdminProgram {
  static let diagnostics = DiagnosticPrinter(program: "quota-admin")

  /// Parses and runs. At a terminal, no arguments means the menu.
  ///
  /// - Parameter arguments: without the program's own name.
  package static func run(_ arguments: [String]) -> Support.ExitStatus {
    status {
      let isAlone = arguments.isEmpty && Terminal.isInput && Terminal.isOutput
      var command = try QuotaAdmin.parseAsRoot(isAlone ? ["menu"] : arguments)
      try command.run()
    }
  }

  /// Runs the work of a command, and says why if it fails.
  static func status(of work: () throws -> Void) -> Support.ExitStatus {
    do {
      try work()
      return .done
    } catch let end as ExitCode {
      return ExitStatus(rawValue: end.rawValue) ?? .bug
    } catch let error as any UserFacingError {
      diagnostics.error(error)
      return error.exitStatus
    } catch {
      return diagnostics.answer(error, of: QuotaAdmin.self, readable: readable, hint: hint)
    }
  }

  /// What to do about a complaint of the parser's, where that is more than to look at the usage.
  private static func hint(for complaint: String, usage: String) -> String? {
    let isUnknownOption = complaint.hasPrefix("unknown option '-")
    if usage.hasSuffix("<subcommand>") {
      if isUnknownOption {
        return "options go behind the command, as in: quota-admin list --config FILE"
      }
      return nearestCommand(to: complaint) ?? "quota-admin --help lists the commands"
    }
    if isUnknownOption, !complaint.hasPrefix("unknown option '--") {
      return "a name that begins with a hyphen goes behind --, as in: quota-admin show -- -bob"
    }
    return nil
  }

  /// The command that was meant by the word in quotes.
  private static func nearestCommand(to complaint: String) -> String? {
    let commands = QuotaAdmin.configuration.subcommands.compactMap {
      $0.configuration.commandName ?? $0._commandName
    }
    let typed = complaint.split(separator: "'").dropFirst().first ?? ""
    return NearestName.of(Array(typed.utf8), among: commands).map { "did you mean \($0)?" }
  }

  /// A text of the parser's with arguments in it that came from outside.
  private static func readable(_ text: String) -> String {
    String(decoding: Escaping.plain(RawArguments.bytes(of: text)), as: UTF8.self)
  }
}

extension ExitCode {
  /// Ends a command that has said all there is to say.
  init(_ status: Support.ExitStatus) { self.init(status.rawValue) }
}

extension Support.ExitStatus {
  /// - Throws: `ExitCode` for any status but `done`.
  func throwUnlessDone() throws {
    if self != .done { throw ExitCode(self) }
  }
}
