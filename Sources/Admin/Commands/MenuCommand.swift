import ArgumentParser

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
