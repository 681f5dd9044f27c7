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
  @Flag(help: "Let the kernel cut users off where their quota ends: FENCE=yes in quota.conf.")
  var fence = false

  func run() throws {
    let loaded = try options.loadedSettings()
    let setup = try ServerSetup(of: argument.name, loaded.settings)
    let edit = try setup.settingUp(atLogin: atLogin)
    guard try setup.apply(edit, consent, "setup", ifNothing: "has all lines already") else {
      return
    }
    try setUpFence(loaded)
    try StandardOutput.write(["then: quota-admin check"])
  }

  /// Sets `FENCE=yes` where that was asked for, or is wanted by who sits at the terminal.
  private func setUpFence(_ loaded: LoadedSettings) throws {
    if loaded.settings.fence { return }
    let hasNft = (try? System.output(of: ["nft", "--version"], isQuiet: true)) != nil
    if !fence {
      guard !consent.yes, hasNft, loaded.file != nil,
        try Consent.answer(to: "cut users off in the kernel where their quota ends") == true
      else { return }
    } else if !hasNft {
      throw CommandError(
        "nft is not installed", hint: "apt-get install nftables, and run this again",
        exitStatus: .configuration)
    }
    guard let path = loaded.file else {
      throw CommandError(
        "there is no \(Settings.defaultFile) to write FENCE=yes into",
        hint: "install the programs with make install, or the package", exitStatus: .configuration)
    }
    let file = try EditedFile(path)
    _ = try file.apply(
      ConfigEdit.setting("FENCE", to: "yes", in: file.text), consent, "setup",
      ifNothing: "has FENCE=yes already, and a variable of the environment says no",
      next: Systemd.isRunning
        ? "systemctl daemon-reload, and the next sweep begins with it"
        : "nothing, the next sweep begins with it")
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
  /// Applies an edit to the config.
  ///
  /// - Returns: whether the server has the edited config now.
  fileprivate func apply(
    _ edit: ConfigEdit, _ consent: Consent, _ purpose: String, ifNothing: String
  ) throws -> Bool {
    let restart = OpenVPNUnit(config: config.file).command("restart")
    return try file.apply(
      edit, consent, purpose, ifNothing: ifNothing,
      next: "\(restart), which disconnects everybody for a moment")
  }
}
