import System

/// The variables that OpenVPN gives its client-connect, client-disconnect and auth-user-pass-verify
/// hooks, read and checked.
///
/// Names are bytes: OpenVPN replaces control bytes in them and nothing else, so quotes, commas and
/// bytes that are no UTF-8 come through. What a session cannot do without is checked at once; what
/// else makes no sense is left out and told in `problems`, as the rest still counts.
package struct HookEnvironment: Sendable {
  /// Which of OpenVPN's scripts runs (`script_type`).
  package enum Script: Sendable {
    /// `client-connect`
    case connect
    /// `client-disconnect`
    case disconnect
    /// `user-pass-verify`
    case login
  }

  /// Gives the value of a variable, nil for one that is not set.
  package typealias Source = (StaticString) -> [UInt8]?

  /// `common_name`; empty if there is none. Not verified in a disconnect hook: a client that
  /// renegotiates under another name leaves that name here.
  package let commonName: [UInt8]
  /// `username`; empty if there is none, as it is without a login. Not verified either.
  package let username: [UInt8]
  /// `daemon_pid`: the server's process id, as `pid` answers in its management interface.
  package let processID: Int64
  /// `daemon_start_time`, in seconds since 1970; 0 if OpenVPN did not say.
  package let serverStart: Int64
  /// The name of the server: the stem of `config`, as discovery names it; empty if OpenVPN did not
  /// say.
  package let server: [UInt8]
  /// `time_unix`: when the client connected, in seconds since 1970; `Connected Since (time_t)` in
  /// a listing. The same in both hooks; 0 at a login, which comes before.
  package let connectedSince: Int64
  /// `ifconfig_pool_remote_ip` and `ifconfig_pool_remote_ip6`; empty if there is none. A script may
  /// give the client others later.
  package let ipv4: [UInt8]
  package let ipv6: [UInt8]
  /// `dev`: the server's tun or tap device.
  package let device: [UInt8]
  /// `untrusted_ip`, else `untrusted_ip6`, and `untrusted_port`: where the client's TLS session came
  /// from. They stay when a client moves, unlike `trusted_ip`, until it restarts its TLS.
  package let clientHost: [UInt8]
  package let clientPort: [UInt8]
  /// `bytes_received`: from the client, with all overhead, over the whole session. Nil at the
  /// connect hook, and where OpenVPN could not tell (2.7 with data-channel offload). What is beyond
  /// `Int64.max` is `Int64.max`.
  package let bytesReceived: Int64?
  /// `bytes_sent`: to the client, likewise.
  package let bytesSent: Int64?
  /// `time_duration`: seconds from connect to disconnect; nil at the connect hook.
  package let duration: Int64?
  /// Variables that were there, made no sense and count as missing.
  package let problems: [HookEnvironmentError]

  /// Which script runs.
  ///
  /// - Throws: `HookEnvironmentError` unless it is one of those that the hooks may be.
  package static func script(reading variable: Source) throws(HookEnvironmentError) -> Script {
    guard let type = variable("script_type") else {
      throw HookEnvironmentError("script_type", .missing)
    }
    if Bytes.equal(type.span, "client-connect") { return .connect }
    if Bytes.equal(type.span, "client-disconnect") { return .disconnect }
    if Bytes.equal(type.span, "user-pass-verify") { return .login }
    throw HookEnvironmentError("script_type", .notAHook, type)
  }

  /// Reads the variables of a hook.
  ///
  /// - Parameter namesByLogin: the server has `username-as-common-name`, which it heeds only after a
  ///   login.
  /// - Throws: `HookEnvironmentError` for the first variable that a session needs and that is
  ///   missing or makes no sense.
  package init(
    of script: Script, namesByLogin: Bool = false, reading variable: Source
  ) throws(HookEnvironmentError) {
    processID = try Self.required("daemon_pid", processIDRange, variable)
    connectedSince =
      script == .login ? 0 : try Self.required("time_unix", momentRange, variable)
    let start = variable("daemon_start_time") ?? []
    serverStart = Bytes.number(start.span, in: momentRange) ?? 0
    server = variable("config").map { Array(fileStem(of: $0)) } ?? []
    username = variable("username") ?? []
    commonName = namesByLogin ? username : variable("common_name") ?? []
    device = variable("dev") ?? []
    clientHost = variable("untrusted_ip") ?? variable("untrusted_ip6") ?? []
    clientPort = variable("untrusted_port") ?? []
    var problems: [HookEnvironmentError] = []
    ipv4 = Self.address("ifconfig_pool_remote_ip", variable, &problems)
    ipv6 = Self.address("ifconfig_pool_remote_ip6", variable, &problems)
    if script == .disconnect {
      bytesReceived = Self.counter("bytes_received", variable, &problems)
      bytesSent = Self.counter("bytes_sent", variable, &problems)
      duration = Self.counter("time_duration", variable, &problems)
    } else {
      bytesReceived = nil
      bytesSent = nil
      duration = nil
    }
    self.problems = problems
  }

  /// Whether this client's row could break the server's listing off; see `ListingWidth`.
  package var wouldBreakListing: Bool {
    ListingWidth.wouldBreak(commonName: commonName, username: username)
  }

  private static func required(
    _ name: StaticString, _ range: ClosedRange<Int64>, _ variable: Source
  ) throws(HookEnvironmentError) -> Int64 {
    guard let value = variable(name) else { throw HookEnvironmentError(name, .missing) }
    guard let number = Bytes.number(value.span, in: range) else {
      throw HookEnvironmentError(name, .noNumber(range), value)
    }
    return number
  }

  private static func counter(
    _ name: StaticString, _ variable: Source, _ problems: inout [HookEnvironmentError]
  ) -> Int64? {
    guard let value = variable(name) else { return nil }
    let counter = Bytes.counter(value.span)
    if counter == nil {
      problems.append(HookEnvironmentError(name, .noNumber(0...Int64.max), value))
    }
    return counter
  }

  private static func address(
    _ name: StaticString, _ variable: Source, _ problems: inout [HookEnvironmentError]
  ) -> [UInt8] {
    guard let value = variable(name), !value.isEmpty else { return [] }
    if InternetAddress(ipv4: value) != nil || InternetAddress(ipv6: value) != nil { return value }
    problems.append(HookEnvironmentError(name, .noAddress, value))
    return []
  }
}

