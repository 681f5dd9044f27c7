import Glibc
import OpenVPN
import Quota
import Servers
import Support
import Sweep
import System

/// Looks at one server's config: its hooks and what they may do, and what keeps a sweep out.
struct ServerCheck {
  let name: String
  let config: ServerConfig
  let settings: Settings
  let sweeper: ProcessIdentity?
  /// What openvpn-server@.service hides from the server (`ProtectHome=`, `PrivateTmp=`).
  var hidden = ["/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/"]

  /// Where the hooks are installed: beside this program.
  static let hooks = directory(of: (try? contents(ofLink: "/proc/self/exe")) ?? "/")

  /// What OpenVPN starts in place of a program, and takes its environment away.
  private static let barriers = ["sudo", "doas", "su", "runuser"]

  func results() -> [CheckResult] {
    var report = CheckReport("server \(name)")
    sweepAccess(&report)
    lines(&report)
    hookRights(&report)
    management(&report)
    names(&report)
    if report.results.isEmpty { report.ok("its config has both hooks") }
    return report.results
  }

  /// Whether the account that sweeps can read what makes it find the server and connect.
  private func sweepAccess(_ report: inout CheckReport) {
    guard let sweeper else { return }
    var files: [(path: String, rights: Int32)] = []
    if settings.management.isEmpty {
      files = [(directory(of: config.file), R_OK | X_OK)] + config.files.map { ($0, R_OK) }
    }
    if let password = config.management?.value.passwordFile { files.append((password, R_OK)) }
    if let closed = files.lazy.compactMap({ sweeper.knownObstacle(to: $0.path, $0.rights) }).first {
      let fix = PermissionFix(
        opening: closed, to: sweeper.user, mainGroup: sweeper.groups.first ?? 0)
      report.error(
        "\(closed) is closed to \(sweeper.name), which keeps the sweep out", remedy: fix?.command)
    } else if case .unix(let path)? = config.management?.value.address,
      let obstacle = sweeper.knownObstacle(to: path, W_OK)
    {
      report.error(
        "\(obstacle) keeps \(sweeper.name) from its management socket",
        remedy: ServerConfig.managementLine(for: name))
    }
  }

  // MARK: Hooks

  private func lines(_ report: inout CheckReport) {
    if config.scriptSecurity?.value ?? 1 < 2 {
      let place = config.scriptSecurity?.place.description ?? config.file
      report.error(
        "\(place): below script-security 2 OpenVPN runs no hook and lets nobody in",
        remedy: "script-security 2")
    }
    hook("client-connect", "quota-connect", config.clientConnect, &report)
    hook("client-disconnect", "quota-disconnect", config.clientDisconnect, &report)
    logins(&report)
  }

  /// Our hook at logins, if it is there.
  private func logins(_ report: inout CheckReport) {
    guard let line = config.passwordCheck,
      HookCommand(line.value, exists: { _ in true }).kind != .foreign
    else { return }
    guard let wanted = config.loginLine(server: name, hook: "\(Self.hooks)/quota-connect") else {
      return report.error(
        "\(line.place): nobody can log in, for no program behind --then checks passwords",
        remedy: "put --then PROGRAM behind quota-connect, or take it out of the line")
    }
    let remedy = "quota-admin setup --at-login \(name), which writes: \(wanted)"
    if !config.tellsLoginHook {
      report.warning(
        "\(line.place): the hook is not told whether the server has username-as-common-name and "
          + "duplicate-cn", remedy: remedy)
    }
    for plugin in config.pluginsAtLogin {
      report.warning(
        "\(plugin.place): \(plugin.value) \(Self.besidePlugin)",
        remedy:
          "let one program behind --then check all of it, or take quota-connect out of \(line.place)"
      )
    }
    hook("auth-user-pass-verify", line, remedy, &report)
  }

  /// What may go wrong where a plugin checks passwords beside the hook.
  static let besidePlugin =
    "may check passwords as well, and who fails there is told all the same why the user may not come in"

