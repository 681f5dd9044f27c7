import Foundation
import SQLite
import System
import TestSupport
import Testing

/// `quota-sync` is killed at its system calls, one run a call, with news on both sides.
@Suite(.enabled(if: PostgresCluster.isInstalled)) struct SyncTortureTests {
  /// Of the calls that change nothing, one in so many is tried; of the others, so many of a name.
  private static let (stride, enough) = (40, 6)

  @Test
  func `Whatever quota-sync is killed at, all hosts agree in the end, and nothing counts twice`()
    throws
  {
    let hosts = try TorturedHosts()
    let strace = try SystemCalls()
    let program = Program.path("quota-sync")
    let (calls, outcome) = try strace.calls(of: program, [], environment: hosts.environment("a"))
    try #require(outcome.status == 0, "\(outcome.errors)")
    let undisturbed = try hosts.settled()
    #expect(undisturbed.contains { $0.hasPrefix("a: alice 1700 45 ") }, "\(undisturbed)")
    #expect(undisturbed.contains { $0.hasPrefix("b: alice 45 1700 ") }, "\(undisturbed)")
    var chance = SeededRandom(seed: UInt64(calls.count))
    let choice = calls.filter { call in
      let isTried = call.changesSomething && call.number <= Self.enough
      return isTried || Int.random(in: 0..<Self.stride, using: &chance) == 0 || isThorough
    }
    var died = 0
    for call in choice {
      try hosts.putBack()
      let killed = try strace.run(
        program, [], environment: hosts.environment("a"), killedAt: call)
      guard killed.status == 128 + SIGKILL else { continue }
      died += 1
      try #require(try hosts.settled() == undisturbed, "killed at \(call)")
    }
    say("quota-sync: \(died) of \(calls.count) calls")
    // The memory's layout is another one in each run, and so may be the calls that ask for some.
    #expect(died >= choice.count * 9 / 10 && died >= 20)
  }
}

/// Two hosts with a centre, which can be put back to a moment at which each has news for the other.
private final class TorturedHosts {
  private let folder: TemporaryDirectory
  private let cluster: PostgresCluster
  private let database = "torture"
  private var state: String { folder.path + "/state" }
  private var kept: String { folder.path + "/kept" }

  init() throws {
    folder = try TemporaryDirectory()
    cluster = try PostgresCluster()
    try cluster.run("createdb", ["-h", cluster.socket, "-U", "owner", database])
    for name in ["a", "b"] {
      try FileManager.default.createDirectory(
        atPath: "\(state)/\(name)", withIntermediateDirectories: true)
    }
    try run("a", "quota-sync", "--init")
    for name in ["a", "b"] { try run(name, "quota-sync", "--join", "--host", name) }
    try run("a", "quota-admin", "add", "alice", "--quota", "1GB")
    try run("b", "quota-sync")
    for (name, bytes) in [("a", 700), ("b", 40)] {
      try LedgerProbe(ledger(name)).raiseUsage(ofTenth: 1, by: Int64(bytes))
    }
    _ = try settled()
    try run("b", "quota-admin", "set", "alice", "--quota", "2GB")
    try LedgerProbe(ledger("b")).raiseUsage(ofTenth: 1, by: 5)
    try run("b", "quota-sync")
    try LedgerProbe(ledger("a")).raiseUsage(ofTenth: 1, by: 1000)
    // A user that the centre does not know yet.
    try run("a", "quota-connect", variables: hook)
    try FileManager.default.copyItem(atPath: state, toPath: kept)
    try copyDatabase(database, to: "kept")
  }

  private let hook = [
    "script_type": "client-connect", "common_name": "carol", "daemon_pid": "7",
    "daemon_start_time": "1", "time_unix": "\(Clock.now - 100)", "config": "home.conf",
    "ifconfig_pool_remote_ip": "10.8.0.200", "untrusted_ip": "192.0.2.1", "untrusted_port": "1194",
  ]

  private func ledger(_ host: String) -> String { "\(state)/\(host)/quota.db" }

  private func copyDatabase(_ name: String, to copy: String) throws {
    try cluster.run("createdb", ["-h", cluster.socket, "-U", "owner", "-T", name, copy])
  }

  /// The environment of a host's programs.
  func environment(_ host: String) -> [String: String] {
    [
      "PATH": "/usr/bin:/bin", "QUOTA_CONFIG": "/dev/null", "DATABASE": ledger(host),
      "LOG_FILE": "", "TIME_ZONE": "UTC", "SYNC": cluster.settings(of: database),
      "OPENVPN_CONFIGS": "",
    ]
  }

  private func run(
    _ host: String, _ program: String, _ arguments: String..., variables: [String: String] = [:]
  ) throws {
    try Program.run(
      Program.path(program), arguments,
      environment: environment(host).merging(variables) { $1 }
    ).requireSuccess()
  }

  /// Has both hosts and the centre be as they were.
  func putBack() throws {
    try FileManager.default.removeItem(atPath: state)
    try FileManager.default.copyItem(atPath: kept, toPath: state)
    try cluster.run("dropdb", ["-h", cluster.socket, "-U", "owner", "--force", database])
    try copyDatabase("kept", to: database)
  }

  /// Has both hosts tell and hear all, and gives what they know then: of each user the name, what they used
  /// here and elsewhere, their sessions elsewhere and their quota.
  func settled() throws -> [String] {
    for name in ["a", "b", "a"] { try run(name, "quota-sync") }
    return try ["a", "b"].flatMap { name in
      try Connection(ledger(name), busyTimeout: 5000).query(
        """
        SELECT username, bytes_received, elsewhere_received, elsewhere_sessions, quota, uid IS NULL
        FROM users JOIN user_quotas ON user_id = users.id
          LEFT JOIN elsewhere ON elsewhere_user = users.id ORDER BY username
        """
      ) { row in
        "\(name): " + (0..<6).map { row.text($0) }.joined(separator: " ")
      }
    }
  }
}
