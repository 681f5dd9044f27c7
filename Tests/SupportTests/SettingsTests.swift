import Glibc
import System
import Quota
import Testing
import TestSupport

@testable import Support

/// A change that one line of a file makes to the defaults.
struct AcceptedSetting: Sendable, CustomTestStringConvertible {
  let line: String
  let change: @Sendable (inout Settings) -> Void
  var testDescription: String { line }

  init(_ line: String, _ change: @escaping @Sendable (inout Settings) -> Void) {
    self.line = line
    self.change = change
  }

  static let all: [AcceptedSetting] = paths + numbers + words + others

  static let paths: [AcceptedSetting] = [
    .init("DATABASE=/srv/q.db") { $0.database = "/srv/q.db" },
    .init("DATABASE=\"/srv/with space/ü.db\"") { $0.database = "/srv/with space/ü.db" },
    .init("MANAGEMENT=a=unix:/run/a b=tcp:[::1]:7505,password-file=/p") {
      $0.management = "a=unix:/run/a b=tcp:[::1]:7505,password-file=/p"
    },
    .init("MANAGEMENT=") { $0.management = "" },
    .init("OPENVPN_CONFIGS=/a/*.conf   /b.conf") { $0.openvpnConfigs = ["/a/*.conf", "/b.conf"] },
    .init("OPENVPN_CONFIGS=") { $0.openvpnConfigs = [] },
    .init("LOG_FILE=/l") { $0.logFile = "/l" },
    .init("LOG_FILE=") { $0.logFile = "" },
    .init("NOTIFY_COMMAND=/usr/local/bin/tell") { $0.notifyCommand = "/usr/local/bin/tell" },
    .init("NOTIFY_COMMAND=") { $0.notifyCommand = "" },
    .init("USER_PAGES=/var/www/quota") { $0.userPages = "/var/www/quota" },
    .init("USER_PAGES=") { $0.userPages = "" },
    .init("USER_PAGES_URL=https://vpn.example.net/usage/") {
      $0.userPagesURL = "https://vpn.example.net/usage/"
    },
    .init("USER_PAGES_URL=") { $0.userPagesURL = "" },
  ]

  static let numbers: [AcceptedSetting] = [
    .init("MONITOR_INTERVAL=30") { $0.monitorInterval = 30 },
    .init("MONITOR_INTERVAL=060") { $0.monitorInterval = 60 },
    .init("MANAGEMENT_TIMEOUT=1") { $0.managementTimeout = 1 },
    .init("MANAGEMENT_TIMEOUT=30") { $0.managementTimeout = 30 },
    .init("RETRY_ATTEMPTS=1") { $0.retryAttempts = 1 },
    .init("RETRY_ATTEMPTS=10") { $0.retryAttempts = 10 },
    .init("MAX_LOG_SIZE=10MiB") { $0.maxLogSize = 10 << 20 },
    .init("MAX_LOG_SIZE=4K") { $0.maxLogSize = 4096 },
    .init("MAX_LOG_SIZE=0") { $0.maxLogSize = 0 },
    .init("MAX_LOG_SIZE=unlimited") { $0.maxLogSize = 0 },
    .init("LOG_GENERATIONS=1") { $0.logGenerations = 1 },
    .init("LOG_GENERATIONS=99") { $0.logGenerations = 99 },
    .init("RETENTION_DAYS=1") { $0.retentionDays = 1 },
    .init("RETENTION_DAYS=36500") { $0.retentionDays = 36500 },
    .init("HOURLY_DAYS=1") { $0.hourlyDays = 1 },
    .init("HOURLY_DAYS=3650") { $0.hourlyDays = 3650 },
    .init("DEFAULT_QUOTA=50 GB") { $0.defaultQuota = 50_000_000_000 },
    .init("DEFAULT_QUOTA=1.5GiB") { $0.defaultQuota = 1_610_612_736 },
    .init("DEFAULT_QUOTA=1") { $0.defaultQuota = 1 },
    .init("DEFAULT_QUOTA=Unlimited") { $0.defaultQuota = 0 },
    .init("NOTIFY_DAYS_LEFT=0") { $0.notifyDaysLeft = 0 },
    .init("NOTIFY_DAYS_LEFT=365") { $0.notifyDaysLeft = 365 },
    .init("NOTIFY_AT=100, 50 ,75,50") { $0.notifyAt = [50, 75, 100] },
    .init("NOTIFY_AT=999") { $0.notifyAt = [999] },
    .init("NOTIFY_AT=") { $0.notifyAt = [] },
  ]

