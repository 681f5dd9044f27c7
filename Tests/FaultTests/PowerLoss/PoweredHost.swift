@testable import Support
import Gate
import Glibc
import Hooks
import Ledger
import System
import Quota
import Sweep
import TestSupport

@testable import Admin

/// A host whose programs run inside the test, on a disk that may lose its power. The server is the
/// simulator.
final class PoweredHost {
  let disk: FaultyDisk
  let server: SimulatedServer
  let moments: HostMoments
  private(set) var settings: Settings
  private var clients: [String: (client: SimulatedClient, variables: [String: String])] = [:]
  private var sent: [String: Int64] = [:]

  init() throws {
    let moments = HostMoments()
    self.moments = moments
    disk = try FaultyDisk { moments.turn($0) }
    server = try SimulatedServer()
    settings = PoweredHost.settings(folder: disk.path, server)
  }

  /// The settings of a host in a folder.
  static func settings(folder: String, _ server: SimulatedServer) -> Settings {
    var settings = Settings()
    settings.database = folder + "/quota.db"
    settings.management = "home=\(server.management)"
    settings.logFile = ""
    settings.timeZone = "UTC"
    settings.retryAttempts = 1
    return settings
  }

  /// One real sweep, in this process.
  @discardableResult
  static func sweep(_ settings: Settings) throws -> Summary {
    // A program that another test is starting has a copy of the lock's descriptor for a moment.
    let lock = try StateLock.takeSweep(beside: settings.database, within: .seconds(10))
    let silent = Log(
      diagnostics: DiagnosticPrinter(program: "test", errors: StandardError.nobody), path: "",
      level: .error)
    var sweep = try Sweep(settings, log: silent)
    let summary = try sweep.run()
    _ = consume lock
    return summary
  }

  func sweep() throws {
    let summary = try PoweredHost.sweep(settings)
    guard summary.everyServerDone else { throw Failure(description: "a sweep failed") }
    moments.noteSweep()
  }

  /// A client comes in, and the connect hook writes its record.
  func enter(_ user: String, number: Int) throws {
    // Each in a second of its own, so that a listing alone tells one from the other.
    let since = Clock.now - 60 + Int64(number)
    let address = "10.8.0.\(number + 2)"
    let client = try server.enter(
      user, address: address, real: "192.0.2.7:\(40_000 + number)", since: since)
    // What a bare connection moves is of no interest.
    try client.setCounters(received: 0, sent: 0)
    let variables = [
      "common_name": user, "daemon_pid": "\(server.processID)", "daemon_start_time": "1",
      "time_unix": "\(since)", "ifconfig_pool_remote_ip": address, "dev": "tun0",
      "untrusted_ip": "192.0.2.7", "untrusted_port": "\(40_000 + number)", "config": "home.conf",
      "DATABASE": settings.database,
    ]
    clients[user] = (client, variables)
    try run("client-connect", variables)
  }

  /// Moves bytes down to a client.
  func move(_ bytes: Int64, to user: String) throws {
    try clients[user]?.client.download(Int(bytes))
    sent[user, default: 0] += bytes
    moments.add(bytes, of: user)
  }

  /// A client goes, and the disconnect hook writes its record.
  func leave(_ user: String) throws {
    guard let (client, variables) = clients.removeValue(forKey: user) else { return }
    try client.drop()
    let final = ["bytes_received": "0", "bytes_sent": "\(sent[user] ?? 0)", "time_duration": "30"]
    try run("client-disconnect", variables.merging(final) { $1 })
    moments.noteEnd(of: user)
  }

  /// Runs a hook in this process.
  private func run(_ script: String, _ variables: [String: String]) throws {
    var complaints: [String] = []
    let status = Hook.run(
      HookRun(
        arguments: [Array("quota-hook".utf8)],
        variable: { name in
          "\(name)" == "script_type"
            ? Array(script.utf8) : variables["\(name)"].map { Array($0.utf8) }
        },
        now: { JournalMoment.now }, process: getpid(),
        run: { _ throws(SystemError) in throw SystemError("run", "a script", code: ENOENT) },
        become: { _ in SystemError("run", "a script", code: ENOENT) },
        say: { _ in }, complain: { complaints.append($0) }))
    guard status == 0, complaints.isEmpty else {
      throw Failure(description: "\(script): \(status), \(complaints)")
    }
  }

  /// The rotation's part in the database.
  func prune() throws {
    let log = Log(DiagnosticPrinter(program: "quota-rotate"), settings)
    var tidying = try Tidying(settings, log, isDryRun: false, at: Clock.now)
    let removed = try tidying.run().removed.reduce(0) { $0 + $1.rows }
    guard removed > 0 else { throw Failure(description: "nothing was pruned") }
  }

  /// Users whose sessions are live.
  var users: [String] { clients.keys.sorted() }
}

extension StandardError {
  /// What is said to nobody.
  static let nobody = unsafe StandardError(
    descriptor: open("/dev/null", O_WRONLY), journalStream: nil)
}
