import ArgumentParser
import Glibc
import Support
import System

struct MenuCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "menu",
    abstract: "Choose what to do from a numbered menu.",
    discussion: """
      On a terminal quota-admin without arguments does the same. Example: quota-admin menu
      """)

  @OptionGroup var options: CommonOptions

  func run() throws {
    try Menu(options: options.config.map { ["--config=\($0)"] } ?? []).run()
  }
}

/// The numbered menu: asks which command to run and with what, and runs it just as if it had been
/// typed, until the person leaves.
struct Menu {
  let options: [String]
  private let console = Console()

  init(options: [String]) { self.options = options }

  /// Asks and runs until 0 is chosen or there is no more input. A command that fails has said why,
  /// and the menu goes on.
  func run() throws(SystemError) {
    try show()
    while true {
      switch try console.ask("Choose, or press Enter for the menu") {
      case .end, .line("0"), .line("q"), .line("quit"), .line("exit"): return
      case .cancelled: AdminProgram.diagnostics.notice("0 leaves the menu")
      case .line(""): try show()
      case .line(let choice):
        guard let number = Int(choice), MenuItem.all.indices.contains(number - 1) else {
          AdminProgram.diagnostics.error(
            "there is no \(CommandError.quoted(choice)) in the menu",
            hint: "choose a number from 0 to \(MenuItem.all.count)")
          continue
        }
        if try !run(MenuItem.all[number - 1]) { return }
      }
    }
  }

  /// - Returns: false where there is no more input.
  private func run(_ item: MenuItem) throws(SystemError) -> Bool {
    var hasEnded = false
    let arguments = try item.arguments(options) { question throws(SystemError) -> String? in
      switch try console.ask(question) {
      case .line(let answer): return answer
      case .cancelled: return nil
      case .end:
        hasEnded = true
        return nil
      }
    }
    if hasEnded { return false }
    if let arguments {
      // A command that is root gives that up for good, and the next may need it again.
      try console.run { () throws(SystemError) in
        _ = try inChild { AdminProgram.run(arguments).rawValue }
      }
    } else {
      AdminProgram.diagnostics.notice("nothing was done")
    }
    return true
  }

  private func show() throws(SystemError) {
    let lines = MenuItem.all.enumerated().map { index, item in
      "\(index + 1 < 10 ? "  " : " ")\(index + 1)  \(item.title)"
    }
    try StandardOutput.write(
      [Ink.heading.on("openvpn-quota \(System.version)")] + lines + ["  0  Leave", ""])
  }
}

struct MenuItem {
  let title: String
  private let command: [String]
  private let questions: [Question]

  private struct Question {
    let text: String
    /// The option that the answer belongs to; nil for a name, which goes behind everything.
    let option: String?
    /// Whether an empty answer leaves it out.
    let isOptional: Bool

    init(_ text: String, _ option: String? = nil, isOptional: Bool = false) {
      self.text = text
      self.option = option
      self.isOptional = isOptional
    }
  }

  private init(_ title: String, _ command: [String], _ questions: [Question] = []) {
    self.title = title
    self.command = command
    self.questions = questions
  }

  /// All items; each is chosen by its place, counted from 1. Operators of the earlier project know
  /// the seventh, so whatever is new goes to the end.
  static let all = [
    MenuItem("List users", ["list"]),
    MenuItem("Show a user", ["show"], [name]),
    MenuItem(
      "Add a user", ["add"],
      [name, quota("Quota such as 50GB, or nothing", optional: true), period]),
    MenuItem("Let a user in again", ["enable"], [name]),
    MenuItem("Keep a user out", ["disable"], [name]),
    MenuItem("Show usage by day", ["usage"], [anybody]),
    MenuItem("Set user quota", ["set"], [name, quota("Size such as 50GB, or unlimited")]),
    MenuItem("Show top users", ["top"]),
    MenuItem("Show what happened", ["events", "--limit", "20"], [anybody]),
    MenuItem("Write a report as HTML", ["report"], [Question("File", "--html")]),
    MenuItem("Show who is on", ["sessions"]),
    MenuItem("Disconnect a user", ["kick"], [name]),
    MenuItem("Grant a user more", ["grant"], [name, size]),
    MenuItem("Show a user's earlier periods", ["history"], [name]),
    MenuItem("Give a user another name", ["rename"], [name, newName]),
    MenuItem("Remove a user", ["remove"], [name]),
    MenuItem("Sweep now", ["sweep"]),
    MenuItem("Check the installation", ["check"]),
    MenuItem(
      "Set when a user's usage starts over", ["set"],
      [name, Question("none, day, week, month or year", "--period")]),
    MenuItem("Show plans", ["plan", "list"]),
    MenuItem(
      "Add a plan", ["plan", "add"],
      [Question("Name of the plan"), quota("Size such as 50GB, or unlimited"), period]),
    MenuItem(
      "Give a user a plan", ["set"],
      [name, Question("Name of the plan, or none", "--plan")]),
    MenuItem(
      "Set what happens at a user's quota", ["set"],
      [name, Question("Rate such as 1Mbit, or cut", "--then")]),
  ]

