import ArgumentParser

struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write all users and their quotas, for import to read.",
    discussion: "Example: quota-admin export --csv > users.csv")

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: FormatOptions

  func run() throws {
    let (users, plans) = try Administration(options).ledger.export()
    switch output.format {
    case .json: try StandardOutput.write(UserFile.json(users, plans: plans))
    case .csv: try StandardOutput.write(UserFile.csv(users, isForTerminal: Terminal.isOutput))
    case .text:
      throw CommandError(
        "export writes for programs", hint: "add --csv or --json", exitStatus: .usage)
    }
  }
}
