import Glibc
import Quota
import Synchronization
import System

/// What an operator may choose, each with its default; `quota.conf(5)` has one entry for each.
///
/// Made by `load` or `loadLeniently`, so that every value in it has been checked.
package struct Settings: Equatable, Sendable {
  package var database = InstalledPaths.database
  /// `MANAGEMENT`: servers to sweep, as written; empty means those found in `openvpnConfigs`.
  package var management = ""
  /// `OPENVPN_CONFIGS`: patterns of server configs, each an absolute path that may have wildcards.
  package var openvpnConfigs = ["/etc/openvpn/server/*.conf", "/etc/openvpn/*.conf"]
  /// `MONITOR_INTERVAL`: seconds between sweeps and a sweep's own time budget, 30 to 60.
  package var monitorInterval = 45
  /// `MANAGEMENT_TIMEOUT`: seconds one server may take to answer, 1 to 30.
  package var managementTimeout = 5
  package var retryAttempts = 3
  /// `LOG_FILE`: absolute path of the log; empty for none.
  package var logFile = "/var/log/openvpn/traffic_monitor.log"
  package var logLevel = LogLevel.info
  /// `MAX_LOG_SIZE`: bytes before the log is rotated, 4096 or more; 0 means never.
  package var maxLogSize: Int64 = 10_485_760
  package var logGenerations = 5
  package var retentionDays = 400
  /// `HOURLY_DAYS`: days for which usage is kept by hours, 1 to 3650; of days before, by days.
  package var hourlyDays = 8
  package var identifyBy = IdentifyBy.auto
  package var names = Names.exact
  package var unknownUsers = UnknownUsers.allow
  /// `DEFAULT_QUOTA`: bytes for users created on first sight; 0 is unlimited.
  package var defaultQuota: Int64 = 0
  package var onError = OnError.allow
  package var count = Count.total
  /// `KILL_MESSAGE`: the control message sent with client-kill: 1 to 255 bytes of UTF-8 without
  /// control characters.
  package var killMessage = Array("HALT,Traffic quota used up".utf8)
  /// `TIME_ZONE`: an IANA name with a readable zone file; empty for `/etc/localtime`. For
  /// `Zone.system(named:)`.
  package var timeZone = ""
  package var units = ByteUnits.decimal
  /// `NOTIFY_AT`: percentages that notify, 1 to 999, ascending, each once; may be empty.
  package var notifyAt = [80, 95, 100]
  /// `NOTIFY_DAYS_LEFT`: days before an expiry that notify, 0 to 365; 0 means never.
  package var notifyDaysLeft = 3
  /// `NOTIFY_COMMAND`: absolute path of the program that delivers a notice; empty for none.
  package var notifyCommand = ""
  package var fence = false
  /// `FENCE_OPEN`: where everybody may send at full speed, over the quota too.
  package var fenceOpen: [OpenDestination] = []
  /// `USER_PAGES`: absolute path of the directory of the users' pages; empty for none.
  package var userPages = ""
  /// `USER_PAGES_URL`: the address at which a web server delivers that directory; empty if that is not known.
  package var userPagesURL = ""
  /// `SYNC`: how libpq connects to the centre that several hosts share; empty for a host by itself.
  package var sync = ""
  /// `SYNC_INTERVAL`: seconds between two runs of quota-sync, 5 to 3600.
  package var syncInterval = 15
  /// `SYNC_STALE`: what is done about users with a quota after so many seconds without news of the other
  /// hosts; 60 to 864000 seconds, nil for nothing.
  package var syncStale: Staleness?

  /// Whether quota-fence has not come after the last sweeps; no setting.
  package var isFenceDown = false

  package init() {}
}

extension Settings {
  /// The settings that the rules go by.
  package var rules: Rules {
    var rules = Rules(
      count: count, unknownUsers: unknownUsers, identifyBy: identifyBy, names: names,
      defaultQuota: defaultQuota, notifyAt: notifyAt, notifyDaysLeft: Int64(notifyDaysLeft),
      interval: Int64(monitorInterval), fence: fence,
      staleness: syncStale ?? Staleness(after: max(60, 3 * Int64(syncInterval))))
    rules.isFenceDown = isFenceDown
    return rules
  }

  package var zone: Zone { .system(named: timeZone) }
}

extension Zone {
  static let directory = "/usr/share/zoneinfo"

  /// The zone whose rules the C library has from this machine's zone files.
  ///
  /// Never the `TZ` of the person who runs the program: the process's own `TZ` is replaced (`setenv`,
  /// `tzset`) when a time is first converted, which is also when the file is read, so that a
  /// program that never asks pays nothing. Several zones may be in use side by side.
  ///
  /// - Parameter name: an IANA name that the setting `TIME_ZONE` accepted; empty for
  ///   `/etc/localtime`.
  package static func system(named name: String) -> Zone {
    let file = name.isEmpty ? ":/etc/localtime" : ":\(directory)/\(name)"
    return Zone { time in
      current.withLock { present in
        if present != file {
          unsafe setenv("TZ", file, 1)
          tzset()
          present = file
        }
        var seconds = time_t(time)
        var broken = unsafe tm()
        guard unsafe localtime_r(&seconds, &broken) != nil else { return 0 }
        return unsafe Int(broken.tm_gmtoff)
      }
    }
  }

  /// The value that `TZ` was last given here.
  private static let current = Mutex("")

  /// Whether a name is that of a zone file which can be read: relative, of letters, digits and
  /// `_ + - /`, no dots, and beginning as `tzfile(5)` says.
  package static func isReadable(_ name: String) -> Bool {
    let isPlain = name.utf8.allSatisfy { byte in
      switch byte {
      case 48...57, 65...90, 97...122: true
      case UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "/"): true
      default: false
      }
    }
    guard isPlain, !name.isEmpty, name.utf8.first != UInt8(ascii: "/") else { return false }
    let file = try? Descriptor(readingWithoutWaiting: "\(directory)/\(name)")
    return (try? file?.readStart(atMost: 4)) == Array("TZif".utf8)
  }
}
