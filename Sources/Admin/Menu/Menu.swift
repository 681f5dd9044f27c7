import ArgumentParser
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
  /// Options that go with every command.
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

  /// Runs an item.
  ///
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
