import Foundation
import TestSupport
import Testing

/// A host with the project's programs set up on its servers, and a look into their ledger.
final class QuotaHost {
  let host: RealHost
  private let installation: Installation
  private let group: String
  // Its script is there as long as it lives.
  private let clock: FakedClock?

  /// - Parameters:
  ///   - settings: lines of `quota.conf` beyond those that say where things are.
  ///   - owner: the user that the state directory belongs to.
  ///   - group: the group of the hooks.
  ///   - clock: the clock that the programs and the servers go by, if not the machine's.
  ///   - openvpn: what the servers and their clients are.
  init(
    _ settings: [String: String] = [:], owner: String = "root", group: String = "root",
    clock: FakedClock? = nil, openvpn: OpenVPNProgram = .usual
  ) throws {
    self.clock = clock
    host = try RealHost(openvpn)
    // A server that a test stopped is not coming back while the sweep waits.
    let usual = ["TIME_ZONE": "", "MANAGEMENT_TIMEOUT": "5", "MONITOR_INTERVAL": "45"]
    installation = try Installation(
      usual.merging(settings) { $1 }, in: host.folder, stateDirectory: "data")
    if let clock {
      installation.programs = Program.built
      installation.launcher = [clock.script]
    }
    self.group = group
    try run("chown", ["\(owner):\(group)", data])
    try run("chmod", ["2750", data])
    try host.write("", to: "log")
    try run("chown", ["\(owner):\(group)", host.folder + "/log"])
    try run("chmod", ["0640", host.folder + "/log"])
  }

  /// The path of `quota.conf`.
  var config: String { installation.config }

  /// The folder of database, journal and access table.
  var data: String { host.folder + "/data" }

  /// Copies the programs to where everybody may run them; a build folder may be out of reach.
  ///
  /// - Returns: the folder they are in now.
  @discardableResult
  func shareThePrograms() throws -> String {
    let shared = host.folder + "/programs"
    try FileManager.default.createDirectory(atPath: shared, withIntermediateDirectories: false)
    for name in [
      "quota-connect", "quota-disconnect", "quota-sweep", "quota-admin", "quota-fence",
      "openvpn-simulator",
    ] { try Program.copy(name, into: shared) }
    installation.programs = shared
    return shared
  }

  /// The command of a hook.
  func hook(_ program: String) -> String { installation.hook(program) }

  /// Starts a server with our hooks, and adds it to the setting `MANAGEMENT`.
  ///
  /// A faked clock is the server's as well, for it is the server that says when a session began and
  /// how long it lasted; and its hooks', whom it hands nothing of its own environment.
  ///
  /// - Parameter then: a script behind our connect hook. Its last argument is OpenVPN's file, the
  ///   one before it a script it has to hand over to.
  func server(
    _ name: String = "office", _ options: RealServer.Options = RealServer.Options(),
    then: String? = nil
  ) throws -> RealServer {
    var options = options
    options.wrapper += installation.launcher
    options.connectHook = installation.hook("quota-connect") + (then.map { " --then \($0)" } ?? "")
    options.disconnectHook = installation.hook("quota-disconnect")
    let server = try RealServer(on: host, name: name, options)
    installation.add(server)
    try server.start()
    return server
  }

  /// Changes a line of `quota.conf`.
  func set(_ key: String, to value: String) { installation.settings[key] = value }

  /// Runs `quota-admin` and expects it to succeed.
  @discardableResult
  func admin(_ arguments: String...) throws -> String {
    let outcome = try installation.run("quota-admin", arguments)
    try outcome.requireSuccess()
    return outcome.output
  }

  /// Delivers the notices that wait.
  func notify(
    expecting status: Int32 = 0, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let outcome = try installation.run("quota-admin", ["notify"])
    #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: sourceLocation)
  }

