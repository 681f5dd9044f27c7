import Glibc
import OpenVPN
import Servers
import Support
import System

/// A server's config on its way to metering its users, or back.
struct ServerSetup {
  let name: String
  let config: ServerConfig
  let file: EditedFile

  /// Finds a server by its name, or by the path of its config, and reads its config.
  ///
  /// - Throws: `CommandError` for a name that no server has, and for a config that cannot be used;
  ///   `SystemError`.
  init(of name: String, _ settings: Settings) throws {
    let found = ServerDiscovery(
      patterns: settings.openvpnConfigs,
      areDefault: settings.openvpnConfigs == Settings().openvpnConfigs)
    let isMeant = { (server: ServerDiscovery.Found) in
      server.name == name || server.config.file == name
    }
    // What check calls it is a name too.
    let isCalledSo = { try ServerSetup.name(of: $0, settings) == name }
    guard
      let server = try found.configs.first(where: isMeant) ?? found.configs.first(where: isCalledSo)
    else {
      let problem = found.problems.first { $0.name == name }
      throw ServerSetup.unknown(name, problem, among: found.configs.map(\.name))
    }
    config = server.config
    self.name = try ServerSetup.name(of: server, settings)
    file = try EditedFile(server.config.file)
  }

  private static func unknown(
    _ name: String, _ problem: DiscoveryProblem?, among known: [String]
  ) -> CommandError {
    if let problem { return CommandError(problem.description, hint: problem.hint) }
    let near = NearestName.of(Array(name.utf8), among: known).map { "did you mean \($0)?" }
    let all =
      known.isEmpty
      ? "no config that OPENVPN_CONFIGS in quota.conf names is a server's"
      : "there are: \(known.joined(separator: ", "))"
    return CommandError(
      "there is no config of a server \(CommandError.quoted(name))", hint: near ?? all,
      exitStatus: .usage)
  }

  /// The name that `MANAGEMENT` has for the server, if that setting is in use.
  private static func name(
    of server: ServerDiscovery.Found, _ settings: Settings
  ) throws -> String {
    let named = try ManagementEndpoint.list(fromSetting: settings.management)
    let address = server.config.management?.value.address
    return named.first { $0.address == address }?.name ?? server.name
  }

  /// The config with all that it lacks.
  ///
  /// - Parameter atLogin: whether clients should be told at their login why they may not come in.
  /// - Throws: `CommandError` for what stands in the way.
  func settingUp(atLogin: Bool) throws -> ConfigEdit {
    try refuseConflicts()
    if atLogin, config.loginLine(server: name, hook: "") == nil {
      throw CommandError(
        "\(config.file) has no auth-user-pass-verify line: no program there checks passwords")
    }
    for plugin in atLogin ? config.pluginsAtLogin : [] {
      AdminProgram.diagnostics.warning(
        "\(plugin.place): \(plugin.value) \(ServerCheck.besidePlugin)")
    }
    let edit = ConfigEdit.settingUp(file.text, of: config.file, wantedLines(of: config, atLogin))
    if let line = edit.overlongLine {
      throw CommandError(
        "this line would be too long for OpenVPN, which reads 255 bytes: "
          + Escaping.plain(String(decoding: line, as: UTF8.self)),
        hint: "put the server's own command into a script with a short path")
    }
    if wantedLines(of: config, atLogin).contains(where: { $0.line == "group \(Account.name)" }),
      unsafe getgrnam(Account.name) == nil
    {
      AdminProgram.diagnostics.warning(
        "there is no group \(Account.name) yet, and no server starts with a group that is not there",
        hint: "quota-admin check says how to make it")
    }
    // What an included file says may be in the way; then the lines change nothing.
    if let line = wantedLines(of: try config(with: edit), atLogin).first?.line {
      throw CommandError("\(config.file) would still lack: \(line)", exitStatus: .bug)
    }
    return edit
  }

  /// The config without what was set up.
  ///
  /// - Throws: `CommandError` where an included file names the hooks.
  func tearingDown() throws -> ConfigEdit {
    let edit = ConfigEdit.tearingDown(file.text)
    let left = try config(with: edit)
    if let line = left.hookLines.first {
      throw CommandError(
        "\(line.place): this line names the hooks, "
          + (line.place.file == config.file
            ? "and no program behind them checks passwords" : "in a file that the config includes"),
        hint: "take it out by hand, and run this again")
    }
    return edit
  }

  private func config(with edit: ConfigEdit) throws -> ServerConfig {
    do throws(ConfigError) {
      return try ServerConfig(file: config.file) { path throws(SystemError) in
        path == config.file
          ? edit.text : try contents(ofRegularFile: path, limit: ServerConfig.longest)
      }
    } catch {
      throw CommandError(error.description)
    }
  }

  private func wantedLines(of config: ServerConfig, _ atLogin: Bool) -> [ConfigEdit.Wanted] {
    config.wantedLines(
      server: name, hooks: ServerCheck.hooks, atLogin: atLogin, group: Account.name,
      keepsManagement: config.management.map { canReach($0.value.address) } ?? false,
      exists: { unsafe access((config.chroot?.value ?? "") + $0, F_OK) == 0 })
  }

  /// Whether the sweep gets to where a management interface listens, or will listen.
  private func canReach(_ address: ManagementEndpoint.Address) -> Bool {
    guard case .unix(let path) = address, let sweeper = ProcessIdentity(named: Account.name)
    else { return true }
    return sweeper.knownObstacle(to: directory(of: path), X_OK) == nil
  }

  /// What is not ours to take out, and would keep a sweep from doing its work.
  private func refuseConflicts() throws(CommandError) {
    let account = Account.name
    let (user, group) = (config.managementClientUser, config.managementClientGroup)
    let conflicts: [(ConfigPlace?, String)] = [
      (config.managementClient, "management-client"),
      (config.managementSignal, "management-signal"),
      (config.managementClientAuth, "management-client-auth"),
      (user?.value == account ? nil : user?.place, "management-client-user"),
      (group?.value == account ? nil : group?.place, "management-client-group"),
    ]
    for case (let place?, let directive) in conflicts {
      throw CommandError(
        "\(place): with \(directive) no sweep can use the management interface",
        hint: "take the line out if nothing needs it, and run this again")
    }
    for line in config.hookLines where HookCommand(line.value, exists: { _ in true }).isWithinWord {
      throw CommandError(
        "\(line.place): a shell starts the hook", hint: "take the line out, and run this again")
    }
    for name in ["quota-connect", "quota-disconnect"] {
      let path = "\(ServerCheck.hooks)/\(name)"
      guard unsafe access(path, X_OK) == 0 else {
        throw CommandError(
          "there is no hook \(path)",
          hint: "install the programs with make install, or the package",
          exitStatus: .configuration)
      }
    }
  }
}