  private static let name = Question("Name")
  private static let newName = Question("New name")
  private static let size = Question("Size such as 10GB")
  private static let anybody = Question("Name, or nothing for everybody", isOptional: true)

  private static let period = Question(
    "Starts over each day, week, month or year, or nothing", "--period", isOptional: true)

  private static func quota(_ text: String, optional: Bool = false) -> Question {
    Question(text, "--quota", isOptional: optional)
  }

  /// - Parameter ask: gets a question, gives the answer, and nil for never mind.
  /// - Returns: the command with its arguments; nil if an answer is missing.
  func arguments(
    _ options: [String], _ ask: (String) throws(SystemError) -> String?
  ) throws(SystemError) -> [String]? {
    var arguments = command + options
    var names: [String] = []
    for question in questions {
      guard let answer = try ask(question.text) else { return nil }
      if answer.isEmpty {
        if question.isOptional { continue }
        return nil
      }
      // Joined to its option, so that an answer that begins with a hyphen stays an answer.
      if let option = question.option {
        arguments.append("\(option)=\(answer)")
      } else {
        names.append(answer)
      }
    }
    return names.isEmpty ? arguments : arguments + ["--"] + names
  }
}

/// A person who is asked questions on standard output and answers on standard input, a line each.
struct Console {
  enum Answer: Equatable {
    /// A line, without its end and the spaces around it.
    case line(String)
    /// Ctrl-C: never mind.
    case cancelled
    /// There will be no more answers.
    case end
  }

  /// The signals that are held back while a person waits for an answer: not Ctrl-C.
  private let waiting: sigset_t

  /// Makes Ctrl-C end a question rather than the program. One that comes between two questions is
  /// kept for the next.
  init() {
    var action = sigaction()
    unsafe action.__sigaction_handler.sa_handler = { _ in }
    unsafe sigaction(SIGINT, &action, nil)
    var (interrupt, before) = (sigset_t(), sigset_t())
    unsafe sigemptyset(&interrupt)
    unsafe sigaddset(&interrupt, SIGINT)
    unsafe sigprocmask(SIG_BLOCK, &interrupt, &before)
    waiting = before
  }

  /// Runs a command, which Ctrl-C interrupts only where it waits for an answer itself.
  func run(_ command: () throws(SystemError) -> Void) throws(SystemError) {
    var (mask, before) = (waiting, sigset_t())
    unsafe sigprocmask(SIG_SETMASK, &mask, &before)
    defer { unsafe sigprocmask(SIG_SETMASK, &before, nil) }
    try command()
  }

  /// - Throws: `SystemError`, as where the terminal is gone.
  func ask(_ question: String) throws(SystemError) -> Answer {
    try StandardOutput.write(Array("\(question): ".utf8))
    let answer = try readLine()
    if answer == .cancelled || answer == .end { try StandardOutput.write([""]) }
    return answer
  }

  /// Reads byte by byte, for what is behind the line belongs to the next answer.
  private func readLine() throws(SystemError) -> Answer {
    var mask = waiting
    var line: [UInt8] = []
    while true {
      // Descriptor 0 and no other.
      var input = fd_set()
      input.__fds_bits.0 = 1
      if unsafe pselect(1, &input, nil, nil, nil, &mask) < 0, errno == EINTR { return .cancelled }
      var byte: UInt8 = 0
      let got = retryingOnInterrupt { unsafe read(STDIN_FILENO, &byte, 1) }
      if got < 0 { throw SystemError("read", "standard input") }
      if got == 0, line.isEmpty { return .end }
      if got == 0 || byte == UInt8(ascii: "\n") { return .line(Console.text(line)) }
      // A line longer than any answer is not one.
      if line.count < 4096 { line.append(byte) }
    }
  }

  private static func text(_ line: [UInt8]) -> String {
    let isSpace: (UInt8) -> Bool = { $0 == 32 || $0 == 9 || $0 == 13 }
    let kept = line.drop(while: isSpace)
    let end = kept.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? kept.startIndex
    return RawArguments.text(Array(kept[..<end]))
  }
}
