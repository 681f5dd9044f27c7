import Ledger
import Support

/// Whether this host hears of those that it shares its users with.
struct HostsCheck {
  let settings: Settings
  /// Seconds since 1970 in UTC.
  let now: Int64
  var isSystemdRunning = Systemd.isRunning
  var isActive = Systemd.isActive

  func results() -> [CheckResult] {
    // A ledger that cannot be opened is told of by itself.
    guard
      let ledger = try? Ledger.open(
        settings.database, for: .dryRun, rules: settings.rules, zone: settings.zone)
    else { return [] }
    var report = CheckReport("hosts")
    let membership = try? ledger.hosts.membership()
    switch (membership, settings.sync.isEmpty) {
    case (nil, true): break
    case (nil, false):
      report.warning(
        "SYNC is set, and this host shares its users with no other", remedy: "quota-sync --join")
    case (let membership?, true):
      report.error(
        "this host shares its users as \(membership.host), and SYNC is empty",
        remedy: "set SYNC in quota.conf as it was; quota-sync --leave --alone ends the sharing")
    case (let membership?, false):
      news(of: membership, &report)
      timer(&report)
      bound(membership, ledger, &report)
    }
    return report.results
  }

  private func news(of membership: Membership, _ report: inout CheckReport) {
    let others = "\(membership.hosts - 1) other host\(membership.hosts == 2 ? "" : "s")"
    guard let heard = membership.heardAt else {
      return report.error(
        "\(membership.host) has never heard of the others", remedy: "quota-sync --verbose")
    }
    let ago = max(0, now - heard)
    // Cron runs quota-sync every 15 seconds, whatever the interval.
    let isLate = ago > 3 * Int64(max(settings.syncInterval, 15))
    report.add(
      isLate ? .error : .ok, "\(membership.host) heard of \(others) \(ago) s ago",
      isLate ? "quota-sync --verbose; journalctl -u quota-sync -n 20" : nil)
  }

  private func timer(_ report: inout CheckReport) {
    let timer = "quota-sync.timer"
    guard isSystemdRunning, !isActive(timer) else { return }
    report.error(
      "\(timer) is not running",
      remedy: "systemctl daemon-reload && systemctl start \(timer)")
  }

  /// What one user can use too much while the centre is away.
  private func bound(
    _ membership: Membership, _ ledger: Ledger, _ report: inout CheckReport
  ) {
    var most: Int64 = 0
    let isRead: Void? = try? ledger.users.forEach(at: now) { user in
      most = max(most, membership.mostBeyond(for: user, by: settings.rules))
    }
    guard isRead != nil, most > 0 else { return }
    report.ok(
      "while the hosts hear nothing of each other, one user can use \(most) bytes too much at most")
  }
}
