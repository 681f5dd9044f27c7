import Glibc
import Ledger
import OpenVPN
import Support
import Sweep
import System

/// Looks at what runs: the servers, by a sweep that changes nothing, the timer and the clock.
struct SweepCheck {
  let settings: Settings
  let servers: [ManagementEndpoint]
  let now: Int64

  /// What a sweep finds now. It is one that only shows what it would do.
  func sweepResults() -> [CheckResult] {
    guard !servers.isEmpty else { return [] }
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
        .flatMap(results)
    } catch let error as any UserFacingError {
      return [CheckResult("sweep", .error, error.message, remedy: error.hint)]
    } catch {
      return [CheckResult("sweep", .error, "\(error)")]
    }
  }

  private func results(of server: Summary.ServerResult) -> [CheckResult] {
    let subject = "server \(server.name)"
    switch server.state {
    case .swept:
      let answer = CheckResult(subject, .ok, "it answers, with \(server.sessions) sessions")
      if !server.countersStandStill { return [answer] }
      return [
        answer,
        CheckResult(
          subject, .warning, Summary.ServerResult.stillCounters,
          remedy: "a newer kernel module, or disable-dco in the server's config"),
      ]
    case .down:
      let config = servers.first { $0.name == server.name }?.config?.file
      let unit = OpenVPNUnit(config: config ?? server.name)
      return [
        SweepCheck.silence(of: server.name, at: server.address, unit, isActive: unit.isActive)
      ]
    case .failed:
      return [
        CheckResult(
          subject, .error, server.errors.joined(separator: "; "), remedy: server.hint)
      ]
    }
  }

  /// What to say of a server at whose management address nothing listens.
  ///
  /// - Parameter isActive: whether systemd runs it; nil where it has no unit that we know.
  static func silence(
    of server: String, at address: String, _ unit: OpenVPNUnit, isActive: Bool?
  ) -> CheckResult {
    let subject = "server \(server)"
    switch isActive {
    case true?:
      return CheckResult(
        subject, .error,
        "it runs, and nothing listens at \(address): its config was changed since it started",
        remedy: unit.command("restart"))
    case false?:
      return CheckResult(subject, .warning, "it is not running", remedy: unit.command("start"))
    case nil:
      return CheckResult(
        subject, .warning,
        "nothing listens at \(address): it is not running, or its config was changed since it "
          + "started", remedy: unit.command("restart"))
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
    let remedy = Systemd.sweepCommand
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
