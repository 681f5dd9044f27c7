import Quota

extension Settings {
  /// The settings that bear on who may be in.
  package var rules: Rules {
    Rules(count: count, unknownUsers: unknownUsers, defaultQuota: defaultQuota)
  }

  /// The zone that days and periods are reckoned in.
  package var zone: Zone { .system(named: timeZone) }
}
