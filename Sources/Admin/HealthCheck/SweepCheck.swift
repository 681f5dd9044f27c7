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
    var report = CheckReport("sweep")
    do {
      let patience = Duration.seconds(settings.managementTimeout)
      guard let lock = try StateLock.attempt(.sweep, beside: settings.database, patience: patience)
      else {
        report.warning(
          "one is under way, so the servers were not asked",
          remedy: "quota-admin check, in a moment")
        return report.results
      }
      let log = Log(diagnostics: DiagnosticPrinter(program: "quota-admin"), path: "", level: .error)
      var sweep = try Sweep(settings, log: log, isDryRun: true)
      let summary = try sweep.run()
      _ = consume lock
      return summary.servers.filter { server in servers.contains { $0.name == server.name } }
        .flatMap(results)
    } catch {
      report.error(any: error)
      return report.results
    }
  }

  private func results(of server: Summary.ServerResult) -> [CheckResult] {
    var report = CheckReport("server \(server.name)")
    switch server.state {
    case .swept:
      report.ok("it answers, with \(server.sessions) sessions")
      if server.countersStandStill {
        report.warning(
          Summary.ServerResult.stillCounters,
          remedy: "a newer kernel module, or disable-dco in the server's config")
      }
    case .down:
      let config = servers.first { $0.name == server.name }?.config?.file
      let unit = OpenVPNUnit(config: config ?? server.name)
      return [
        SweepCheck.silence(of: server.name, at: server.address, unit, isActive: unit.isActive)
      ]
    case .failed: report.error(server.errors.joined(separator: "; "), remedy: server.hint)
    }
    return report.results
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
    var report = CheckReport("timer")
    if Systemd.isRunning {
      if !Systemd.isActive("quota-sweep.timer") {
        report.error(
          "quota-sweep.timer is not running", remedy: "systemctl enable --now quota-sweep.timer")
      }
      lookAtService(&report)
    }
    lookAtLastSweep(&report)
    return report.results
  }

  private func lookAtService(_ report: inout CheckReport) {
    let service = Systemd.properties(of: "quota-sweep.service", ["Result", "ReadWritePaths"])
    if let result = service["Result"], result != "success", !result.isEmpty {
      report.error(
        "the last sweep of quota-sweep.service ended with \(result)",
        remedy: "journalctl -u quota-sweep -n 20")
    }
    let allowed = (service["ReadWritePaths"] ?? "").split(separator: " ").map { path in
      String(path.drop { $0 == "-" || $0 == "+" })
    }
    guard !allowed.isEmpty else { return }
    for path in [settings.database, settings.logFile]
    where !path.isEmpty && !allowed.contains(where: { path.hasPrefix($0 + "/") }) {
      report.error(
        "the sandbox of quota-sweep.service keeps it from \(path)",
        remedy: "systemctl edit quota-sweep quota-rotate quota-notify, and below [Service] "
          + "ReadWritePaths=\(directory(of: path))")
    }
  }

  /// When the last sweep ended, in seconds since 1970; nil where none did, or the ledger does not say.
  private var lastSweep: Int64? {
    let ledger = try? Ledger.open(
      settings.database, for: .dryRun, rules: settings.rules, zone: settings.zone)
    return (try? ledger?.lastSweep()) ?? nil
  }

  private func lookAtLastSweep(_ report: inout CheckReport) {
    guard let last = lastSweep else {
      return report.warning("no sweep has ended yet", remedy: Systemd.sweepCommand)
    }
    let ago = now - last
    // Cron sweeps once a minute, whatever the interval.
    if ago > 3 * Int64(max(settings.monitorInterval, 60)) {
      report.error("the last sweep ended \(ago) s ago", remedy: Systemd.sweepCommand)
    } else {
      report.ok("the last sweep ended \(max(ago, 0)) s ago")
    }
  }

  /// Whether the clock can be right: periods and expiries go by it.
  func clockResults() -> [CheckResult] {
    var report = CheckReport("clock")
    let last = lastSweep ?? 0
    if last > now + 60 {
      report.error(
        "it says \(isoTime(now)), and the last sweep was at \(isoTime(last))",
        remedy: Systemd.isRunning
          ? "timedatectl set-ntp true" : "set the clock, and keep it right by NTP")
    } else {
      report.ok("it says \(isoTime(now))")
    }
    return report.results
  }
}
