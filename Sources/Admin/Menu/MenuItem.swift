import System

/// One line of the menu: a command, and what has to be asked before it can run.
struct MenuItem {
  let title: String
  private let command: [String]
  private let questions: [Question]

  /// Something a command has to be told.
  private struct Question {
    let text: String
    /// The option that the answer belongs to; nil for a name, which goes behind everything.
    let option: String?
    /// Whether an empty answer leaves it out.
    let isOptional: Bool
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
      [
        name, quota("Quota such as 50GB, or nothing", optional: true),
        Question(
          text: "Starts over each day, week, month or year, or nothing", option: "--period",
          isOptional: true),
      ]),
    MenuItem("Let a user in again", ["enable"], [name]),
    MenuItem("Keep a user out", ["disable"], [name]),
    MenuItem("Show usage by day", ["usage"], [anybody]),
    MenuItem("Set user quota", ["set"], [name, quota("Size such as 50GB, or unlimited")]),
    MenuItem("Show top users", ["top"]),
    MenuItem("Show what happened", ["events", "--limit", "20"], [anybody]),
    MenuItem(
      "Write a report as HTML", ["report"],
      [Question(text: "File", option: "--html", isOptional: false)]),
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
      [
        name,
        Question(text: "none, day, week, month or year", option: "--period", isOptional: false),
      ]),
    MenuItem("Show plans", ["plan", "list"]),
    MenuItem(
      "Add a plan", ["plan", "add"],
      [
        Question(text: "Name of the plan", option: nil, isOptional: false),
        quota("Size such as 50GB, or unlimited"),
        Question(
          text: "Starts over each day, week, month or year, or nothing", option: "--period",
          isOptional: true),
      ]),
    MenuItem(
      "Give a user a plan", ["set"],
      [name, Question(text: "Name of the plan, or none", option: "--plan", isOptional: false)]),
    MenuItem(
      "Set what happens at a user's quota", ["set"],
      [
        name,
        Question(text: "Rate such as 1Mbit, or cut", option: "--then", isOptional: false),
      ]),
  ]

  private static let name = Question(text: "Name", option: nil, isOptional: false)
  private static let newName = Question(text: "New name", option: nil, isOptional: false)
  private static let size = Question(
    text: "Size such as 10GB", option: nil, isOptional: false)
  private static let anybody = Question(
    text: "Name, or nothing for everybody", option: nil, isOptional: true)

  private static func quota(_ text: String, optional: Bool = false) -> Question {
    Question(text: text, option: "--quota", isOptional: optional)
  }

  /// Asks what has to be asked.
  ///
  /// - Parameters:
  ///   - options: options that come with every command.
  ///   - ask: gets a question, gives the answer, and nil for never mind.
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
