import Foundation
import Glibc

/// An OpenVPN server without a VPN: the program `openvpn-simulator`, whose clients do what a test
/// says.
package final class SimulatedServer: VPNServer {
  /// How a simulated server is set up; what is not said is as OpenVPN 2.6 has it.
  package struct Setup {
    /// Command lines as OpenVPN's config has them: words, quotes, no shell.
    package var clientConnect: String?
    /// Command line of the hook for the end of a session.
    package var clientDisconnect: String?
    /// The management password.
    package var password: String?
    /// The release line, `2.3` to `2.7`.
    package var format = "2.6"
    /// Milliseconds from `client-kill` to the session's end.
    package var linger = 300
    /// What a bare `status` gives.
    package var statusVersion = 1
    /// Whether one name may be in several times.
    package var duplicateCommonNames = false
    /// Whether clients come in over IPv4 on an IPv6 socket.
    package var dualStack = false
    /// Whether packets pass in the kernel.
    package var offloads = false
    /// A host such as `127.0.0.1` to listen on over TCP, with a port of the kernel's choice.
    package var host: String?

    /// The process id it gives itself out with; nil for its own.
    package var processID: Int?
    /// The config that its hooks are told of.
    package var config: String?

    package init(clientConnect: String? = nil, clientDisconnect: String? = nil) {
      self.clientConnect = clientConnect
      self.clientDisconnect = clientDisconnect
    }
  }

  /// How the management interface treats a connection; the simulator's own file tells more.
  package enum Behaviour: String, CaseIterable, Sendable {
    case normal, busy, mute, stall, cut, garbage, http, endless, truncate, blind, hold, flood
    case chatty, slow, closing
  }

  /// A session as it stands now.
  package struct Row: Equatable, Sendable {
    /// The client id.
    package let clientID: Int
    /// The name a listing shows.
    package let name: String
    /// Bytes from the client.
    package let received: Int64
    /// Bytes to the client.
    package let sent: Int64
  }

  /// One run of a hook.
  package struct HookRun: Sendable {
    /// `connect` or `disconnect`.
    package let kind: String
    /// Its exit status, or 128 plus the signal.
    package let status: Int
    /// How long the server stood still for it.
    package let milliseconds: Double
  }

  /// The simulator answered `error`.
  package struct Refusal: Error, CustomStringConvertible {
    package let description: String
  }

  /// Where the management interface listens.
  package private(set) var management: String
  private let arguments: [String]
  private let directory: TemporaryDirectory
  private var process: ChildProcess?
  private let truth: String
  private let logFile: String

  package init(_ setup: Setup = Setup()) throws {
    directory = try TemporaryDirectory()
    truth = directory.path + "/truth"
    logFile = directory.path + "/log"
    management = setup.host.map { "tcp:\($0):0" } ?? "unix:\(directory.path)/management.sock"
    var arguments = [
      "--truth", truth, "--format", setup.format, "--linger", "\(setup.linger)",
      "--status-version", "\(setup.statusVersion)",
    ]
    if let hook = setup.clientConnect { arguments += ["--client-connect", hook] }
    if let hook = setup.clientDisconnect { arguments += ["--client-disconnect", hook] }
    if let password = setup.password { arguments += ["--password", password] }
    if setup.duplicateCommonNames { arguments.append("--duplicate-cn") }
    if let number = setup.processID { arguments += ["--pid", "\(number)"] }
    if let config = setup.config { arguments += ["--config", config] }
    if setup.dualStack { arguments.append("--dual-stack") }
    if setup.offloads { arguments.append("--dco") }
    self.arguments = arguments
    try start()
  }

  /// The server's process id.
  package var processID: Int32 { process?.processID ?? 0 }

  /// What the server and its hooks wrote to the log.
  package var log: String {
    get throws {
      String(decoding: try Data(contentsOf: URL(fileURLWithPath: logFile)), as: UTF8.self)
    }
  }

  package var finished: [FinalCounters] {
    get throws {
      guard FileManager.default.fileExists(atPath: truth) else { return [] }
      return try String(contentsOfFile: truth, encoding: .utf8).split(separator: "\n").map {
        let words = $0.split(separator: " ")
        return FinalCounters(
          name: String(words[0]).decoded, received: Int64(words[1]) ?? -1,
          sent: Int64(words[2]) ?? -1)
      }
    }
  }

  package func start() throws {
    guard process == nil else { return }
    process = try ChildProcess(
      Program.path("openvpn-simulator"), ["--management", management] + arguments,
      environment: ["TMPDIR=\(directory.path)", "PATH=/usr/bin:/bin"], log: logFile)
    do { management = try ask("endpoint") } catch {
      throw Refusal(description: "the simulator does not start: \(try log)")
    }
  }

  package func crash() throws {
    process?.end(SIGKILL)
    process = nil
  }

  package func stop() throws {
    let process = process
    self.process = nil
    guard process?.end(SIGTERM) ?? true else {
      throw Refusal(description: "the simulator did not stop on SIGTERM")
    }
  }

  package func softRestart() throws { try softRestart(taking: 0) }

  /// Ends every session, and turns commands about sessions down for some milliseconds.
  package func softRestart(taking milliseconds: Int) throws {
    try ask("soft-restart \(milliseconds)")
  }

  package func hangUp() throws { try ask("reload") }

  package func connect(_ name: String) throws -> any VPNClient { try enter(name) }

  /// Lets a client try to come in.
  ///
  /// - Parameters:
  ///   - username: what it gives for `auth-user-pass`.
  ///   - address: the virtual address it gets; nil for a fresh one, `none` for a tap server's.
  ///   - address6: the virtual IPv6 address.
  ///   - real: where it comes from, `IP:PORT`.
  ///   - since: when the session begins, in seconds since 1970; nil for now.
  package func enter(
    _ name: String, username: String? = nil, address: String? = nil, address6: String? = nil,
    real: String? = nil, since: Int64? = nil
  ) throws -> SimulatedClient {
    var command = "connect \(name.encoded)"
    if let username { command += " username=\(username.encoded)" }
    if let address { command += " address=\(address)" }
    if let address6 { command += " address6=\(address6)" }
    if let real { command += " real=\(real)" }
    if let since { command += " since=\(since)" }
    return try client(name, ask(command))
  }

  /// Begins a handshake that comes to no name: a row that reads `UNDEF`.
  package func handshake(from real: String = "198.51.100.7:4242") throws -> SimulatedClient {
    try client("UNDEF", ask("handshake \(real)"))
  }

  /// A client that waits for a deferred client-connect, or for the check of its login: names without
  /// an address.
  package func deferred(_ name: String, username: String? = nil) throws -> SimulatedClient {
    try client(name, ask("deferred \(name.encoded) \(username?.encoded ?? "")"))
  }

  private func client(_ name: String, _ answer: String) throws -> SimulatedClient {
    let words = answer.split(separator: " ").compactMap { Int($0) }
    return SimulatedClient(
      name: name, server: self, serial: words.last ?? -1,
      clientID: words.count == 2 ? words[0] : nil)
  }

  /// Makes sessions named PREFIX1 to PREFIXn, without running hooks.
  package func populate(_ count: Int, prefix: String, received: Int64 = 0, sent: Int64 = 0) throws {
    try ask("populate \(count) \(prefix.encoded) \(received) \(sent)")
  }

  /// Adds traffic to this share of all sessions.
  package func addTraffic(received: Int64, sent: Int64, percent: Int = 100) throws {
    try ask("traffic-some \(percent) \(received) \(sent)")
  }

  /// Treats the next management connections this way.
  ///
  /// - Parameter count: connections after which the server is normal again; nil for no end.
  package func behave(_ behaviour: Behaviour, for count: Int? = nil) throws {
    try ask("behave \(behaviour.rawValue)" + (count.map { " \($0)" } ?? ""))
  }

  /// Does something once, right after a management command of this name was executed and before
  /// its answer is on its way: `after("status", "leave #3")`.
  package func after(_ command: String, _ line: String) throws {
    try ask("after \(command) \(line)")
  }

  /// Sets a variable of the environment of every later hook; nil takes it away.
  package func setEnvironment(_ name: String, to value: [UInt8]?) throws {
    guard let value else { return _ = try ask("unsetenv \(name)") }
    try ask("setenv \(name) \(value.map { String(format: "%%%02X", $0) }.joined())")
  }

  /// Gives hooks OpenVPN's own environment again.
  package func resetEnvironment() throws { try ask("resetenv") }

  /// Waits until every killed session is gone.
  package func settle() throws { try ask("settle") }

  /// The live sessions.
  package var sessions: [Row] {
    get throws {
      try ask("list").split(separator: " ").map { row in
        let parts = row.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        return Row(
          clientID: Int(parts[0]) ?? -1,
          // A name may have colons of its own.
          name: parts[1..<(parts.count - 2)].joined(separator: ":").decoded,
          received: Int64(parts[parts.count - 2]) ?? -1, sent: Int64(parts[parts.count - 1]) ?? -1)
      }
    }
  }

  /// Every management command so far, as it was written.
  package var commands: [String] {
    get throws { try ask("log").split(separator: " ").map { String($0).decoded } }
  }

  /// How many management connections were accepted so far.
  package var connections: Int { get throws { try Int(ask("connections")) ?? -1 } }

  /// Every hook that ran so far.
  package var hooks: [HookRun] {
    get throws {
      try ask("hooks").split(separator: " ").map { run in
        let parts = run.split(separator: ":")
        return HookRun(
          kind: String(parts[0]), status: Int(parts[1]) ?? -1,
          milliseconds: (Double(parts[2]) ?? 0) / 1000)
      }
    }
  }

  /// Gives the simulator one command and returns what stands behind `ok`.
  @discardableResult
  package func ask(_ command: String) throws -> String {
    guard let process else { throw Refusal(description: "the server is not running") }
    let answer = try process.ask(command)
    guard answer.hasPrefix("ok") else { throw Refusal(description: "\(command): \(answer)") }
    return String(answer.dropFirst(3))
  }
}

extension String {
  /// As a word of the simulator's commands.
  fileprivate var encoded: String {
    addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? self
  }

  fileprivate var decoded: String { removingPercentEncoding ?? self }
}
