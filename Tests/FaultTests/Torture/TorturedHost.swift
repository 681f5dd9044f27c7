import Foundation
import System
import SQLite
import TestSupport

@testable import Ledger

/// A host with one simulated server, whose state can be put back to what it was.
final class TorturedHost {
  let folder: String
  let server: SimulatedServer
  /// The kernel's tables, of a host whose users are held.
  let kernel: HeldKernel?
  private let directory: TemporaryDirectory
  private var kept: String { directory.path + "/kept" }
  var database: String { folder + "/data/quota.db" }
  private var config: String { directory.path + "/quota.conf" }

  init(hasKernel: Bool = false) throws {
    directory = try TemporaryDirectory()
    kernel = hasKernel ? try HeldKernel() : nil
    folder = directory.path + "/host"
    var setup = SimulatedServer.Setup()
    // A client that is disconnected stays in the listing, so that every run finds the same.
    setup.linger = 3_600_000
    server = try SimulatedServer(setup)
    for name in ["data", "copies", "pages"] {
      try FileManager.default.createDirectory(
        atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
    }
    try directory.write(
      """
      DATABASE=\(database)
      LOG_FILE=\(folder)/log
      MAX_LOG_SIZE=4096
      MANAGEMENT=home=\(server.management)
      TIME_ZONE=UTC
      USER_PAGES=\(folder)/pages
      FENCE=\(hasKernel ? "yes" : "no")

      """, to: "quota.conf")
  }

  /// Keeps the state for `putBack()`.
  func keep() throws {
    try FileManager.default.copyItem(atPath: folder, toPath: kept)
    try kernel?.keep()
  }

  func putBack() throws {
    try FileManager.default.removeItem(atPath: folder)
    try FileManager.default.copyItem(atPath: kept, toPath: folder)
    try kernel?.putBack()
  }

  /// The environment of a program: bare, with the place of the settings.
  func environment(_ variables: [String: String] = [:]) -> [String: String] {
    ["PATH": "/usr/sbin:/usr/bin:/bin", "QUOTA_CONFIG": config].merging(variables) { $1 }
  }

  /// What OpenVPN tells a hook about the session that all hooks here are about.
  func hook(_ type: String) -> [String: String] {
    [
      "script_type": type, "common_name": "alice", "daemon_pid": "\(server.processID)",
      "daemon_start_time": "1", "time_unix": "\(TorturedHost.since)", "config": "home.conf",
      "ifconfig_pool_remote_ip": "10.8.0.200", "untrusted_ip": "192.0.2.1",
      "untrusted_port": "1194", "bytes_received": "70000", "bytes_sent": "8000",
      "time_duration": "90",
    ]
  }

  /// What it tells a hook about the session of another user, known by a number.
  func hook(_ type: String, of number: Int) -> [String: String] {
    let other = [
      "common_name": "user\(number)", "ifconfig_pool_remote_ip": "10.8.1.\(number)",
      "untrusted_port": "\(2000 + number)", "dev": "tun0",
    ]
    return hook(type).merging(other) { $1 }
  }

  /// What it tells a hook about a login of alice's.
  var login: [String: String] {
    var login = hook("user-pass-verify").merging(["username": "alice"]) { $1 }
    for name in ["time_unix", "ifconfig_pool_remote_ip"] { login[name] = nil }
    login["auth_failed_reason_file"] = folder + "/reason"
    return login
  }

  private static let since = Int64(Date().timeIntervalSince1970) - 100

  /// What a program of this host is started through.
  var wrapper: [String] { kernel?.wrapper ?? [] }

  func run(
    _ program: String, _ variables: [String: String] = [:], _ arguments: [String] = [],
    expecting status: Int32 = 0
  ) throws {
    let command = wrapper + [Program.path(program)] + arguments
    let outcome = try Program.run(
      command[0], Array(command.dropFirst()), environment: environment(variables))
    guard outcome.status == status else {
      throw Failure(
        description: "\(program) \(arguments) ended with \(outcome.status): \(outcome.errors)")
    }
  }

  func sweep() throws { try run("quota-sweep") }

  func fence() throws { try run("quota-fence") }

  func admin(_ arguments: String...) throws { try run("quota-admin", [:], arguments) }

  func write(_ text: String, to name: String) throws {
    try directory.write(text, to: "host/" + name)
  }

  /// A look into the ledger.
  var probe: LedgerProbe { LedgerProbe(database) }

  /// Whether the database has our tables already.
  func isOurs() throws -> Bool {
    try probe.schemaVersion == Schema.version
  }

  func execute(_ sql: String) throws {
    try Connection(database, .creating, busyTimeout: 5000).execute(sql)
  }

  /// The session comes in and is swept once.
  func beginSession() throws {
    try sweep()
    try run("quota-connect", hook("client-connect"))
    let client = try server.enter(
      "alice", address: "10.8.0.200", real: "192.0.2.1:1194", since: TorturedHost.since)
    try client.setCounters(received: 3000, sent: 4000)
    try sweep()
    try client.drop()
  }

  /// Sessions come and end of which only the journal tells.
  func addSessions(_ count: Int) throws {
    for number in 1...count {
      for script in ["client-connect", "client-disconnect"] {
        try run("quota-hook", hook(script, of: 100 + number))
      }
    }
  }

  /// Users of all kinds come in, and the listing has them.
  func addHeldUsers() throws {
    for (number, terms) in [
      ["--quota", "10MB"], ["--quota", "10MB"], ["--quota", "5MB", "--then", "1Mbit"],
      ["--quota", "1kB"], ["--rate", "1Mbit/512kbit"],
    ].enumerated() {
      try run("quota-admin", [:], ["add", "user\(number + 1)"] + terms)
      try run("quota-connect", hook("client-connect", of: number + 1))
      let client = try server.enter(
        "user\(number + 1)", address: "10.8.1.\(number + 1)",
        real: "192.0.2.1:\(2001 + number)", since: TorturedHost.since)
      try client.setCounters(received: 3000, sent: 4000)
    }
    try sweep()
  }

  /// How long the journal is; 0 where there is none.
  var journalSize: Int64 {
    System.size(ofFile: folder + "/data/journal") ?? 0
  }

  /// Fills the journal with what are no records, so that it is due to be rotated.
  func lengthenJournal() throws {
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: folder + "/data/journal"))
    try file.seekToEnd()
    try file.write(contentsOf: Data(repeating: UInt8(ascii: "\n"), count: 80 << 10))
    try file.close()
  }

  /// A log that is due, and an earlier one that has to be packed.
  func fillLogs() throws {
    for (name, first) in [("log.1", 1), ("log", 201)] {
      let lines = (first..<first + 200).map { "line \($0) of the log, to be kept whatever comes\n" }
      try write(lines.joined(), to: name)
    }
  }
}
