import ArgumentParser
import Glibc
import OpenVPN
import Servers
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

/// A file of root's that a command changes after showing how.
struct EditedFile {
  /// The file itself, if links lead to it.
  let path: String
  let text: [UInt8]

  /// - Throws: `CommandError` for one that others could replace; `SystemError`.
  init(_ path: String) throws {
    self.path = try canonicalPath(of: path)
    // A user who may write on the way there could put another file in the place of what is written.
    if let folder = try directoryOpenToOthers(above: self.path) {
      let word = shellWord(folder)
      throw CommandError(
        "others may write to \(folder)", hint: "chown root \(word) && chmod go-w \(word)",
        exitStatus: .permission)
    }
    text = try contents(ofRegularFile: self.path, limit: ServerConfig.longest)
  }

  /// Shows an edit, asks, writes it, and says what to do next.
  ///
  /// - Parameters:
  ///   - purpose: the command's name, which the former file's name has besides the time.
  ///   - ifNothing: what is said of a file that stays as it is.
  /// - Returns: whether it is the edited file now.
  func apply(
    _ edit: ConfigEdit, _ consent: Consent, _ purpose: String, ifNothing: String, next: String
  ) throws -> Bool {
    let name = Escaping.plain(path)
    if edit.changesNothing {
      try StandardOutput.write(["\(name) \(ifNothing)"])
      return true
    }
    let difference = edit.difference().map { String(decoding: Escaping.plain($0), as: UTF8.self) }
    try StandardOutput.write(["--- \(name)", "+++ \(name) after \(purpose)"] + difference)
    guard try consent.isGiven(to: "change \(name)") else { return false }
    let former = try write(edit, keepingAs: purpose)
    try StandardOutput.write([
      "changed \(name); as it was it is in \(Escaping.plain(fileName(of: former)))",
      "next: \(next)",
    ])
    return true
  }

  /// Writes the file as it becomes, whole or not at all, with the rights of the former one, which
  /// stays beside it.
  ///
  /// - Parameter purpose: what the former file's name says besides the time.
  /// - Returns: the path of the former file.
  /// - Throws: `CommandError` where the file is another since it was read; `SystemError`.
  func write(_ edit: ConfigEdit, keepingAs purpose: String) throws -> String {
    let old = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW)
    // The question may have waited for long.
    guard try old.readToEnd(of: path, limit: ServerConfig.longest) == text else {
      throw CommandError(
        "\(path) was changed meanwhile", hint: "run this again", exitStatus: .inputOutput)
    }
    let draft = try FileDraft(for: path)
    try draft.file.write(edit.text.span, to: path)
    try draft.file.takeRights(of: old, called: path)
    let mode = try FileStatus(of: old, called: path).mode
    let former = try keepFormer(purpose)
    try draft.publish(mode: mode)
    return former
  }

  private func keepFormer(_ purpose: String) throws(SystemError) -> String {
    let stamp = isoTime(Clock.now).filter { $0.isNumber || $0 == "T" || $0 == "Z" }
    var name = "\(path).before-\(purpose)-\(stamp)"
    for number in 2... {
      do throws(SystemError) {
        try link(path, to: name)
        return name
      } catch {
        if error.code != EEXIST { throw error }
        name = "\(path).before-\(purpose)-\(stamp)-\(number)"
      }
    }
    return name
  }
}