  private func hook(
    _ directive: String, _ program: String, _ line: Located<[String]>?,
    _ report: inout CheckReport
  ) {
    let command = HookCommand(line?.value ?? []) { isThere(inJail($0)) }
    let installed = command.asInstalled("\(Self.hooks)/\(program)", server: name)
    let remedy =
      "quota-admin setup \(name), which writes: \(directive) \(HookCommand.value(for: installed))"
    guard let line, !line.value.isEmpty else {
      return report.error("\(config.file) has no \(directive) line", remedy: remedy)
    }
    hook(directive, line, remedy, &report)
  }

  private func hook(
    _ directive: String, _ line: Located<[String]>, _ remedy: String, _ report: inout CheckReport
  ) {
    let command = HookCommand(line.value) { isThere(inJail($0)) }
    let (first, place) = (command.words[0], line.place)
    switch command.kind {
    case .foreign:
      let what = isThere(inJail(first)) ? "runs \(first)" : "names \(first), which is not there,"
      report.error("\(place): \(directive) \(what) in place of our hook", remedy: remedy)
    case .mistyped:
      report.error("\(place): there is no \(inJail(first))", remedy: remedy)
    case .wrapped:
      let isBarrier = Self.barriers.contains(fileName(of: first))
      let what =
        isBarrier ? ", which takes away what OpenVPN tells the hook" : " in place of OpenVPN"
      report.add(
        isBarrier ? .error : .warning, "\(place): \(first) starts our hook\(what)", remedy)
    case .hook:
      let calls = command.value(of: "--server") ?? fileStem(of: config.file)
      if calls != name {
        report.warning(
          "\(place): the hook calls the server \(calls), the sweep \(name)", remedy: remedy)
      }
      obstacle(to: first, at: place, whatIfMissing: "so that nobody can come in", remedy, &report)
      script(of: command, at: place, &report)
    }
  }

  /// What keeps the script behind `--then` from being run.
  private func script(
    of command: HookCommand, at place: ConfigPlace, _ report: inout CheckReport
  ) {
    if let script = command.script.first {
      obstacle(
        to: script, at: place, whatIfMissing: "which the hook has to run",
        "correct the path behind --then in \(place)", &report)
    } else if command.words.last == "--then" {
      report.error("\(place): --then wants a program", remedy: "take --then out of the line")
    }
  }

  /// What keeps the hooks' user from a program.
  private func obstacle(
    to program: String, at place: ConfigPlace, whatIfMissing: String, _ remedy: String,
    _ report: inout CheckReport
  ) {
    let path = inJail(program)
    if hidden.contains(where: path.hasPrefix) {
      return report.error(
        "\(place): OpenVPN's unit hides \(path) from the server",
        remedy: "move it to where the server sees it; the hooks are in \(Self.hooks)")
    }
    let person = hookUser ?? .root
    do throws(SystemError) {
      guard let obstacle = try person.obstacle(to: path, X_OK) else { return }
      report.error(
        "\(place): \(person.name) may not run \(path)", remedy: "chmod a+x \(shellWord(obstacle))")
    } catch {
      if error.code != ENOENT { return report.error(error) }
      report.error("\(place): there is no \(path), \(whatIfMissing)", remedy: remedy)
    }
  }

  /// A path as the server's hooks see it: relative ones from the server's directory, all within its
  /// `chroot`.
  private func inJail(_ path: String) -> String {
    (config.chroot?.value ?? "")
      + resolvedPath(path, in: config.chroot == nil ? config.directory : "/")
  }

