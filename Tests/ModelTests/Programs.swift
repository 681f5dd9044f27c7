import TestSupport

/// What OpenVPN tells a hook.
struct HookCall {
  let server: Server
  let boot: Int64
  let pid: Int64
  let serverStart: Int64
  let since: Int64
  /// The address in the tunnel; empty for none.
  var address: String
  /// The name it goes by at that moment; not verified.
  let commonName: String
  /// `untrusted_ip` and so on, and `trusted_ip` and so on.
  let place: Place
  let current: Place
  /// The final counters; nil where OpenVPN has none, and at the connect hook.
  var counters: Usage?
  /// Seconds from its beginning to its end.
  var duration: Int64 = 0
}

extension HookCall {
  /// The environment that OpenVPN gives the hook.
  func variables(_ script: String) -> [String: String] {
    var variables = [
      "script_type": script, "common_name": commonName, "daemon_pid": "\(pid)",
      "daemon_start_time": "\(serverStart)", "time_unix": "\(since)",
      "config": "/etc/openvpn/server/\(server.name).conf",
      "dev": server.kind.pool == .none ? "tap0" : "tun0",
    ]
    for (prefix, place) in [("untrusted", place), ("trusted", current)] {
      variables[prefix + (place.isIPv6 ? "_ip6" : "_ip")] = place.host
      variables[prefix + "_port"] = "\(place.port)"
    }
    if !address.isEmpty { variables["ifconfig_pool_remote_ip"] = address }
    if server.kind.pool == .both { variables["ifconfig_pool_remote_ip6"] = address.asIPv6 }
    if script == "client-disconnect" {
      variables["time_duration"] = "\(duration)"
      variables["bytes_received"] = counters.map { "\($0.received)" }
      variables["bytes_sent"] = counters.map { "\($0.sent)" }
    }
    return variables
  }
}

/// What an administrator changes.
enum Change {
  case quota(String, Int64), maxSessions(String, Int), expiry(String, Int64?)
  case enabled(String, Bool), grant(String, Int64, isCarried: Bool), reset(String)
  case rename(String, to: String)
  /// Whether a used-up quota slows the user down in place of cutting.
  case slow(String, Bool)
  /// The plan is made or changed; a user follows it.
  case plan(Int64), follow(String)
}

/// The programs under test, called as OpenVPN, the timer and people call them.
protocol Programs: AnyObject {
  /// Runs the connect hook.
  ///
  /// - Parameters:
  ///   - script: how the script behind it ends; nil where there is none.
  ///   - pause: what happens elsewhere while the hook hangs.
  /// - Returns: whether the client comes in.
  func connect(
    _ call: HookCall, in world: World, _ fault: Fault, script: Int32?, pause: () -> Void
  ) throws -> Bool

  /// Runs the disconnect hook.
  func disconnect(_ call: HookCall, in world: World, _ fault: Fault, pause: () -> Void) throws

  /// Runs a sweep, which asks the world for listings and tells it whom to disconnect.
  ///
  /// - Parameter pause: what happens between two steps of the sweep.
  /// - Returns: whether it came to its end.
  func sweep(_ world: World, _ fault: Fault, pause: @escaping () -> Void) throws -> Bool

  /// Runs `quota-admin` for a change.
  ///
  /// - Returns: whether that can be done here.
  func administer(_ change: Change, in world: World) throws -> Bool

  /// Cuts the journal short somewhere, or appends what no hook writes.
  func cutJournal(_ chance: inout SeededRandom) throws
  func spoilJournal(_ chance: inout SeededRandom) throws

  /// Where the database is, for the checks.
  var database: String { get }
  /// Seconds by which their clock may be ahead of the world's.
  var drift: Int64 { get }
  /// Whether they can be told of another boot, and of the time since the machine's start. Else all
  /// time that goes by is to them as if somebody set the clock.
  var knowsBoots: Bool { get }

  /// The fault that takes the place of one that cannot be brought about here.
  func possible(_ fault: Fault) -> Fault
}
