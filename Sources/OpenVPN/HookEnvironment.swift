import Glibc

/// The variables that OpenVPN gives its client-connect and client-disconnect hooks, read and
/// checked.
///
/// Names are bytes: OpenVPN replaces control bytes in them and nothing else, so quotes, commas and
/// bytes that are no UTF-8 come through. What a session cannot do without is checked at once; a
/// final counter that makes no sense is left out and told in `problems`, as the rest still counts.
package struct HookEnvironment: Sendable {
  /// Which of the two hooks runs (`script_type`).
  package enum Script: Sendable { case connect, disconnect }

  /// Which variable names the user.
  package enum Identity: Sendable { case commonName, username }

  /// The hook this is.
  package let script: Script
  /// `common_name`; nil if missing or empty. Not verified in a disconnect hook: a client that
  /// renegotiates under another name leaves that name here.
  package let commonName: [UInt8]?
  /// `username`; nil if missing or empty, as it is without a login. Not verified either.
  package let username: [UInt8]?
  /// `daemon_pid`: the server's process id, as `pid` answers in its management interface.
  package let processID: Int64
  /// `time_unix`: when the client connected, in seconds since 1970; `Connected Since (time_t)` in
  /// a listing. The same in both hooks.
  package let connectedSince: Int64
  /// From `ifconfig_pool_remote_ip`, else `ifconfig_pool_remote_ip6`, else the common name.
  package let address: SessionAddress
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

  /// Reads the process's own environment.
  ///
  /// - Throws: `HookEnvironmentError` for the first variable that a session needs and that is
  ///   missing or makes no sense.
  package static func current() throws(HookEnvironmentError) -> HookEnvironment {
    try HookEnvironment(reading: processVariable)
  }

  /// Reads variables from wherever they are.
  ///
  /// - Parameter variable: gives the value of a variable, nil for one that is not set.
  package init(
    reading variable: (StaticString) -> [UInt8]?
  ) throws(HookEnvironmentError) {
    script = try Self.script(variable)
    processID = try Self.required("daemon_pid", processIDRange, variable)
    connectedSince = try Self.required("time_unix", momentRange, variable)
    commonName = variable("common_name").flatMap { $0.isEmpty ? nil : $0 }
    username = variable("username").flatMap { $0.isEmpty ? nil : $0 }
    address = try Self.address(variable, commonName: commonName)
    var problems: [HookEnvironmentError] = []
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

  /// The name that the user goes by.
  ///
  /// - Throws: `HookEnvironmentError` if OpenVPN gave no such name.
  package func name(by identity: Identity) throws(HookEnvironmentError) -> [UInt8] {
    switch identity {
    case .commonName:
      guard let commonName else { throw HookEnvironmentError("common_name", .missing) }
      return commonName
    case .username:
      guard let username else { throw HookEnvironmentError("username", .missing) }
      return username
    }
  }

  /// Whether this client's row could break the server's listing off; see `ListingWidth`.
  package var wouldBreakListing: Bool {
    ListingWidth.wouldBreak(commonName: commonName ?? [], username: username ?? [])
  }

  /// Where the client is, `10.77.0.2:35040` or `[fd77::2]:60241`, safe to print; nil if OpenVPN did
  /// not say.
  ///
  /// From `trusted_ip`, `trusted_ip6` and `trusted_port`, which follow a client that moves, else
  /// from the `untrusted_` ones, which stay. It identifies no session, but at the end of one it
  /// tells it from the next one that began in the same second.
  package static func clientAddress(
    reading variable: (StaticString) -> [UInt8]? = processVariable
  ) -> String? {
    func shown(_ ipv4: StaticString, _ ipv6: StaticString, _ port: StaticString) -> String? {
      let host =
        variable(ipv4).map { printable($0, limit: 64) }
        ?? variable(ipv6).map { "[\(printable($0, limit: 64))]" }
      return host.map { "\($0):\(printable(variable(port) ?? [], limit: 8))" }
    }
    return shown("trusted_ip", "trusted_ip6", "trusted_port")
      ?? shown("untrusted_ip", "untrusted_ip6", "untrusted_port")
  }

  /// The name of the server whose hook this is: the stem of `config`, as discovery names it, safe
  /// to print; nil if OpenVPN did not say.
  package static func serverName(
    reading variable: (StaticString) -> [UInt8]? = processVariable
  ) -> String? {
    variable("config").map { Path.stem(of: printable($0)) }
  }

  /// Gives the value of a variable of this process; nil if it is not set. The corresponding C
  /// function is `getenv`.
  package static func processVariable(_ name: StaticString) -> [UInt8]? {
    let key = unsafe UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
    guard let value = unsafe getenv(key) else { return nil }
    return unsafe [UInt8](UnsafeRawBufferPointer(start: value, count: strlen(value)))
  }

  private typealias Source = (StaticString) -> [UInt8]?

  private static func script(_ variable: Source) throws(HookEnvironmentError) -> Script {
    guard let type = variable("script_type") else {
      throw HookEnvironmentError("script_type", .missing)
    }
    if Bytes.equal(type.span, "client-connect") { return .connect }
    if Bytes.equal(type.span, "client-disconnect") { return .disconnect }
    throw HookEnvironmentError("script_type", .notAHook, type)
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
    _ variable: Source, commonName: [UInt8]?
  ) throws(HookEnvironmentError) -> SessionAddress {
    let ipv4 = variable("ifconfig_pool_remote_ip") ?? []
    let ipv6 = ipv4.isEmpty ? variable("ifconfig_pool_remote_ip6") ?? [] : []
    if let address = SessionAddress(
      ipv4: ipv4[...], ipv6: ipv6[...], commonName: (commonName ?? [])[...])
    {
      return address
    }
    if !ipv4.isEmpty { throw HookEnvironmentError("ifconfig_pool_remote_ip", .noAddress, ipv4) }
    if !ipv6.isEmpty { throw HookEnvironmentError("ifconfig_pool_remote_ip6", .noAddress, ipv6) }
    throw HookEnvironmentError("common_name", .missing)
  }
}

/// What is wrong with a variable of a hook.
package struct HookEnvironmentError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong with the value.
  package enum Reason: Equatable, Sendable {
    case missing
    /// Not a number in this range.
    case noNumber(ClosedRange<Int64>)
    /// Not an IPv4 or IPv6 address.
    case noAddress
    /// Neither of the two hooks.
    case notAHook
  }

  /// The name of the variable.
  package let variable: String
  /// What is wrong with it.
  package let reason: Reason
  /// What was in it.
  package let value: [UInt8]

  init(_ variable: StaticString, _ reason: Reason, _ value: [UInt8] = []) {
    self.variable = variable.description
    self.reason = reason
    self.value = value
  }

  package var description: String {
    let shown = printable(value, limit: 40)
    return switch reason {
    case .missing: "OpenVPN's variable \(variable) is missing"
    case .noNumber(let range):
      "OpenVPN's variable \(variable) is '\(shown)', "
        + "not a number from \(range.lowerBound) to \(range.upperBound)"
    case .noAddress: "OpenVPN's variable \(variable) is '\(shown)', not an address"
    case .notAHook:
      "OpenVPN's variable \(variable) is '\(shown)', not client-connect or client-disconnect"
    }
  }
}