  private func isThere(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

  /// What the hooks run as; nil where there is no such user or group.
  private var hookUser: ProcessIdentity? {
    ProcessIdentity(user: config.user?.value, group: config.group?.value)
  }

  /// Whether the user that the hooks run as can read the settings and the access table, and append to
  /// the journal.
  private func hookRights(_ report: inout CheckReport) {
    guard let person = hookUser else {
      return report.error(
        "\(config.file): there is no such user or group",
        remedy: "user nobody, group \(Account.name)")
    }
    let state = directory(of: settings.database)
    let command = HookCommand(config.clientConnect?.value ?? []) { _ in true }
    let wanted = [
      ("\(state)/access", R_OK), ("\(state)/journal", R_OK | W_OK),
      (command.value(of: "--config") ?? Settings.defaultFile, R_OK),
    ].filter { isThere($0.0) }
    if let jail = config.chroot {
      let missing = wanted.map(\.0).filter { !isSameFile($0, jail.value + $0) }
      if !missing.isEmpty {
        let folders = Set(missing.map { directory(of: $0) }).sorted()
        return report.error(
          "\(jail.place): in this chroot hooks do not find \(missing.joined(separator: ", "))",
          remedy: folders.map { "mount --bind \(shellWord($0)) \(shellWord(jail.value + $0))" }
            .joined(separator: " && "))
      }
    }
    let closed = wanted.filter { person.knownObstacle(to: $0.0, $0.1) != nil }.map(\.0)
    if !closed.isEmpty {
      report.error(
        "hooks run as \(person.name), which may not use \(closed.joined(separator: ", "))",
        remedy: "group \(Account.name)")
    }
  }

  // MARK: Management

  private func management(_ report: inout CheckReport) {
    if let place = config.managementHold {
      report.warning(
        "\(place): the server waits at its start for a management client",
        remedy: "remove the management-hold line")
    }
    if let place = config.managementClientAuth {
      report.error(
        "\(place): a management client that never leaves keeps the sweep out",
        remedy: "remove the management-client-auth line")
    }
    turnedAway(&report)
    if case .tcp? = config.management?.value.address, let place = config.management?.place {
      let password =
        config.management?.value.passwordFile == nil
        ? "every local user can command the server"
        : "a program that listens there while the server is down is told the password"
      report.warning(
        "\(place): nothing tells who is at the other end of TCP, and \(password)",
        remedy: "\(ServerConfig.managementLine(for: name)), and restart the server")
    }
  }

  /// Whether the server hangs up on the sweep: it compares the user and the main group
  /// (`man_verify_unix_peer_uid_gid`, manage.c).
  private func turnedAway(_ report: inout CheckReport) {
    guard let sweeper else { return }
    if let only = config.managementClientUser,
      unsafe getpwnam(only.value).map({ unsafe $0.pointee.pw_uid }) != sweeper.user
    {
      turnedAway("user", only, &report)
    }
    if let only = config.managementClientGroup,
      unsafe getgrnam(only.value).map({ unsafe $0.pointee.gr_gid }) != sweeper.groups.first
    {
      turnedAway("group", only, &report)
    }
  }

  private func turnedAway(
    _ kind: String, _ only: Located<String>, _ report: inout CheckReport
  ) {
    report.error(
      "\(only.place): only the \(kind) \(only.value) may connect, and the sweep is another",
      remedy: "remove the management-client-\(kind) line, and restart the server")
  }

  // MARK: Names

  private func names(_ report: inout CheckReport) {
    if let nameless = config.namelessClients(by: settings.identifyBy) {
      if nameless.areAll {
        let setting =
          settings.identifyBy == .commonName
          ? "IDENTIFY_BY=auto in quota.conf, or username-as-common-name in the server's config"
          : "IDENTIFY_BY=auto in quota.conf"
        report.error(nameless.text, remedy: setting)
      } else if settings.unknownUsers == .allow {
        report.warning(nameless.text, remedy: "UNKNOWN_USERS=reject in quota.conf keeps them out")
      }
    }
    // Where strangers come in, each spelling of a login would have a quota of its own.
    if let check = config.loginCheck, settings.names == .exact, settings.unknownUsers == .allow,
      hasNamesOfLogins
    {
      report.warning(
        "\(check): logins are checked by a program, which may take Ann and ann for one; "
          + "NAMES=exact counts them as two", remedy: "NAMES=fold in quota.conf")
    }
  }

  /// Whether users are known by the names that they log in with.
  private var hasNamesOfLogins: Bool {
    switch settings.identifyBy {
    case .username: true
    case .commonName: config.usernameAsCommonName != nil
    case .auto:
      config.usernameAsCommonName != nil
        || (config.clientCertificate?.value ?? .require) != .require
    }
  }
}
