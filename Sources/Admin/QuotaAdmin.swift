import ArgumentParser
import Ledger
import SQLite
import Support
import System

struct QuotaAdmin: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quota-admin",
    abstract: "Look after the users of an OpenVPN server and their quotas.",
    discussion: """
      A change takes effect at once for users who connect, and with the next sweep for users who \
      are connected. The whole story: man 8 quota-admin
      """,
    version: "quota-admin \(System.version)",
    groupedSubcommands: [
      CommandGroup(
        name: "User",
        subcommands: [
          Add.self, Enable.self, Disable.self, Rename.self, Remove.self, Export.self, Import.self,
        ]),
      CommandGroup(
        name: "Quota",
        subcommands: [
          SetTerms.self, Reset.self, GrantBytes.self, Grants.self, Revoke.self, Plans.self,
        ]),
      CommandGroup(
        name: "Report",
        subcommands: [
          List.self, Show.self, Sessions.self, Usage.self, Top.self, History.self, Events.self,
          HTMLReport.self, Metrics.self, Link.self,
        ]),
      CommandGroup(
        name: "Maintenance",
        subcommands: [
          SetUp.self, TearDown.self, Check.self, SweepNow.self, KickUser.self, Notify.self,
          Pages.self,
          BackUp.self, Restore.self, MenuCommand.self,
        ]),
    ])
}

/// One run of the program, from its arguments to its exit status.
///
/// What people asked for goes to standard output. What went wrong goes to standard error, as
/// `quota-admin: error: …` and perhaps `quota-admin: hint: …`, the parser's own messages
/// included.
package enum AdminProgram {
  static let diagnostics = DiagnosticPrinter(program: "quota-admin")

  /// Parses and runs. At a terminal, no arguments means the menu.
  ///
  /// - Parameter arguments: without the program's own name.
  package static func run(_ arguments: [String]) -> Support.ExitStatus {
    let isAlone = arguments.isEmpty && Terminal.isInput && Terminal.isOutput
    let typed = TypedCommand(isAlone ? ["menu"] : arguments)
    return status(hint: typed.hint) {
      var command = try QuotaAdmin.parseAsRoot(typed.forParser())
      try command.run()
    }
  }

  /// Runs the work of a command, and says why if it fails.
  ///
  /// - Parameter hint: what would help with an error of the parser's.
  static func status(
    hint: (_ error: String, _ usage: String) -> String? = { _, _ in nil },
    of work: () throws -> Void
  ) -> Support.ExitStatus {
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
