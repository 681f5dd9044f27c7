import ArgumentParser
import Glibc
import OpenVPN
import Servers
import Support
import Sweep
import System

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look over the whole installation, and say what mends it.",
    discussion: """
      Changes nothing. Ends with 1 if there are warnings, with 2 if there are errors.
      Example: sudo quota-admin check
      """)

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let config = options.config.map { FileArgument($0).path }
    let results = HealthCheck(Settings.loadLeniently(config: config), at: Clock.now).run()
    try StandardOutput.write(output.json ? json(results) : text(results))
    switch results.map(\.level).max() {
    case .error: throw ExitCode(.errorsFound)
    case .warning: throw ExitCode(.warningsFound)
    case .ok, nil: break
    }
  }

  private func text(_ results: [CheckResult]) -> [UInt8] {
    let width = results.map { Table.width(of: Escaping.plain($0.subject)) }.max() ?? 0
    let lines = results.flatMap { result in
      let subject = Escaping.plain(result.subject)
      let level = result.level.rawValue
      let gap = String(repeating: " ", count: width - Table.width(of: subject) + 2)
      let indentation = String(repeating: " ", count: 9 - level.utf8.count)
      let line = "\(level)\(indentation)\(subject)\(gap)\(Escaping.plain(result.text))"
      let remedy = result.remedy.map { remedy in
        String(repeating: " ", count: width + 11) + "-> \(Escaping.plain(remedy))"
      }
      return [line, remedy].compactMap(\.self)
    }
    return Array(((lines + next(results)).joined(separator: "\n") + "\n").utf8)
  }

  /// What to do first: what mends the first of the worst.
  private func next(_ results: [CheckResult]) -> [String] {
    let worst = results.filter { $0.remedy != nil }.map(\.level).max()
    let remedy = results.first { $0.level == worst && $0.remedy != nil }?.remedy
    return remedy.map { ["next: \(Escaping.plain($0))"] } ?? []
  }

  private func json(_ results: [CheckResult]) -> [UInt8] {
    JSONWriter.document { json in
      json.list(
        "checks", results,
        [
          .text(key: "subject") { $0.subject },
          .text(key: "level") { $0.level.rawValue },
          .text(key: "text") { $0.text },
          .text(key: "remedy") { $0.remedy },
        ])
      json.field("warnings", Int64(results.count { $0.level == .warning }))
      json.field("errors", Int64(results.count { $0.level == .error }))
    }
  }
}

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
    let hosts = HostsCheck(settings: settings.lookingAtFence, now: now)
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

/// One thing that was looked at, and what came of it.
package struct CheckResult: Equatable, Sendable {
  package enum Level: String, Comparable, Sendable {
    case ok, warning, error

    private var weight: Int {
      switch self {
      case .ok: 0
      case .warning: 1
      case .error: 2
      }
    }

    package static func < (left: Level, right: Level) -> Bool { left.weight < right.weight }
  }

  /// What was looked at, in a word or two: `database`, `server udp`.
  package let subject: String
  package let level: Level
  package let text: String
  /// The command or the config line that mends it; nil where nothing has to be mended.
  package let remedy: String?

  init(_ subject: String, _ level: Level, _ text: String, remedy: String? = nil) {
    self.subject = subject
    self.level = level
    self.text = text
    self.remedy = remedy
  }
}

/// What a look at one thing finds, in that order.
struct CheckReport {
  let subject: String
  private(set) var results: [CheckResult] = []

  init(_ subject: String) { self.subject = subject }

  mutating func ok(_ text: String, remedy: String? = nil) { add(.ok, text, remedy) }

  mutating func warning(_ text: String, remedy: String?) { add(.warning, text, remedy) }

  mutating func error(_ text: String, remedy: String?) { add(.error, text, remedy) }

  mutating func error(_ error: any UserFacingError) { add(.error, error.message, error.hint) }

  /// What kept a look from being taken.
  mutating func error(any error: any Error) {
    if let error = error as? any UserFacingError { return self.error(error) }
    self.error("\(error)", remedy: nil)
  }

  /// A file that could not be looked at, which is not the same as one that is not there.
  mutating func missing(_ error: SystemError, remedy: String) {
    if error.code != ENOENT { return self.error(error) }
    self.error("there is no \(error.subject)", remedy: remedy)
  }

  mutating func add(_ level: CheckResult.Level, _ text: String, _ remedy: String?) {
    results.append(CheckResult(subject, level, text, remedy: remedy))
  }
}
