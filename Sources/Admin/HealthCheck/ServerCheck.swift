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
  /// What the sweep runs as; nil where the account was never made.
  let sweeper: ProcessIdentity?
  /// What openvpn-server@.service hides from the server (`ProtectHome=`, `PrivateTmp=`).
  var hidden = ["/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/"]

  /// Where the hooks are installed: beside this program.
  static let hooks = directory(of: (try? contents(ofLink: "/proc/self/exe")) ?? "/")

  /// What OpenVPN starts in place of a program, and takes its environment away.
  private static let barriers = ["sudo", "doas", "su", "runuser"]

  func results() -> [CheckResult] {
    let found =
      sweepAccess() + lines() + hookRights() + management() + names()
    if found.contains(where: { $0.level > .ok }) { return found }
    return found + [result(.ok, "its config has both hooks")]
  }

  private func result(_ level: CheckResult.Level, _ text: String, _ remedy: String? = nil)
    -> CheckResult
  {
    CheckResult("server \(name)", level, text, remedy: remedy)
  }

  /// Whether the account that sweeps can read what makes it find the server and connect.
  private func sweepAccess() -> [CheckResult] {
    guard let sweeper else { return [] }
    var files: [(path: String, rights: Int32)] = []
    if settings.management.isEmpty {
      files = [(directory(of: config.file), R_OK | X_OK)] + config.files.map { ($0, R_OK) }
    }
    if let password = config.management?.value.passwordFile { files.append((password, R_OK)) }
    for file in files {
      guard let obstacle = (try? sweeper.obstacle(to: file.path, file.rights)) ?? nil else {
        continue
      }
      let fix = PermissionFix(
        opening: obstacle, to: sweeper.user, mainGroup: sweeper.groups.first ?? 0)
      return [
        result(
          .error, "\(obstacle) is closed to \(sweeper.name), which keeps the sweep out",
          fix?.command)
      ]
    }
    guard case .unix(let path)? = config.management?.value.address,
      let obstacle = (try? sweeper.obstacle(to: path, W_OK)) ?? nil
    else { return [] }
    return [
      result(
        .error, "\(obstacle) keeps \(sweeper.name) from its management socket",
        ServerConfig.managementLine(for: name))
    ]
  }

  // MARK: Hooks

  private func lines() -> [CheckResult] {
    let level = config.scriptSecurity?.value ?? 1
    let place = config.scriptSecurity?.place.description ?? config.file
    let security =
      level >= 2
      ? []
      : [
        result(
          .error, "\(place): below script-security 2 OpenVPN runs no hook and lets nobody in",
          "script-security 2")
      ]
    return security
      + hook("client-connect", "quota-connect", config.clientConnect)
      + hook("client-disconnect", "quota-disconnect", config.clientDisconnect)
      + logins()
  }

  /// Our hook at logins, if it is there.
  private func logins() -> [CheckResult] {
    guard let line = config.passwordCheck,
      HookCommand(line.value, exists: { _ in true }).kind != .foreign
    else { return [] }
    guard let wanted = config.loginLine(server: name, hook: "\(Self.hooks)/quota-connect") else {
      return [
        result(
          .error,
          "\(line.place): nobody can log in, for no program behind --then checks passwords",
          "put --then PROGRAM behind quota-connect, or take it out of the line")
      ]
    }
    let remedy = "quota-admin setup --at-login \(name), which writes: \(wanted)"
    let told =
      config.tellsLoginHook
      ? []
      : [
        result(
          .warning,
          "\(line.place): the hook is not told whether the server has username-as-common-name and "
            + "duplicate-cn", remedy)
      ]
    let rivals = config.pluginsAtLogin.map { plugin in
      result(
        .warning, "\(plugin.place): \(plugin.value) \(Self.besidePlugin)",
        "let one program behind --then check all of it, or take quota-connect out of \(line.place)")
    }
    return told + rivals + hook("auth-user-pass-verify", line, remedy)
  }

  /// What may go wrong where a plugin checks passwords beside the hook.
  static let besidePlugin =
    "may check passwords as well, and who fails there is told all the same why the user may not come in"

  private func hook(
    _ directive: String, _ program: String, _ line: Located<[String]>?
  ) -> [CheckResult] {
    let command = HookCommand(line?.value ?? []) { isThere(inJail($0)) }
    let installed = command.asInstalled("\(Self.hooks)/\(program)", server: name)
    let remedy =
      "quota-admin setup \(name), which writes: \(directive) \(HookCommand.value(for: installed))"
    guard let line, !line.value.isEmpty else {
      return [result(.error, "\(config.file) has no \(directive) line", remedy)]
    }
    return hook(directive, line, remedy)
  }

  private func hook(
    _ directive: String, _ line: Located<[String]>, _ remedy: String
  ) -> [CheckResult] {
    let command = HookCommand(line.value) { isThere(inJail($0)) }
    let (first, place) = (command.words[0], line.place)
    switch command.kind {
    case .foreign:
      let what = isThere(inJail(first)) ? "runs \(first)" : "names \(first), which is not there,"
      return [result(.error, "\(place): \(directive) \(what) in place of our hook", remedy)]
    case .mistyped:
      return [result(.error, "\(place): there is no \(inJail(first))", remedy)]
    case .wrapped:
      let isBarrier = Self.barriers.contains(fileName(of: first))
      let what =
        isBarrier ? ", which takes away what OpenVPN tells the hook" : " in place of OpenVPN"
      return [
        result(isBarrier ? .error : .warning, "\(place): \(first) starts our hook\(what)", remedy)
      ]
    case .hook:
      let calls = command.value(of: "--server") ?? Path.stem(of: config.file)
      let other =
        calls == name
        ? []
        : [
          result(
            .warning, "\(place): the hook calls the server \(calls), the sweep \(name)", remedy)
        ]
      return other
        + obstacle(to: first, at: place, whatIfMissing: "so that nobody can come in", remedy)
        + script(of: command, at: place)
    }
  }

  /// What keeps the script behind `--then` from being run.
  private func script(of command: HookCommand, at place: ConfigPlace) -> [CheckResult] {
    guard let script = command.script.first else {
      guard command.words.last == "--then" else { return [] }
      return [result(.error, "\(place): --then wants a program", "take --then out of the line")]
    }
    return obstacle(
      to: script, at: place, whatIfMissing: "which the hook has to run",
      "correct the path behind --then in \(place)")
  }

  /// What keeps the hooks' user from a program.
  private func obstacle(
    to program: String, at place: ConfigPlace, whatIfMissing: String, _ remedy: String
  ) -> [CheckResult] {
    let path = inJail(program)
    if hidden.contains(where: path.hasPrefix) {
      return [
        result(
          .error, "\(place): OpenVPN's unit hides \(path) from the server",
          "move it to where the server sees it; the hooks are in \(Self.hooks)")
      ]
    }
    do throws(SystemError) {
      let person = hookUser ?? .root
      guard let obstacle = try person.obstacle(to: path, X_OK) else { return [] }
      return [
        result(
          .error, "\(place): \(person.name) may not run \(path)",
          "chmod a+x \(shellWord(obstacle))")
      ]
    } catch {
      if error.code != ENOENT { return [.missing("server \(name)", error, remedy: remedy)] }
      return [result(.error, "\(place): there is no \(path), \(whatIfMissing)", remedy)]
    }
  }

  /// A path as the server's hooks see it: relative ones from the server's directory, all within its
  /// `chroot`.
  private func inJail(_ path: String) -> String {
    (config.chroot?.value ?? "")
      + Path.resolve(path, in: config.chroot == nil ? config.directory : "/")
  }

  private func isThere(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

  /// What the hooks run as; nil where there is no such user or group.
  private var hookUser: ProcessIdentity? {
    ProcessIdentity(user: config.user?.value, group: config.group?.value)
  }

  /// Whether the user that the hooks run as can read the settings and the access table, and append to
  /// the journal.
  private func hookRights() -> [CheckResult] {
    guard let person = hookUser else {
      return [
        result(
          .error, "\(config.file): there is no such user or group",
          "user nobody, group \(Account.name)")
      ]
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
        return [
          result(
            .error,
            "\(jail.place): in this chroot hooks do not find \(missing.joined(separator: ", "))",
            folders.map {
              "mount --bind \(shellWord($0)) \(shellWord(jail.value + $0))"
            }.joined(separator: " && "))
        ]
      }
    }
    let closed = wanted.filter { path, rights in
      ((try? person.obstacle(to: path, rights)) ?? nil) != nil
    }
    if closed.isEmpty { return [] }
    return [
      result(
        .error,
        "hooks run as \(person.name), which may not use \(closed.map(\.0).joined(separator: ", "))",
        "group \(Account.name)")
    ]
  }

  // MARK: Management

  private func management() -> [CheckResult] {
    var results: [CheckResult] = []
    if let place = config.managementHold {
      results.append(
        result(
          .warning, "\(place): the server waits at its start for a management client",
          "remove the management-hold line"))
    }
    if let place = config.managementClientAuth {
      results.append(
        result(
          .error, "\(place): a management client that never leaves keeps the sweep out",
          "remove the management-client-auth line"))
    }
    results += turnedAway()
    if case .tcp? = config.management?.value.address, let place = config.management?.place {
      let password =
        config.management?.value.passwordFile == nil
        ? "every local user can command the server"
        : "a program that listens there while the server is down is told the password"
      results.append(
        result(
          .warning, "\(place): nothing tells who is at the other end of TCP, and \(password)",
          "\(ServerConfig.managementLine(for: name)), and restart the server"))
    }
    return results
  }

  /// Whether the server hangs up on the sweep: it compares the user and the main group
  /// (`man_verify_unix_peer_uid_gid`, manage.c).
  private func turnedAway() -> [CheckResult] {
    guard let sweeper else { return [] }
    let user = config.managementClientUser.flatMap { only in
      unsafe getpwnam(only.value).map { unsafe $0.pointee.pw_uid } == sweeper.user ? nil : only
    }
    let group = config.managementClientGroup.flatMap { only in
      unsafe getgrnam(only.value).map { unsafe $0.pointee.gr_gid } == sweeper.groups.first
        ? nil : only
    }
    return [("user", user), ("group", group)].compactMap { kind, only in
      only.map { only in
        result(
          .error,
          "\(only.place): only the \(kind) \(only.value) may connect, and the sweep is "
            + "another", "remove the management-client-\(kind) line, and restart the server")
      }
    }
  }

  // MARK: Names

  private func names() -> [CheckResult] {
    var results: [CheckResult] = []
    if let nameless = config.namelessClients(by: settings.identifyBy) {
      if nameless.areAll {
        let setting =
          settings.identifyBy == .commonName
          ? "IDENTIFY_BY=auto in quota.conf, or username-as-common-name in the server's config"
          : "IDENTIFY_BY=auto in quota.conf"
        results.append(result(.error, nameless.text, setting))
      } else if settings.unknownUsers == .allow {
        results.append(
          result(.warning, nameless.text, "UNKNOWN_USERS=reject in quota.conf keeps them out"))
      }
    }
    // Where strangers come in, each spelling of a login would have a quota of its own.
    if let check = config.loginCheck, settings.names == .exact, settings.unknownUsers == .allow,
      hasNamesOfLogins
    {
      results.append(
        result(
          .warning,
          "\(check): logins are checked by a program, which may take Ann and ann for one; "
            + "NAMES=exact counts them as two", "NAMES=fold in quota.conf"))
    }
    return results
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
