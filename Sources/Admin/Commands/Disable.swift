import ArgumentParser

struct Disable: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Keep users out; live sessions end with the next sweep.",
    discussion: "Example: quota-admin disable alice bob")

  @OptionGroup var options: CommonOptions
  @OptionGroup var users: NamesArgument

  func run() throws { try switchUsers(users, on: false, options) }
}