  static let words: [AcceptedSetting] = [
    .init("LOG_LEVEL=debug") { $0.logLevel = .debug },
    .init("LOG_LEVEL=INFO") { $0.logLevel = .info },
    .init("LOG_LEVEL=warning") { $0.logLevel = .warning },
    .init("LOG_LEVEL=error") { $0.logLevel = .error },
    .init("IDENTIFY_BY=auto") { $0.identifyBy = .auto },
    .init("IDENTIFY_BY=common-name") { $0.identifyBy = .commonName },
    .init("IDENTIFY_BY=Username") { $0.identifyBy = .username },
    .init("NAMES=exact") { $0.names = .exact },
    .init("NAMES=fold") { $0.names = .fold },
    .init("UNKNOWN_USERS=allow") { $0.unknownUsers = .allow },
    .init("UNKNOWN_USERS=reject") { $0.unknownUsers = .reject },
    .init("UNKNOWN_USERS=ignore") { $0.unknownUsers = .ignore },
    .init("ON_ERROR=allow") { $0.onError = .allow },
    .init("ON_ERROR=reject") { $0.onError = .reject },
    .init("COUNT=total") { $0.count = .total },
    .init("COUNT=sent") { $0.count = .sent },
    .init("COUNT=received") { $0.count = .received },
    .init("FENCE=no") { $0.fence = false },
    .init("FENCE=YES") { $0.fence = true },
  ]

  static let others: [AcceptedSetting] = [
    .init("KILL_MESSAGE=HALT") { $0.killMessage = Array("HALT".utf8) },
    .init("KILL_MESSAGE=RESTART,[N]Später \"ja\"") {
      $0.killMessage = Array("RESTART,[N]Später \"ja\"".utf8)
    },
    .init("KILL_MESSAGE=AUTH_FAILED,no") { $0.killMessage = Array("AUTH_FAILED,no".utf8) },
    .init("UNITS=decimal") { $0.units = .decimal },
    .init("UNITS=Binary") { $0.units = .binary },
    .init("TIME_ZONE=Europe/Berlin") { $0.timeZone = "Europe/Berlin" },
    .init("TIME_ZONE=Etc/GMT+3") { $0.timeZone = "Etc/GMT+3" },
    .init("TIME_ZONE=") { $0.timeZone = "" },
    .init("SYNC=host=db.example.net dbname=vpn") { $0.sync = "host=db.example.net dbname=vpn" },
    .init("SYNC=") { $0.sync = "" },
    .init("SYNC_INTERVAL=5") { $0.syncInterval = 5 },
    .init("SYNC_INTERVAL=3600") { $0.syncInterval = 3600 },
    .init("SYNC_STALE=Allow") { $0.syncStale = nil },
    .init("SYNC_STALE=60:reject") { $0.syncStale = Staleness(after: 60, .reject) },
    .init("SYNC_STALE=864000:slow") { $0.syncStale = Staleness(after: 864_000, .slow) },
    .init("FENCE_OPEN=") { $0.fenceOpen = [] },
    .init("FENCE_OPEN=10.8.0.1:53 10.8.0.1:53  [fd00::1]:53/udp") {
      $0.fenceOpen = ["10.8.0.1:53", "[fd00::1]:53/udp"].compactMap { OpenDestination($0) }
    },
  ]
}

