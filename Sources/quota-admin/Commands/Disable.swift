import ArgumentParser

struct Disable: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Keep a user out; live sessions end with the next sweep.",
    discussion: "Example: quota-admin disable alice")

  @OptionGroup var options: CommonOptions
  @OptionGroup var user: NameArgument

  func run() throws { try switchUser(user, on: false, options) }
}
