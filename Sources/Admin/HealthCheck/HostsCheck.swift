import Ledger
import Support

/// Whether this host hears of those that it shares its users with.
struct HostsCheck {
  let settings: Settings
  /// Seconds since 1970 in UTC.
  let now: Int64

  func results() -> [CheckResult] {
    // A ledger that cannot be opened is told of by itself.
    guard
      let ledger = try? Ledger.open(
        settings.database, for: .dryRun, rules: settings.rules, zone: settings.zone)
    else { return [] }
    guard let membership = try? ledger.hosts.membership() else {
      return settings.sync.isEmpty ? [] : [notJoined]
    }
    if settings.sync.isEmpty {
      return [
        CheckResult(
          "hosts", .error, "this host shares its users as \(membership.host), and SYNC is empty",
          remedy: "set SYNC in quota.conf as it was; quota-sync --leave ends the sharing")
      ]
    }
    return [news(of: membership), bound(membership, ledger)].compactMap(\.self)
  }

  private var notJoined: CheckResult {
    CheckResult(
      "hosts", .warning, "SYNC is set, and this host shares its users with no other",
      remedy: "quota-sync --join")
  }

  private func news(of membership: Membership) -> CheckResult {
    let others = "\(membership.hosts - 1) other host\(membership.hosts == 2 ? "" : "s")"
    guard let heard = membership.heardAt else {
      return CheckResult(
        "hosts", .error, "\(membership.host) has never heard of the others",
        remedy: "quota-sync --verbose")
    }
    let ago = max(0, now - heard)
    // Cron runs quota-sync every 15 seconds, whatever the interval.
    let isLate = ago > 3 * Int64(max(settings.syncInterval, 15))
    return CheckResult(
      "hosts", isLate ? .error : .ok,
      "\(membership.host) heard of \(others) \(ago) s ago",
      remedy: isLate ? "quota-sync --verbose; journalctl -u quota-sync -n 20" : nil)
  }

  /// What one user can use too much while the centre is away.
  private func bound(_ membership: Membership, _ ledger: Ledger) -> CheckResult? {
    var most: Int64 = 0
    let isRead: Void? = try? ledger.users.forEach(at: now) { user in
      most = max(most, membership.mostBeyond(for: user, by: settings.rules))
    }
    guard isRead != nil, most > 0 else { return nil }
    return CheckResult(
      "hosts", .ok,
      "while the hosts hear nothing of each other, one user can use \(most) bytes too much at most")
  }
}
