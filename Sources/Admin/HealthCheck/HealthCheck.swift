import Support
import Glibc
import Ledger
import OpenVPN
import Servers
import System
import Sweep

/// Looks over an installation, and changes nothing.
///
/// What the troubleshooting pages of such projects tell people to grep for is done here, each with
/// the command or config line that mends it.
package struct HealthCheck {
  /// The user that sweeps, and the group of the hooks.
  static let account = Account.name

  let settings: Settings
  let problems: [SettingsProblem]
  let now: Int64
  /// What the sweep runs as; nil where the account was never made.
  let sweeper: ProcessIdentity?
  /// The servers that are found by their configs, or named by `MANAGEMENT`.
  let servers: [ManagementEndpoint]
  let serverProblems: [DiscoveryProblem]
  let serverError: ManagementSettingError?

  /// - Parameter loaded: settings as a hook takes them: what is wrong with them is a result.
  package init(_ loaded: LoadedSettings, at now: Int64) {
    settings = loaded.settings
    problems = loaded.problems
    self.now = now
    sweeper = ProcessIdentity(named: HealthCheck.account)
    let found = ServerDiscovery(
      patterns: settings.openvpnConfigs,
      areDefault: settings.openvpnConfigs == Settings().openvpnConfigs)
    do throws(ManagementSettingError) {
      let named = try ManagementEndpoint.list(fromSetting: settings.management)
      serverError = nil
      servers = named.isEmpty ? found.endpoints : HealthCheck.matched(named, with: found.endpoints)
      serverProblems = named.isEmpty ? found.problems : []
    } catch {
      serverError = error
      servers = []
      serverProblems = []
    }
  }

  /// Looks at everything. Root asks the kernel what others may do, and is given up before the ledger
  /// is opened and the servers are asked: what keeps the timer's sweep out does so here too.
  package func run() -> [CheckResult] {
    let places = directoryResults() + logResults()
    let configs = serverResults() + servers.flatMap(hookResults)
    return settingsResults() + ledgerResults() + places + configs + sweepResults()
      + timerResults() + clockResults()
  }

  /// Servers that `MANAGEMENT` names, with the configs that have the same address.
  private static func matched(
    _ named: [ManagementEndpoint], with found: [ManagementEndpoint]
  ) -> [ManagementEndpoint] {
    named.map { server in
      ManagementEndpoint(
        name: server.name, address: server.address, passwordFile: server.passwordFile,
        config: found.first { $0.address == server.address }?.config)
    }
  }
}