/// What is wrong with a variable of a hook.
package struct HookEnvironmentError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Reason: Equatable, Sendable {
    case missing
    /// Not a number in this range.
    case noNumber(ClosedRange<Int64>)
    /// Not an IPv4 or IPv6 address.
    case noAddress
    /// None of the scripts that the hooks may be.
    case notAHook
  }

  package let variable: String
  package let reason: Reason
  package let value: [UInt8]

  init(_ variable: StaticString, _ reason: Reason, _ value: [UInt8] = []) {
    self.variable = variable.description
    self.reason = reason
    self.value = value
  }

  package var description: String {
    let subject = "OpenVPN's variable " + variable + " is "
    let wanted: String
    switch reason {
    case .missing: return subject + "missing"
    case .noNumber(let range):
      wanted = "a number from " + String(range.lowerBound) + " to " + String(range.upperBound)
    case .noAddress: wanted = "an address"
    case .notAHook: wanted = "client-connect or client-disconnect"
    }
    return subject + "'" + printable(value, limit: 40) + "', not " + wanted
  }
}

/// How wide a client's row in a listing can become.
///
/// A server drops a row of more than 511 bytes and everything that follows it, `END` included
/// (`status_printf`, status.c, STATUS_PRINTF_MAXLEN): one client with a long name would hide the
/// others. Both names of a client together must stay within what the other columns leave.
package enum ListingWidth {
  /// The longest row that a server writes, in bytes without its line end.
  package static let longestRow = 511

  /// The most bytes that the columns other than the two names take, in format 3 of 2.3 to 2.7.
  package static let otherColumns =
    11  // CLIENT_LIST
    + 12  // separators
    + 61  // real address: tcp6-server:[, 41 for a link-local IPv6 with its scope, ]:, port
    + 15  // virtual IPv4 address
    + 39  // virtual IPv6 address
    + 40  // two counters of 64 bits
    + 24  // connected since, as ctime writes it
    + 10  // the same as a number, until the year 2286
    + 20  // client id, 64 bits
    + 8  // peer id, 24 bits
    + 24  // cipher

  /// What is left for common name and username together, in bytes.
  package static let roomForNames = longestRow - otherColumns

  /// The longest username that breaks no listing, next to a common name of 64 bytes, which is the
  /// most that one field of a certificate has.
  package static let longestUsername = roomForNames - 64

  /// Whether a client with these names could have a row that breaks a listing off.
  ///
  /// A row shows `UNDEF` for a username that is missing.
  package static func wouldBreak(commonName: [UInt8], username: [UInt8]) -> Bool {
    commonName.count + max(username.count, 5) > roomForNames
  }
}
