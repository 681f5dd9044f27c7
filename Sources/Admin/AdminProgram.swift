import ArgumentParser
import Ledger
import SQLite
import Support

/// One run of the program, from its arguments to its exit status.
///
/// What people asked for goes to standard output. What went wrong goes to standard error, as
/// `quota-admin: error: …` and perhaps `quota-admin: hint: …`, the parser's own complaints
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
    } catch let code as ExitCode {
      return ExitStatus(rawValue: code.rawValue) ?? .bug
    } catch {
      guard let error = explained(error) else {
        return diagnostics.answer(error, of: QuotaAdmin.self, readable: readable, hint: hint)
      }
      diagnostics.error(error)
      return error.exitStatus
    }
  }

  /// What a person is told of an error; nil for one of the parser's.
  private static func explained(_ error: any Error) -> (any UserFacingError)? {
    switch error {
    case let error as LedgerError: CommandError(error)
    case let error as SQLiteError: CommandError(.database(error))
    default: error as? any UserFacingError
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
    return CommandError.didYouMean(Array(typed.utf8), among: commands)
  }

  /// A text of the parser's with arguments in it that came from outside.
  private static func readable(_ text: String) -> String {
    String(decoding: Escaping.plain(RawArguments.bytes(of: text)), as: UTF8.self)
  }
}
