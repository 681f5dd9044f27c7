import OpenVPN
import Servers
import Support
import Sweep
import System

/// Looks over an installation, and changes nothing.
///
/// What the troubleshooting pages of such projects tell people to grep for is done here, each with
/// the command or config line that mends it.
package struct HealthCheck {
  private let settings: Settings
  private let problems: [SettingsProblem]
  private let now: Int64
  /// What the sweep runs as; nil where the account was never made.
  private let sweeper: ProcessIdentity?
  private let discovery: ServerDiscovery
  /// The servers that `MANAGEMENT` names, or that are found by their configs.
  private let servers: Result<[ManagementEndpoint], ManagementSettingError>

  /// - Parameter loaded: settings as a hook takes them: what is wrong with them is a result.
  package init(_ loaded: LoadedSettings, at now: Int64) {
    let settings = loaded.settings
    self.settings = settings
    problems = loaded.problems
    self.now = now
    sweeper = ProcessIdentity(named: Account.name)
    let found = ServerDiscovery(
      patterns: settings.openvpnConfigs,
      areDefault: settings.openvpnConfigs == Settings().openvpnConfigs)
    discovery = found
    servers = Result { () throws(ManagementSettingError) in
      if settings.management.isEmpty { return found.endpoints }
      return try ManagementEndpoint.list(fromSetting: settings.management).map { server in
        let config = found.configs.first { $0.config.management?.value.address == server.address }
        return ManagementEndpoint(
          name: server.name, address: server.address, passwordFile: server.passwordFile,
          config: config?.config)
      }
    }
  }

  /// Looks at everything. Root asks the kernel what others may do, and is given up before the ledger
  /// is opened and the servers are asked: what keeps the timer's sweep out does so here too.
  package func run() -> [CheckResult] {
    let state = StateCheck(settings: settings, sweeper: sweeper, now: now)
    let sweep = SweepCheck(
      settings: settings, servers: (try? servers.get()) ?? [], now: now)
    let hosts = HostsCheck(settings: settings, now: now)
    let places = state.directoryResults() + state.logResults()
    let fence = FenceCheck(settings: settings, configs: discovery.configs.map(\.config))
    let fenceResults = fence.results()
    let configs = serverResults()
    return settingsResults() + state.ledgerResults() + places + configs + sweep.sweepResults()
      + sweep.timerResults() + hosts.results() + fenceResults + fence.countResults()
      + sweep.clockResults()
  }

  /// The settings, and whether the account exists that all is shared by.
  func settingsResults() -> [CheckResult] {
    var (report, account) = (CheckReport("settings"), CheckReport("account"))
    for problem in problems {
      report.add(
        problem.isError ? .error : .warning, problem.message,
        "man 5 quota.conf has what is allowed")
    }
    if problems.isEmpty { report.ok("every value is allowed") }
    if let sweeper, !sweeper.canBeAsked {
      account.ok("what other users may do was not looked at, which takes root")
    }
    if sweeper == nil {
      account.error(
        "there is no user \(Account.name)",
        remedy: Systemd.isRunning
          ? "systemd-sysusers openvpn-quota.conf"
          : "adduser --system --group --no-create-home --home /var/lib/openvpn-quota \(Account.name)"
      )
    }
    return report.results + account.results
  }

  /// Which servers there are, and what their configs say.
  private func serverResults() -> [CheckResult] {
    do throws(ManagementSettingError) {
      let servers = try servers.get()
      let problems = settings.management.isEmpty ? discovery.problems : []
      var results = problems.map { problem in
        CheckResult(
          "server \(problem.name)", problem.isFailure ? .error : .warning, problem.description,
          remedy: problem.hint)
      }
      if servers.isEmpty, problems.allSatisfy({ $0.isNoMatch }) {
        results.append(
          CheckResult(
            "servers", .warning, "no server is configured",
            remedy: "quota-admin setup SERVER, the name of its config without .conf"))
      }
      // Hooks can be wrong also where no sweep is meant to ask.
      let others = discovery.configs.filter { server in
        !server.config.hookLines.isEmpty && !servers.contains { $0.config == server.config }
      }.map { ManagementEndpoint(name: $0.name, address: .unix(""), config: $0.config) }
      return results + (servers + others).flatMap(self.results)
    } catch {
      return [CheckResult("servers", .error, "MANAGEMENT: \(error)", remedy: "man 5 quota.conf")]
    }
  }

  private func results(of server: ManagementEndpoint) -> [CheckResult] {
    guard let config = server.config else {
      return [
        CheckResult(
          "server \(server.name)", .warning,
          "its config was not found, so its hooks are not looked at",
          remedy: "add the config to OPENVPN_CONFIGS in quota.conf")
      ]
    }
    return ServerCheck(name: server.name, config: config, settings: settings, sweeper: sweeper)
      .results()
  }
}
