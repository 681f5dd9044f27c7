import Support
import Glibc
import Ledger
import OpenVPN
import System
import Sweep

extension HealthCheck {
  /// Which servers there are, and who can reach their management interfaces.
  func serverResults() -> [CheckResult] {
    if let serverError {
      return [
        CheckResult("servers", .error, "MANAGEMENT: \(serverError)", remedy: "man 5 quota.conf")
      ]
    }
    var results = serverProblems.map { problem in
      CheckResult(
        "server \(problem.name)", problem.isFailure ? .error : .warning, problem.description,
        remedy: problem.hint)
    }
    if servers.isEmpty, serverProblems.allSatisfy({ $0.isNoMatch }) {
      results.append(
        CheckResult(
          "servers", .warning, "no server is configured",
          remedy: "add the lines of openvpn.conf, beside this program's documents, to its config"))
    }
    return results + servers.compactMap(socketResult)
  }

  private func socketResult(_ server: ManagementEndpoint) -> CheckResult? {
    guard case .unix(let path) = server.address, let sweeper,
      let obstacle = (try? sweeper.obstacle(to: path, W_OK)) ?? nil
    else { return nil }
    return CheckResult(
      "server \(server.name)", .error,
      "\(obstacle) keeps \(sweeper.name) from its management socket",
      remedy: "management /run/openvpn-quota/\(server.name).sock unix")
  }

  /// What a sweep finds now. It is one that only shows what it would do.
  func sweepResults() -> [CheckResult] {
    guard serverError == nil, !servers.isEmpty else { return [] }
    do {
      let patience = Duration.seconds(settings.managementTimeout)
      guard let lock = try StateLock.attempt(.sweep, beside: settings.database, patience: patience)
      else {
        return [
          CheckResult(
            "sweep", .warning, "one is under way, so the servers were not asked",
            remedy: "quota-admin check, in a moment")
        ]
      }
      let log = Log(diagnostics: DiagnosticPrinter(program: "quota-admin"), path: "", level: .error)
      var sweep = try Sweep(settings, log: log, isDryRun: true)
      let summary = try sweep.run()
      _ = consume lock
      return summary.servers.filter { server in servers.contains { $0.name == server.name } }
        .map(result)
    } catch let error as any UserFacingError {
      return [CheckResult("sweep", .error, error.message, remedy: error.hint)]
    } catch {
      return [CheckResult("sweep", .error, "\(error)")]
    }
  }

  private func result(on server: Summary.ServerResult) -> CheckResult {
    let subject = "server \(server.name)"
    switch server.state {
    case .swept: return CheckResult(subject, .ok, "it answers, with \(server.sessions) sessions")
    case .down:
      return CheckResult(
        subject, .warning, "it is not running",
        remedy: startCommand(for: server.name))
    case .failed:
      return CheckResult(
        subject, .error, server.errors.joined(separator: "; "), remedy: server.hint)
    }
  }

  /// The command that sweeps now.
  var sweepCommand: String {
    Systemd.isRunning ? "systemctl start quota-sweep" : "quota-sweep --verbose"
  }

  /// The command that starts a server: OpenVPN's package has a unit for each of its two places of
  /// configs.
  private func startCommand(for name: String) -> String {
    let config = servers.first { $0.name == name }?.config?.file
    guard Systemd.isRunning, let config else { return "start the server \(name)" }
    switch directory(of: config) {
    case "/etc/openvpn/server": return "systemctl start openvpn-server@\(name)"
    case "/etc/openvpn": return "systemctl start openvpn@\(name)"
    default: return "start the server \(name)"
    }
  }

  /// Whether something sweeps regularly, and when that was last done.
  func timerResults() -> [CheckResult] {
    var results: [CheckResult] = []
    if Systemd.isRunning {
      let state = Systemd.properties(of: "quota-sweep.timer", ["ActiveState"])["ActiveState"]
      if state != "active" {
        results.append(
          CheckResult(
            "timer", .error, "quota-sweep.timer is not running",
            remedy: "systemctl enable --now quota-sweep.timer"))
      }
      results += serviceResults()
    }
    return results + [lastSweepResult()]
  }

  private func serviceResults() -> [CheckResult] {
    let service = Systemd.properties(of: "quota-sweep.service", ["Result", "ReadWritePaths"])
    var results: [CheckResult] = []
    if let result = service["Result"], result != "success", !result.isEmpty {
      results.append(
        CheckResult(
          "timer", .error, "the last sweep of quota-sweep.service ended with \(result)",
          remedy: "journalctl -u quota-sweep -n 20"))
    }
    let allowed = (service["ReadWritePaths"] ?? "").split(separator: " ").map { path in
      String(path.drop { $0 == "-" || $0 == "+" })
    }
    guard !allowed.isEmpty else { return results }
    for path in [settings.database, settings.logFile]
    where !path.isEmpty && !allowed.contains(where: { path.hasPrefix($0 + "/") }) {
      results.append(
        CheckResult(
          "timer", .error, "the sandbox of quota-sweep.service keeps it from \(path)",
          remedy: "systemctl edit quota-sweep quota-rotate quota-notify, and below [Service] "
            + "ReadWritePaths=\(directory(of: path))"))
    }
    return results
  }

  /// When the last sweep ended, in seconds since 1970; nil where none did, or the ledger does not say.
  private var lastSweep: Int64? {
    let ledger = try? Ledger.open(
      settings.database, for: .dryRun, rules: settings.rules, zone: settings.zone)
    return (try? ledger?.lastSweep()) ?? nil
  }

  private func lastSweepResult() -> CheckResult {
    let remedy = sweepCommand
    guard let last = lastSweep else {
      return CheckResult("timer", .warning, "no sweep has ended yet", remedy: remedy)
    }
    let ago = now - last
    // Cron sweeps once a minute, whatever the interval.
    guard ago > 3 * Int64(max(settings.monitorInterval, 60)) else {
      return CheckResult("timer", .ok, "the last sweep ended \(max(ago, 0)) s ago")
    }
    return CheckResult("timer", .error, "the last sweep ended \(ago) s ago", remedy: remedy)
  }

  /// Whether the clock can be right: periods and expiries go by it.
  func clockResults() -> [CheckResult] {
    let last = lastSweep ?? 0
    guard last > now + 60 else { return [CheckResult("clock", .ok, "it says \(isoTime(now))")] }
    return [
      CheckResult(
        "clock", .error, "it says \(isoTime(now)), and the last sweep was at \(isoTime(last))",
        remedy: Systemd.isRunning
          ? "timedatectl set-ntp true" : "set the clock, and keep it right by NTP")
    ]
  }
}

/// What systemd knows of a unit.
enum Systemd {
  /// Whether it runs this machine.
  static var isRunning: Bool { (try? FileStatus(of: "/run/systemd/system")) != nil }

  /// The values of some properties; none where systemd cannot be asked.
  static func properties(of unit: String, _ names: [String]) -> [String: String] {
    let command = ["systemctl", "show", "--property", names.joined(separator: ","), unit]
    guard let output = try? System.output(of: command) else { return [:] }
    var values: [String: String] = [:]
    for line in String(decoding: output, as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { values[String(parts[0])] = String(parts[1]) }
    }
    return values
  }
}
