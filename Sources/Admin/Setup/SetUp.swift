import ArgumentParser
import OpenVPN
import Support
import System

/// What `setup` and `teardown` take.
struct ServerArgument: ParsableArguments {
  @Argument(
    help: "The server: the name of its config without .conf, or the config's path.",
    completion: .serverNames)
  var server: String
}

struct SetUp: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "setup",
    abstract: "Give a server's config the lines it needs, after showing them.",
    discussion: """
      The server's own scripts stay, behind ours. quota-admin teardown takes it back.
      Example: sudo quota-admin setup udp
      """)

  @OptionGroup var options: CommonOptions
  @OptionGroup var consent: Consent
  @OptionGroup var argument: ServerArgument

  @Flag(
    help: "Have clients told at their login why they may not come in: needs auth-user-pass-verify.")
  var atLogin = false

  func run() throws {
    let settings = try options.settings()
    let setup = try ServerSetup(of: argument.name, settings)
    let edit = try setup.settingUp(atLogin: atLogin)
    if try setup.apply(edit, consent, "setup", ifNothing: "has all lines already") {
      try StandardOutput.write(["then: quota-admin check"])
    }
  }
}

struct TearDown: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "teardown",
    abstract: "Take back what setup did to a server's config.",
    discussion: """
      Do this before you remove the programs: an OpenVPN server without its hook lets nobody in.
      Example: sudo quota-admin teardown udp
      """)

  @OptionGroup var options: CommonOptions
  @OptionGroup var consent: Consent
  @OptionGroup var argument: ServerArgument

  func run() throws {
    let setup = try ServerSetup(of: argument.name, try options.settings())
    _ = try setup.apply(
      try setup.tearingDown(), consent, "teardown", ifNothing: "has no line of ours")
  }
}

extension ServerArgument {
  var name: String { String(decoding: RawArguments.bytes(of: server), as: UTF8.self) }
}

extension ServerSetup {
  /// Shows an edit, asks, writes it, and says what to restart.
  ///
  /// - Returns: whether the server has the edited config now.
  fileprivate func apply(
    _ edit: ConfigEdit, _ consent: Consent, _ purpose: String, ifNothing: String
  ) throws -> Bool {
    if edit.changesNothing {
      try StandardOutput.write(["\(Escaping.plain(file)) \(ifNothing)"])
      return true
    }
    let difference = edit.difference().map { String(decoding: Escaping.plain($0), as: UTF8.self) }
    try StandardOutput.write(
      ["--- \(Escaping.plain(file))", "+++ \(Escaping.plain(file)) after \(purpose)"] + difference)
    guard try consent.isGiven(to: "change \(Escaping.plain(file))") else { return false }
    let former = try write(edit, keepingAs: purpose)
    let restart = OpenVPNUnit(config: config.file).command("restart")
    try StandardOutput.write([
      "changed \(Escaping.plain(file)); as it was it is in \(Escaping.plain(fileName(of: former)))",
      "next: \(restart), which disconnects everybody for a moment",
    ])
    return true
  }
}
