import ArgumentParser
import Quota
import Support
import System

/// A command line of quota-admin as it was typed: finds out what was meant where the parser cannot.
struct TypedCommand {
  /// Without the program's own name.
  private let arguments: [String]

  init(_ arguments: [String]) { self.arguments = arguments }

  /// The arguments for the parser: a negative number becomes part of the option before it, which
  /// knows what is allowed, and `help list` becomes `list --help`.
  ///
  /// - Throws: `CommandError`, 64, for a command that there is not.
  func forParser() throws(CommandError) -> [String] {
    var words = joiningNegativeNumbers()
    var level = 0
    var command: any ParsableCommand.Type = QuotaAdmin.self
    while level < words.count, !words[level].hasPrefix("-") {
      let subcommands = command.configuration.subcommands
      if subcommands.isEmpty { break }
      if words[level] == "help" {
        words.remove(at: level)
        words.append("--help")
        continue
      }
      guard let next = subcommands.first(where: { $0.word == words[level] }) else {
        throw TypedCommand.unknown(words, at: level, among: subcommands.map { $0.word })
      }
      level += 1
      command = next
    }
    return words
  }

  private func joiningNegativeNumbers() -> [String] {
    let options = ["--quota", "--grace", "--max-sessions", "--reset-day", "--limit", "-n"]
    var joined: [String] = []
    for (index, argument) in arguments.enumerated() {
      if argument == "--" { return joined + arguments[index...] }
      if let option = joined.last, options.contains(option), argument.first == "-",
        argument.dropFirst().first?.isNumber == true
      {
        joined[joined.count - 1] = option == "-n" ? "--limit=\(argument)" : "\(option)=\(argument)"
      } else {
        joined.append(argument)
      }
    }
    return joined
  }

  private static func unknown(
    _ words: [String], at level: Int, among known: [String]
  ) -> CommandError {
    let (word, before, rest) = (
      words[level], Array(words[..<level]), Array(words[(level + 1)...].filter { $0 != "--help" })
    )
    let near = NearestName.of(Array(word.utf8), among: known)
    let meant = level == 0 ? otherWords[word.lowercased()] : nil
    var hint = (["quota-admin"] + before + ["--help lists the commands"]).joined(separator: " ")
    if level == 0, ["quota", "limit"].contains(word.lowercased()), let name = rest.first {
      hint = didYouMean(
        rest.count > 1 ? ["set", name, "--quota"] + rest.dropFirst() : ["show", name])
    } else if level == 0, word.lowercased() == "status" {
      hint =
        rest.isEmpty
        ? "list shows the users, sessions who is connected, check how the installation is"
        : didYouMean(["show"] + rest)
    } else if let command = meant.map({ [$0] }) ?? near.map({ before + [$0] }) {
      hint = TypedCommand.didYouMean(
        command.flatMap { $0.split(separator: " ").map(String.init) } + rest)
    }
    return CommandError(
      "there is no command \(CommandError.quoted((before + [word]).joined(separator: " ")))",
      hint: hint, exitStatus: .usage)
  }

  /// What would help with an error of the parser's; nil for how the command is used.
  func hint(for error: String, usage: String) -> String? {
    if usage.hasSuffix("<subcommand>") {
      return error.hasPrefix("unknown option '-")
        ? "options go behind the command, as in: quota-admin list --config FILE"
        : "quota-admin --help lists the commands"
    }
    if arguments.contains(where: { $0.first == "-" && $0.dropFirst().first?.isNumber == true }) {
      return "an amount is above zero; quota-admin revoke takes back what was granted"
    }
    if error.hasPrefix("unknown option '-"), !error.hasPrefix("unknown option '--") {
      return "a name that begins with a hyphen goes behind --, as in: quota-admin show -- -bob"
    }
    return error.contains("unexpected argument") ? hintForSurplus : nil
  }

  /// What was meant by arguments that are too many: a size without its option, or in two words.
  private var hintForSurplus: String? {
    let units = ["b", "k", "m", "g", "t", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib"]
    for (number, unit) in zip(arguments, arguments.dropFirst())
    where units.contains(unit.lowercased()) {
      let digits = number.split(separator: "=").last ?? ""
      if !digits.isEmpty, digits.allSatisfy({ $0.isNumber || $0 == "." || $0 == "," }) {
        return "a size is one word: \(digits)\(unit)"
      }
    }
    let levels = arguments.first == "plan" ? 2 : 1
    let (command, rest) = (arguments.prefix(levels), arguments.dropFirst(levels))
    let isSize = { (word: String) in
      word.first?.isNumber == true && (try? ByteSize.parse(word)) != nil
    }
    if command == ["top"], let number = rest.first(where: { Int($0) != nil }) {
      return TypedCommand.didYouMean(["top", "-n", number])
    }
    guard ["add", "set"].contains(command.last), let size = rest.first(where: isSize),
      let name = rest.first(where: { !isSize($0) && $0.first != "-" && $0 != "quota" })
    else { return nil }
    return TypedCommand.didYouMean(command + [name, "--quota", size])
  }

  private static func didYouMean(_ arguments: [String]) -> String {
    "did you mean: quota-admin \(arguments.map(shellWord).joined(separator: " "))"
  }

  /// What the commands are called elsewhere.
  private static let otherWords = [
    "delete": "remove", "del": "remove", "rm": "remove", "userdel": "remove",
    "create": "add", "new": "add", "useradd": "add", "adduser": "add",
    "block": "disable", "ban": "disable", "lock": "disable", "suspend": "disable",
    "unblock": "enable", "unban": "enable", "unlock": "enable", "allow": "enable",
    "change": "set", "edit": "set", "modify": "set", "update": "set",
    "ls": "list", "users": "list", "user": "show", "info": "show", "get": "show",
    "who": "sessions", "online": "sessions", "disconnect": "kick", "kill": "kick",
    "traffic": "usage", "stats": "usage", "log": "events", "logs": "events", "mv": "rename",
    "give": "grant", "topup": "grant", "plans": "plan list", "dump": "export",
    "install": "setup", "uninstall": "teardown", "doctor": "check", "test": "check",
    "verify": "check", "html": "report", "version": "--version",
  ]
}

extension ParsableCommand {
  fileprivate static var word: String { configuration.commandName ?? _commandName }
}

extension DiagnosticPrinter {
  /// Reads the command line of a program without subcommands, and runs it; says what went wrong.
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
