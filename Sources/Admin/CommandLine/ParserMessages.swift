import ArgumentParser
import Support
import System

extension DiagnosticPrinter {
  /// Reads the command line of a program without subcommands, and runs it; says what went wrong.
  ///
  /// - Returns: how the program ends.
  package func run<Options: ParsableCommand>(
    _ body: (Options, DiagnosticPrinter) throws -> Support.ExitStatus
  ) -> Support.ExitStatus {
    do {
      return try body(try Options.parse(), self)
    } catch let error as any UserFacingError {
      self.error(error)
      return error.exitStatus
    } catch {
      return answer(error, of: Options.self) { _, _ in "\(program) --help lists the options" }
    }
  }

  /// Says what ended the reading of a command line: its help or version on standard output, or a
  /// mistake in it, in our form: one line, a small first letter, no full stop, and a hint.
  ///
  /// - Parameters:
  ///   - readable: makes a text of the parser's safe that has arguments in it from outside.
  ///   - hint: what would help with an error, for a program that knows better than the parser,
  ///     which names what it takes for meant, else how the command is used.
  /// - Returns: how the program ends.
  package func answer(
    _ error: any Error, of command: (some ParsableCommand).Type,
    readable: (String) -> String = Escaping.plain,
    hint: (_ error: String, _ usage: String) -> String?
  ) -> Support.ExitStatus {
    guard command.exitCode(for: error).isSuccess else {
      let usage = DiagnosticPrinter.usage(command.fullMessage(for: error), readable)
      let message = readable(DiagnosticPrinter.inOneLine(command.message(for: error)))
      let (text, guess) = DiagnosticPrinter.error(in: message)
      self.error(text, hint: guess ?? hint(text, usage) ?? usage)
      return command.exitCode(for: error) == .validationFailure ? .usage : .bug
    }
    do throws(SystemError) {
      let text = Array("\(command.fullMessage(for: error))\n".utf8)
      try Descriptor.standardOutput.write(text.span, to: "standard output")
      return .done
    } catch {
      self.error(error)
      return error.exitStatus
    }
  }

  /// The parser's error, and what it takes for meant.
  private static func error(in message: String) -> (text: String, guess: String?) {
    var (text, guess) = (message, String?.none)
    if let question = text.firstRange(of: ". Did you mean ") {
      guess = "did you mean " + text[question.upperBound...]
      text = String(text[..<question.lowerBound])
    }
    if text.last == "." { text.removeLast() }
    return (text.prefix(1).lowercased() + text.dropFirst(), guess)
  }

  /// A message whose choices stand in lines of their own.
  private static func inOneLine(_ message: String) -> String {
    let lines = message.split(separator: "\n").map { $0.drop { $0 == " " || $0 == "-" } }
    guard let first = lines.first, lines.count > 1 else { return message }
    return "\(first) \(lines.dropFirst().joined(separator: ", "))"
  }

  /// The line of a long message that says how the command is used.
  private static func usage(_ message: String, _ readable: (String) -> String) -> String {
    let line = message.split(separator: "\n").last { $0.hasPrefix("Usage: ") } ?? ""
    let text = readable(String(line))
    return text.prefix(1).lowercased() + text.dropFirst()
  }
}
