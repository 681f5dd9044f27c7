import Quota

/// One key of `quota.conf`: all that is known about it, in one place.
struct Setting: Sendable {
  /// The key, which is also the name of the environment variable.
  let name: StaticString
  /// Checks a value and stores it.
  let take: @Sendable (inout Settings, SettingValue) throws(SettingRefusal) -> Void
  /// What is unusual about a value that was taken, if anything.
  let advice: @Sendable (Settings) -> String?

  init(
    _ name: StaticString,
    advice: @escaping @Sendable (Settings) -> String? = { _ in nil },
    take: @escaping @Sendable (inout Settings, SettingValue) throws(SettingRefusal) -> Void
  ) {
    self.name = name
    self.advice = advice
    self.take = take
  }

  /// Every key, in the order of the sample file and of `quota.conf(5)`.
  static let all: [Setting] = [
    Setting("DATABASE") { to, value throws(SettingRefusal) in
      to.database = try value.path()
    },
    Setting("MANAGEMENT") { to, value throws(SettingRefusal) in
      to.management = try value.text()
    },
    Setting("OPENVPN_CONFIGS") { to, value throws(SettingRefusal) in
      to.openvpnConfigs = try value.paths()
    },
    Setting("MONITOR_INTERVAL") { to, value throws(SettingRefusal) in
      to.monitorInterval = try value.number(30...60, of: "seconds")
    },
    Setting("MANAGEMENT_TIMEOUT") { to, value throws(SettingRefusal) in
      to.managementTimeout = try value.number(1...30, of: "seconds")
    },
    Setting("RETRY_ATTEMPTS") { to, value throws(SettingRefusal) in
      to.retryAttempts = try value.number(1...10, of: "tries")
    },
    Setting("LOG_FILE") { to, value throws(SettingRefusal) in
      to.logFile = try value.path(orEmpty: "for no file")
    },
    Setting("LOG_LEVEL") { to, value throws(SettingRefusal) in
      to.logLevel = try value.choice()
    },
    Setting("MAX_LOG_SIZE") { to, value throws(SettingRefusal) in
      to.maxLogSize = try value.size(atLeast: 4096, zero: "never rotate")
    },
    Setting("LOG_GENERATIONS") { to, value throws(SettingRefusal) in
      to.logGenerations = try value.number(1...99, of: "files")
    },
    Setting("RETENTION_DAYS") { to, value throws(SettingRefusal) in
      to.retentionDays = try value.number(1...36500, of: "days")
    },
    Setting("HOURLY_DAYS") { to, value throws(SettingRefusal) in
      to.hourlyDays = try value.number(1...3650, of: "days")
    },
    Setting("IDENTIFY_BY") { to, value throws(SettingRefusal) in
      to.identifyBy = try value.choice()
    },
    Setting("NAMES") { to, value throws(SettingRefusal) in
      to.names = try value.choice()
    },
    Setting("UNKNOWN_USERS") { to, value throws(SettingRefusal) in
      to.unknownUsers = try value.choice()
    },
    Setting("DEFAULT_QUOTA") { to, value throws(SettingRefusal) in
      to.defaultQuota = try value.size(atLeast: 1, zero: "unlimited")
    },
    Setting("ON_ERROR") { to, value throws(SettingRefusal) in
      to.onError = try value.choice()
    },
    Setting("COUNT") { to, value throws(SettingRefusal) in
      to.count = try value.choice()
    },
    Setting("KILL_MESSAGE", advice: killMessageAdvice) { to, value throws(SettingRefusal) in
      to.killMessage = try value.controlMessage(atMost: 255)
    },
    Setting("TIME_ZONE") { to, value throws(SettingRefusal) in
      to.timeZone = try value.zone()
    },
    Setting("NOTIFY_AT") { to, value throws(SettingRefusal) in
      to.notifyAt = try value.percentages(1...999)
    },
    Setting("NOTIFY_DAYS_LEFT") { to, value throws(SettingRefusal) in
      to.notifyDaysLeft = try value.number(0...365, of: "days")
    },
    Setting("NOTIFY_COMMAND") { to, value throws(SettingRefusal) in
      to.notifyCommand = try value.path(orEmpty: "for no command")
    },
  ]

  /// Where in `all` a key is; nil if there is no such key.
  static func index(of key: Span<UInt8>) -> Int? {
    all.indices.first { equals(all[$0].name, key) }
  }

  static func equals(_ name: StaticString, _ key: Span<UInt8>) -> Bool {
    guard name.utf8CodeUnitCount == key.count else { return false }
    for offset in key.indices where unsafe name.utf8Start[offset] != key[offset] { return false }
    return true
  }

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
