import Glibc
import Ledger
import OpenVPN
import Support
import System

/// One of the two hooks, as a server's config should have it.
private struct HookLine {
  let directive: String
  let program: String
  let command: Located<[String]>?
}

extension HealthCheck {
  /// Where the hooks are installed, as far as this program can tell: beside itself.
  static var hookDirectory: String {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count - 1)
    let bytes = buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }
    let path = String(decoding: bytes, as: UTF8.self)
    let prefix = directory(of: directory(of: path))
    return "\(prefix == "/" ? "/usr" : prefix)/libexec/openvpn-quota"
  }

  /// What a server's config says of the hooks, and whether they can do their work there.
  func hookResults(_ server: ManagementEndpoint) -> [CheckResult] {
    guard let config = server.config else {
      return [
        CheckResult(
          "server \(server.name)", .warning,
          "its config was not found, so its hooks are not looked at",
          remedy: "add the config to OPENVPN_CONFIGS in quota.conf")
      ]
    }
    let subject = "server \(server.name)"
    let lines = [
      HookLine(
        directive: "client-connect", program: "quota-connect", command: config.clientConnect),
      HookLine(
        directive: "client-disconnect", program: "quota-disconnect",
        command: config.clientDisconnect),
    ]
    var results = lines.compactMap { result(on: $0, in: config, subject) }
    results += securityResults(config, subject)
    results += personResults(config, subject)
    results += managementResults(config, subject)
    if results.isEmpty { results.append(CheckResult(subject, .ok, "its config has both hooks")) }
    return results
  }

  private func result(on line: HookLine, in config: ServerConfig, _ subject: String) -> CheckResult?
  {
    let path = "\(HealthCheck.hookDirectory)/\(line.program)"
    guard let command = line.command, let first = command.value.first else {
      return CheckResult(
        subject, .error, "\(config.file) has no \(line.directive) line",
        remedy: "\(line.directive) \"\(path)\"")
    }
    guard first.hasSuffix("/\(line.program)") else {
      let words = command.value.joined(separator: " ")
      return CheckResult(
        subject, .error, "\(command.place): \(line.directive) runs \(first) in place of our hook",
        remedy: "\(line.directive) \"\(path) --then \(words)\"")
    }
    return obstacleResult(first, at: command.place, config, subject)
  }

  private func obstacleResult(
    _ program: String, at place: ConfigPlace, _ config: ServerConfig, _ subject: String
  ) -> CheckResult? {
    // openvpn-server@.service hides these from the server (ProtectHome=, PrivateTmp=).
    let hidden = ["/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/"]
    if hidden.contains(where: program.hasPrefix) {
      return CheckResult(
        subject, .error, "\(place): OpenVPN's unit hides \(program) from the server",
        remedy: "install the hooks with make install, or from the package")
    }
    do throws(SystemError) {
      let person =
        ProcessIdentity(user: config.user?.value, group: config.group?.value) ?? .root
      guard let obstacle = try person.obstacle(to: program, X_OK) else { return nil }
      return CheckResult(
        subject, .error, "\(place): \(person.name) may not run \(program)",
        remedy: obstacle == program
          ? "chmod a+x \(program)"
          : "install the hooks where everybody may run them: make install, or the package")
    } catch {
      return missing(subject, error, remedy: "install the hooks again: OpenVPN lets nobody in")
    }
  }

  private func securityResults(_ config: ServerConfig, _ subject: String) -> [CheckResult] {
    guard config.scriptSecurity?.value ?? 1 < 2 else { return [] }
    let place = config.scriptSecurity?.place.description ?? config.file
    return [
      CheckResult(
        subject, .error,
        "\(place): below script-security 2 OpenVPN runs no hook and lets nobody in",
        remedy: "script-security 2")
    ]
  }

  /// Whether the user that the hooks run as can read the settings and the access table, and append to
  /// the journal.
  private func personResults(_ config: ServerConfig, _ subject: String) -> [CheckResult] {
    guard let person = ProcessIdentity(user: config.user?.value, group: config.group?.value)
    else {
      return [
        CheckResult(
          subject, .error, "\(config.file): there is no such user or group",
          remedy: "user nobody, group \(HealthCheck.account)")
      ]
    }
    let state = directory(of: settings.database)
    let wanted = [
      ("\(state)/access", R_OK), ("\(state)/journal", R_OK | W_OK),
      (Settings.defaultFile, R_OK),
    ]
    let closed = wanted.filter { path, rights in
      return ((try? person.obstacle(to: path, rights)) ?? nil) != nil
    }
    if closed.isEmpty { return [] }
    return [
      CheckResult(
        subject, .error,
        "hooks run as \(person.name), to whom is closed: \(closed.map(\.0).joined(separator: ", "))",
        remedy: "group \(HealthCheck.account)")
    ]
  }

  private func managementResults(_ config: ServerConfig, _ subject: String) -> [CheckResult] {
    var results: [CheckResult] = []
    if let place = config.managementHold {
      results.append(
        CheckResult(
          subject, .warning, "\(place): the server waits at its start for a management client",
          remedy: "remove the management-hold line"))
    }
    if let place = config.managementClientAuth {
      results.append(
        CheckResult(
          subject, .error, "\(place): a management client that never leaves keeps the sweep out",
          remedy: "remove the management-client-auth line"))
    }
    if let only = config.managementClientUser, only.value != HealthCheck.account {
      results.append(
        CheckResult(
          subject, .warning, "\(only.place): only \(only.value) may connect, and the sweep is not",
          remedy: "remove the management-client-user line"))
    }
    return results
  }
}
