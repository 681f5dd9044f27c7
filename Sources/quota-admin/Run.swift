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
      let (complaint, hint) = inOurVoice(message)
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

  /// The parser's complaint in one line: a small first letter, no full stop, and its suggestion as
  /// the hint.
  private static func inOurVoice(_ message: String) -> (complaint: String, hint: String) {
    let bytes = RawArguments.bytes(of: message)
    var text = String(decoding: Escaping.plain(bytes), as: UTF8.self)
    var hint = "quota-admin --help lists the commands, and quota-admin help COMMAND explains one"
    if let question = text.firstRange(of: ". Did you mean ") {
      hint = "did you mean " + text[question.upperBound...]
      text = String(text[..<question.lowerBound])
    } else if text.hasPrefix("Unknown option") {
      hint = "a name that begins with a hyphen goes behind --, as in: quota-admin show -- -bob"
    }
    if text.last == "." { text.removeLast() }
    return (text.prefix(1).lowercased() + text.dropFirst(), hint)
  }
}
