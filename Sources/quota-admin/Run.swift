import ArgumentParser
import CommandSupport
import POSIX

/// One run of the program, from its arguments to its exit status.
///
/// What people asked for goes to standard output. What went wrong goes to standard error, as
/// `quota-admin: error: …` and perhaps `quota-admin: hint: …`, the parser's own complaints
/// included.
enum Run {
  static let voice = Voice(program: "quota-admin")

  /// Parses and runs.
  static func program(_ arguments: [String]) -> CommandSupport.ExitStatus {
    do {
      var command = try QuotaAdmin.parseAsRoot(arguments)
      try command.run()
      return .done
    } catch let ending as Ending {
      return ending.status
    } catch let error as any Explained {
      voice.error(error)
      return error.exitStatus
    } catch {
      return answer(error)
    }
  }

  /// Prints what somebody asked the parser for, such as help; or says what it did not understand.
  private static func answer(_ request: any Error) -> CommandSupport.ExitStatus {
    let message = QuotaAdmin.message(for: request)
    guard QuotaAdmin.exitCode(for: request).isSuccess else {
      let usage = usage(QuotaAdmin.fullMessage(for: request))
      let (complaint, hint) = inOurVoice(message, usage: usage)
      voice.error(complaint, hint: hint)
      return .usage
    }
    do throws(SystemError) {
      try StandardOutput.write(Array("\(message)\n".utf8))
      return .done
    } catch {
      voice.error(error)
      return error.exitStatus
    }
  }

  /// The parser's complaint in one line: a small first letter, no full stop.
  private static func inOurVoice(
    _ message: String, usage: String
  ) -> (complaint: String, hint: String) {
    var text = readable(message)
    var hint = usage
    if let question = text.firstRange(of: ". Did you mean ") {
      hint = "did you mean " + text[question.upperBound...]
      text = String(text[..<question.lowerBound])
    } else if usage.hasSuffix("<subcommand>") {
      hint = hintWithoutCommand(text)
    } else if text.hasPrefix("Unknown option '-"), !text.hasPrefix("Unknown option '--") {
      hint = "a name that begins with a hyphen goes behind --, as in: quota-admin show -- -bob"
    }
    if text.last == "." { text.removeLast() }
    return (text.prefix(1).lowercased() + text.dropFirst(), hint)
  }

  /// What to do where the parser found no command.
  private static func hintWithoutCommand(_ text: String) -> String {
    if text.hasPrefix("Unknown option") {
      return "options go behind the command, as in: quota-admin list --config FILE"
    }
    let commands = QuotaAdmin.configuration.subcommands.compactMap {
      $0.configuration.commandName ?? $0._commandName
    }
    let typed = text.split(separator: "'").dropFirst().first ?? ""
    return NearestName.of(Array(typed.utf8), among: commands).map { "did you mean \($0)?" }
      ?? "quota-admin --help lists the commands"
  }

  /// The line of a long message that says how the command is used.
  private static func usage(_ fullMessage: String) -> String {
    let line = readable(fullMessage.split(separator: "\n").last { $0.hasPrefix("Usage: ") } ?? "")
    return line.prefix(1).lowercased() + line.dropFirst()
  }

  /// A text of the parser's with arguments in it that came from outside.
  private static func readable(_ text: some StringProtocol) -> String {
    String(decoding: Escaping.plain(RawArguments.bytes(of: String(text))), as: UTF8.self)
  }
}

/// The end of a command that has said all there is to say and yet did not go well.
struct Ending: Error {
  let status: CommandSupport.ExitStatus
}
