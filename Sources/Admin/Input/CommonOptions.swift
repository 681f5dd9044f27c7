import ArgumentParser

/// What every command takes.
struct CommonOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Read this file in place of /etc/openvpn-quota/quota.conf.", valueName: "file"),
    completion: .file())
  var config: String?
}

/// The choice between text for people and JSON for programs.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Write JSON, with amounts in bytes.")
  var json = false
}

/// The one user a command is about.
struct NameArgument: ParsableArguments {
  @Argument(
    help: "The user's name, to the byte; one that begins with a hyphen goes behind --.",
    completion: .userNames)
  var name: String
}