  /// Starts to deliver the notices that wait, and does not wait for the end.
  func beginNotify() throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = installation.command("quota-admin", ["notify"])
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }

  /// Runs one sweep.
  ///
  /// - Parameters:
  ///   - statuses: how it may end.
  ///   - wrapper: a command it is started through, such as one that gives it another user.
  @discardableResult
  func sweep(
    _ arguments: String..., expecting statuses: Set<Int32> = [0], through wrapper: [String] = [],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Outcome {
    let outcome = try installation.run("quota-sweep", arguments, through: wrapper)
    #expect(
      statuses.contains(outcome.status), "\(outcome.errors)", sourceLocation: sourceLocation)
    return outcome
  }

  /// Runs `quota-sync` and expects it to succeed.
  func sync(_ arguments: String...) throws {
    try installation.run("quota-sync", arguments).requireSuccess()
  }

  /// Brings the kernel's table up to date, in the servers' network.
  ///
  /// - Parameters:
  ///   - wrapper: a command it is started through, such as one that gives it another user.
  ///   - path: where programs are looked for.
  @discardableResult
  func fence(
    _ arguments: String..., through wrapper: [String] = [],
    path: String = "/usr/sbin:/usr/bin:/sbin:/bin", expecting status: Int32 = 0,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Outcome {
    let outcome = try installation.run(
      "quota-fence", arguments,
      through: ["ip", "netns", "exec", host.serverNamespace] + wrapper + ["env", "PATH=\(path)"])
    #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: sourceLocation)
    return outcome
  }

  /// Whether this machine can tell a kernel whom to hold.
  static var hasNft: Bool {
    ["/usr/sbin/nft", "/usr/bin/nft"].contains { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Runs nft in the servers' network and gives what it wrote.
  @discardableResult
  func nft(_ arguments: String...) throws -> String {
    let outcome = try Program.run(
      "ip", ["netns", "exec", host.serverNamespace, "nft"] + arguments)
    try outcome.requireSuccess()
    return outcome.output
  }

  /// What the programs wrote to their log.
  var log: String {
    get throws { try String(contentsOfFile: host.folder + "/log", encoding: .utf8) }
  }

  /// Where a story can be told.
  var stage: Stage { Stage(installation) }

  /// A look into the ledger.
  var probe: LedgerProbe { installation.probe }

  /// What each user used.
  func usage() throws -> [String: Usage] { try probe.usage(by: .periods) }

  /// What one user used.
  func usage(of name: String) throws -> Usage { try usage()[name] ?? Usage() }

  /// How many sessions are open.
  func openSessions() throws -> Int {
    // Any command that may write takes the journal in first.
    try admin("list")
    return try probe.openSessions.count
  }

  /// Events of a kind as `username detail`, each with its count.
  func events(_ kind: String) throws -> [String: Int64] {
    try Dictionary(
      uniqueKeysWithValues: probe.events(kind).map { ("\($0.user) \($0.detail)", $0.count) })
  }

  /// What OpenVPN itself counted for the sessions that ended, on all servers.
  func truth() throws -> [String: Usage] {
    try installation.servers.flatMap { try $0.finished }.reduce(into: [:]) { truth, session in
      truth[session.name, default: Usage()] += Usage(
        received: session.received, sent: session.sent)
    }
  }

  /// Expects the ledger to say what OpenVPN itself said, to the byte. All sessions have to be over.
  func expectExact(sourceLocation: SourceLocation = #_sourceLocation) throws {
    try installation.expectTruth(at: sourceLocation)
  }

  /// Expects the ledger to be exact after one sweep, and after one more, which changes nothing.
  func expectExactAfterSweeps(sourceLocation: SourceLocation = #_sourceLocation) throws {
    for _ in 1...2 {
      // 69 where a server is stopped.
      try sweep(expecting: [0, 69], sourceLocation: sourceLocation)
      try expectExact(sourceLocation: sourceLocation)
    }
  }

  /// Expects a sweep to end the session of a client of alice's who is over quota, and alice to be kept out;
  /// then the server stops, and a last sweep runs.
  func expectEndOfQuota(
    of client: RealClient, at server: RealServer, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try sweep(sourceLocation: sourceLocation)
    try client.waitUntilGone()
    #expect(try events("killed") == ["alice quota": 1], sourceLocation: sourceLocation)
    #expect(try client.connect() == .refused(""), sourceLocation: sourceLocation)
    try server.stop()
    try sweep(expecting: [0, 69], sourceLocation: sourceLocation)
  }

  /// Runs a disconnect hook for a session that never was and kills it.
  ///
  /// - Parameter asNobody: whether it runs as a server's with `user nobody`, or as one of Debian's
  ///   unit.
  func killHook(after seconds: Double, asNobody: Bool) throws {
    let wrapper =
      asNobody
      ? ["setpriv", "--reuid", "nobody", "--regid", group, "--clear-groups"]
      : RealServer.Options.likeDebianUnit
    _ = try Program.run(
      "timeout",
      ["-s", "KILL", String(seconds)] + wrapper
        + ["\(installation.programs)/quota-disconnect", "--config", config],
      environment: [
        "script_type": "client-disconnect", "common_name": "ghost", "daemon_pid": "1",
        "time_unix": "\(Int(seconds * 1_000_000))", "ifconfig_pool_remote_ip": "10.99.0.9",
        "bytes_received": "1000000", "bytes_sent": "1000000", "time_duration": "60",
        "trusted_ip": "10.77.0.9", "trusted_port": "1", "untrusted_ip": "10.77.0.9",
        "untrusted_port": "1",
      ])
  }

  @discardableResult
  private func run(_ program: String, _ arguments: [String]) throws -> Outcome {
    let outcome = try Program.run(program, arguments)
    guard outcome.status == 0 else {
      throw Failure(
        description: "\(program) \(arguments.joined(separator: " ")): \(outcome.status), "
          + outcome.errors)
    }
    return outcome
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }
}

/// Runs sweeps one after another, as fast as they go, until it is told to stop.
final class SweepStorm: @unchecked Sendable {
  private let lock = NSLock()
  private var isOver = false
  private var ran = 0
  private let done = DispatchSemaphore(value: 0)

  init(_ host: QuotaHost) {
    let command = [Program.path("quota-sweep"), "--config", host.config]
    Thread.detachNewThread { [self] in
      while !lock.withLock({ isOver }) {
        if (try? Program.run(command[0], Array(command.dropFirst()))) != nil {
          lock.withLock { ran += 1 }
        }
      }
      done.signal()
    }
  }

  /// How many ran to their end so far.
  var sweeps: Int { lock.withLock { ran } }

  /// Ends the storm.
  func stop() {
    lock.withLock { isOver = true }
    done.wait()
  }
}
