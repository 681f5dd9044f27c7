import Quota

extension Settings {
  /// The settings that the rules go by.
  package var rules: Rules {
    Rules(
      count: count, unknownUsers: unknownUsers, defaultQuota: defaultQuota, notifyAt: notifyAt,
      notifyDaysLeft: Int64(notifyDaysLeft), interval: Int64(monitorInterval))
  }

  /// The zone that days and periods are reckoned in.
  package var zone: Zone { .system(named: timeZone) }
}
