import Quota

extension Settings {
  /// The settings that the rules go by.
  package var rules: Rules {
    Rules(
      count: count, unknownUsers: unknownUsers, names: names, defaultQuota: defaultQuota,
      notifyAt: notifyAt, notifyDaysLeft: Int64(notifyDaysLeft), interval: Int64(monitorInterval))
  }

  /// The zone of days and periods.
  package var zone: Zone { .system(named: timeZone) }
}
