import Quota

/// One key of `quota.conf`: all that is known about it, in one place.
struct Setting: Sendable {
  /// The key, which is also the name of the environment variable.
  let name: String
  /// Checks a value and stores it.
  ///
  /// - Throws: `SettingRefusal`.
  let take: @Sendable (inout Settings, SettingValue) throws -> Void
  /// What is unusual about a value that was taken, if anything.
  let advice: @Sendable (Settings) -> String?

  private init<Value>(
    _ name: String, _ property: WritableKeyPath<Settings, Value> & Sendable,
    advice: @escaping @Sendable (Settings) -> String? = { _ in nil },
    _ read: @escaping @Sendable (SettingValue) throws -> Value
  ) {
    self.name = name
    self.advice = advice
    take = { settings, value in settings[keyPath: property] = try read(value) }
  }

  /// Every key, in the order of the sample file and of `quota.conf(5)`.
  static let all: [Setting] = [
    Setting("DATABASE", \.database) { try $0.path() },
    Setting("MANAGEMENT", \.management) { try $0.text() },
    Setting("OPENVPN_CONFIGS", \.openvpnConfigs) { try $0.paths() },
    Setting("MONITOR_INTERVAL", \.monitorInterval) { try $0.number(30...60, of: "seconds") },
    Setting("MANAGEMENT_TIMEOUT", \.managementTimeout) { try $0.number(1...30, of: "seconds") },
    Setting("RETRY_ATTEMPTS", \.retryAttempts) { try $0.number(1...10, of: "tries") },
    Setting("LOG_FILE", \.logFile) { try $0.path(orEmpty: "for no file") },
    Setting("LOG_LEVEL", \.logLevel) { try $0.choice() },
    Setting("MAX_LOG_SIZE", \.maxLogSize) { try $0.size(atLeast: 4096, zero: "never rotate") },
    Setting("LOG_GENERATIONS", \.logGenerations) { try $0.number(1...99, of: "files") },
    Setting("RETENTION_DAYS", \.retentionDays) { try $0.number(1...36500, of: "days") },
    Setting("HOURLY_DAYS", \.hourlyDays) { try $0.number(1...3650, of: "days") },
    Setting("IDENTIFY_BY", \.identifyBy) { try $0.choice() },
    Setting("NAMES", \.names) { try $0.choice() },
    Setting("UNKNOWN_USERS", \.unknownUsers) { try $0.choice() },
    Setting("DEFAULT_QUOTA", \.defaultQuota) { try $0.size(atLeast: 1, zero: "unlimited") },
    Setting("ON_ERROR", \.onError) { try $0.choice() },
    Setting("COUNT", \.count) { try $0.choice() },
    Setting("KILL_MESSAGE", \.killMessage, advice: killMessageAdvice) {
      try $0.controlMessage(atMost: 255)
    },
    Setting("TIME_ZONE", \.timeZone) { try $0.zone() },
    Setting("UNITS", \.units) { try $0.choice() },
    Setting("NOTIFY_AT", \.notifyAt) { try $0.percentages(1...999) },
    Setting("NOTIFY_DAYS_LEFT", \.notifyDaysLeft) { try $0.number(0...365, of: "days") },
    Setting("NOTIFY_COMMAND", \.notifyCommand) { try $0.path(orEmpty: "for no command") },
    Setting("FENCE", \.fence) { try $0.yesOrNo() },
    Setting("FENCE_OPEN", \.fenceOpen) { try $0.destinations() },
    Setting("USER_PAGES", \.userPages) { try $0.path(orEmpty: "for no pages", of: "directory") },
    Setting("USER_PAGES_URL", \.userPagesURL) { try $0.webAddress() },
    Setting("SYNC", \.sync) { try $0.text() },
    Setting("SYNC_INTERVAL", \.syncInterval) { try $0.number(5...3600, of: "seconds") },
    Setting("SYNC_STALE", \.syncStale) { try $0.staleness(60...864_000) },
  ]

  /// The setting of a key; nil if there is no such key.
  static func named(_ name: String) -> Setting? { all.first { $0.name == name } }

  /// A client does something about these three only; of anything else it logs an unknown message.
  @Sendable private static func killMessageAdvice(_ settings: Settings) -> String? {
    let word = settings.killMessage.prefix { $0 != UInt8(ascii: ",") }
    for known in ["HALT", "RESTART", "AUTH_FAILED"] where word.elementsEqual(known.utf8) {
      return nil
    }
    return "clients only act on a message that is HALT, RESTART or AUTH_FAILED, or begins with one "
      + "of these and a comma"
  }
}