@Suite struct SettingsTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// Loads a file strictly, without any environment.
  func load(_ text: String, _ environment: [String] = []) throws -> LoadedSettings {
    try Settings.load(config: folder.write(text, to: "quota.conf"), environment: environment)
  }

  func loadLeniently(_ text: String, _ environment: [String] = []) throws -> LoadedSettings {
    Settings.loadLeniently(
      config: try folder.write(text, to: "quota.conf"), environment: environment)
  }

  @Test(arguments: AcceptedSetting.all)
  func `A good value is taken, from the file and from the environment`(
    _ example: AcceptedSetting
  ) throws {
    var expected = Settings()
    example.change(&expected)
    let fromFile = try load(example.line + "\n")
    #expect(fromFile.settings == expected)
    #expect(fromFile.problems.isEmpty)
    if !example.line.contains("\"") {
      let fromEnvironment = try load("", [example.line])
      #expect(fromEnvironment.settings == expected)
      #expect(fromEnvironment.problems.isEmpty)
    }
  }

  static let refused: [(String, String)] = [
    ("DATABASE=", "DATABASE is empty; allowed is a file's absolute path of at most 4095 bytes"),
    ("DATABASE=quota.db", "DATABASE is \"quota.db\"; allowed is a file's absolute path"),
    ("DATABASE=/var/lib/", "DATABASE is \"/var/lib/\"; allowed is a file's absolute path"),
    ("DATABASE=:memory:", "DATABASE is \":memory:\"; allowed is"),
    ("DATABASE=/a\u{7}b", "DATABASE is \"/a\\x07b\"; allowed is UTF-8 without control"),
    ("DATABASE=/a\0b", "DATABASE is \"/a\\x00b\"; allowed is UTF-8 without control"),
    ("MANAGEMENT='a\nb'", "MANAGEMENT is \"a\\x0Ab\"; allowed is UTF-8 without control"),
    ("OPENVPN_CONFIGS=/a b", "OPENVPN_CONFIGS is \"/a b\"; allowed are absolute paths"),
    ("MONITOR_INTERVAL=", "MONITOR_INTERVAL is empty; allowed are whole seconds from 30 to 60"),
    ("MONITOR_INTERVAL=29", "MONITOR_INTERVAL is \"29\"; allowed are whole seconds from 30 to 60"),
    ("MONITOR_INTERVAL=61", "MONITOR_INTERVAL is \"61\"; allowed are whole seconds from 30 to 60"),
    ("MONITOR_INTERVAL=45s", "MONITOR_INTERVAL is \"45s\"; allowed are whole seconds"),
    ("MONITOR_INTERVAL=-45", "MONITOR_INTERVAL is \"-45\"; allowed are whole seconds"),
    ("MONITOR_INTERVAL=+45", "MONITOR_INTERVAL is \"+45\"; allowed are whole seconds"),
    ("MONITOR_INTERVAL=45.0", "MONITOR_INTERVAL is \"45.0\"; allowed are whole seconds"),
    ("MONITOR_INTERVAL=0x2D", "MONITOR_INTERVAL is \"0x2D\"; allowed are whole seconds"),
    ("MONITOR_INTERVAL=45 # s", "MONITOR_INTERVAL is \"45 # s\"; allowed are whole seconds"),
    ("MONITOR_INTERVAL=18446744073709551661", "MONITOR_INTERVAL is \"18446744073709551661\""),
    ("MANAGEMENT_TIMEOUT=0", "allowed are whole seconds from 1 to 30"),
    ("MANAGEMENT_TIMEOUT=31", "allowed are whole seconds from 1 to 30"),
    ("RETRY_ATTEMPTS=0", "allowed are whole tries from 1 to 10"),
    ("RETRY_ATTEMPTS=11", "allowed are whole tries from 1 to 10"),
    ("LOG_FILE=log", "allowed is a file's absolute path of at most 4095 bytes, or nothing for no"),
    ("LOG_LEVEL=loud", "LOG_LEVEL is \"loud\"; allowed is one of: debug info warning error"),
    ("LOG_LEVEL=", "LOG_LEVEL is empty; allowed is one of: debug info warning error"),
    ("LOG_LEVEL=info warning", "LOG_LEVEL is \"info warning\"; allowed is one of"),
    ("MAX_LOG_SIZE=4095", "MAX_LOG_SIZE is \"4095\"; allowed are 4096 bytes or more, and 0: never"),
    ("MAX_LOG_SIZE=-1", "MAX_LOG_SIZE is \"-1\"; a size cannot be negative; allowed are bytes"),
    ("MAX_LOG_SIZE=big", "MAX_LOG_SIZE is \"big\"; not a size; allowed are bytes"),
    ("LOG_GENERATIONS=0", "allowed are whole files from 1 to 99"),
    ("LOG_GENERATIONS=100", "allowed are whole files from 1 to 99"),
    ("RETENTION_DAYS=0", "allowed are whole days from 1 to 36500"),
    ("RETENTION_DAYS=36501", "allowed are whole days from 1 to 36500"),
    ("HOURLY_DAYS=0", "allowed are whole days from 1 to 3650"),
    ("HOURLY_DAYS=3651", "allowed are whole days from 1 to 3650"),
    ("IDENTIFY_BY=cn", "IDENTIFY_BY is \"cn\"; allowed is one of: auto common-name username"),
    ("NAMES=lower", "NAMES is \"lower\"; allowed is one of: exact fold"),
    ("UNKNOWN_USERS=deny", "UNKNOWN_USERS is \"deny\"; allowed is one of: allow reject ignore"),
    ("DEFAULT_QUOTA=", "DEFAULT_QUOTA is empty; a size is missing; allowed are bytes"),
    ("DEFAULT_QUOTA=9223372036854775808", "a size can be at most 9223372036854775807 bytes"),
    ("DEFAULT_QUOTA=1Mb", "a small b after a large letter may mean bits"),
    ("ON_ERROR=ignore", "ON_ERROR is \"ignore\"; allowed is one of: allow reject"),
    ("UNITS=metric", "UNITS is \"metric\"; allowed is one of: decimal binary"),
    ("COUNT=both", "COUNT is \"both\"; allowed is one of: total sent received"),
    ("KILL_MESSAGE=", "KILL_MESSAGE is empty; allowed are 1 to 255 bytes of UTF-8 without control"),
    ("KILL_MESSAGE='HALT,a\nsignal SIGTERM'", "KILL_MESSAGE is \"HALT,a\\x0Asignal SIGTERM\""),
    ("KILL_MESSAGE=HALT,\u{1B}[2J", "KILL_MESSAGE is \"HALT,\\x1B[2J\"; allowed are 1 to 255"),
    ("TIME_ZONE=Mars/Olympus", "allowed is an IANA name with a readable file below /usr/share"),
    ("TIME_ZONE=Europe", "TIME_ZONE is \"Europe\"; allowed is an IANA name"),
    ("TIME_ZONE=../../../etc/localtime", "allowed is an IANA name"),
    ("TIME_ZONE=/etc/localtime", "TIME_ZONE is \"/etc/localtime\"; allowed is an IANA name"),
    ("TIME_ZONE=zone.tab", "allowed is an IANA name"),
    ("TIME_ZONE=tzdata.zi", "allowed is an IANA name"),
    ("TIME_ZONE=CET-1CEST", "TIME_ZONE is \"CET-1CEST\"; allowed is an IANA name"),
    ("NOTIFY_AT=0", "allowed are percentages from 1 to 999 with commas between them"),
    ("NOTIFY_AT=80,,95", "allowed are percentages from 1 to 999 with commas between them"),
    ("NOTIFY_AT=80%", "allowed are percentages from 1 to 999 with commas between them"),
    ("NOTIFY_AT=,", "allowed are percentages from 1 to 999 with commas between them"),
    ("NOTIFY_AT= , ,", "allowed are percentages from 1 to 999 with commas between them"),
    ("NOTIFY_DAYS_LEFT=366", "allowed are whole days from 0 to 365"),
    ("NOTIFY_COMMAND=mail me", "allowed is a file's absolute path"),
    ("FENCE=1", "FENCE is \"1\"; allowed is one of: no yes"),
    ("FENCE=", "FENCE is empty; allowed is one of: no yes"),
    ("SYNC='a\nb'", "SYNC is \"a\\x0Ab\"; allowed is UTF-8 without control"),
    (
      "SYNC_STALE=reject",
      "SYNC_STALE is \"reject\"; allowed is allow, or seconds from 60 to 864000"
    ),
    ("SYNC_STALE=59:slow", "allowed is allow, or seconds from 60 to 864000"),
    ("SYNC_STALE=60:stop", "one of allow reject slow"),
    ("SYNC_INTERVAL=4", "allowed are whole seconds from 5 to 3600"),
    ("FENCE_OPEN=10.8.0.1 dns", "allowed are addresses and networks with spaces between them"),
    ("USER_PAGES_URL=vpn.example.net", "allowed is an address without ? and #, such as"),
    ("USER_PAGES_URL=https://", "allowed is an address"),
    ("USER_PAGES_URL=https://a b/", "allowed is an address"),
    ("USER_PAGES=pages", "allowed is a directory's absolute path of at most 4095 bytes, or"),
    ("RUBBISH", "\"RUBBISH\" is not a setting; allowed are KEY=VALUE and comments"),
  ]

  @Test(arguments: refused)
  func `A bad value stops a program with its line and what is allowed`(
    line: String, complaint: String
  ) throws {
    let path = try folder.write("# a comment\n\n\(line)\n", to: "quota.conf")
    let error = #expect(throws: SettingsError.self) {
      try Settings.load(config: path, environment: [])
    }
    let message = error?.message ?? ""
    #expect(message.hasPrefix("\(path):3: "))
    #expect(message.contains(complaint), "\(message)")
    #expect(!message.utf8.contains { $0 < 0x20 })
    #expect(error?.exitStatus == .configuration)
  }

  @Test(arguments: refused)
  func `A bad value leaves a hook with that default and all the other values`(
    line: String, complaint: String
  ) throws {
    let others = line.hasPrefix("RETRY_") ? "COUNT=sent\n" : "COUNT=sent\nRETRY_ATTEMPTS=4\n"
    let loaded = try loadLeniently(line.hasPrefix("COUNT") ? line : "\(line)\n\(others)")
    var expected = Settings()
    if !line.hasPrefix("COUNT") { expected.count = .sent }
    if !line.hasPrefix("COUNT"), !line.hasPrefix("RETRY_") { expected.retryAttempts = 4 }
    #expect(loaded.settings == expected)
    let errors = loaded.problems.filter(\.isError)
    #expect(errors.count == 1)
    #expect(errors.first?.text.contains(complaint) == true)
  }

  @Test func `The table of bad values has every key that can have one`() {
    for key in Settings.keys {
      #expect(SettingsTests.refused.contains { $0.0.hasPrefix("\(key)=") }, "\(key)")
      #expect(AcceptedSetting.all.contains { $0.line.hasPrefix("\(key)=") }, "\(key)")
    }
  }

  @Test func `Bytes that are not UTF-8 are refused in a value and harmless in a comment`() throws {
    let path = try folder.write("", to: "quota.conf")
    let file = try Descriptor.open(path, O_WRONLY)
    let text = Array("# caf".utf8) + [0xE9, 10] + Array("LOG_FILE=/caf".utf8) + [0xE9, 10]
    try file.write(text.span, to: path)
    let loaded = Settings.loadLeniently(config: path, environment: [])
    #expect(loaded.settings == Settings())
    #expect(
      loaded.problems.map(\.message) == [
        "\(path):2: LOG_FILE is \"/caf\\xE9\"; allowed is UTF-8 without control characters"
      ])
  }

  @Test func `A kill message that clients do not act on is taken with a warning`() throws {
    for (message, warns) in [
      ("HALT", false), ("HALT,x", false), ("HALTED", true), ("halt,x", true), ("hello", true),
      ("RESTART,x", false), ("AUTH_FAILED", false), (",HALT", true),
    ] {
      let loaded = try load("KILL_MESSAGE=\(message)\n")
      #expect(loaded.settings.killMessage == Array(message.utf8))
      #expect(loaded.problems.map(\.isError) == (warns ? [false] : []), "\(message)")
    }
    #expect(throws: SettingsError.self) {
      try load("KILL_MESSAGE=HALT,\(String(repeating: "x", count: 251))\n")
    }
    let longest = try load("KILL_MESSAGE=HALT,\(String(repeating: "x", count: 250))\n")
    #expect(longest.settings.killMessage.count == 255)
  }
}
