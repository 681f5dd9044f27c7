import Foundation
import Gate
import Hooks
import Quota
import System
import TestSupport
import Testing

/// A host with a state directory, on which hooks are run in this process.
final class HookHost {
  let folder: TemporaryDirectory
  /// The clocks; every run of a hook takes a millisecond.
  var now = JournalMoment(
    realtime: 1_795_474_100_000_000_000, boottime: 1_000_000_000_000, boot: 77)
  var header = AccessHeader(
    version: 1, key: AccessKey(first: 3, second: 4), generation: 7, boot: 77,
    writtenAt: 1_795_474_000)
  var users: [String: AccessUser] = [:]
  var sessions: [LiveSession] = []
  var boundaries: [[Int64]] = []
  var rates: [AccessRates] = []
  /// The status of the server's own script; nil where it cannot be run.
  var script: () -> Int32? = { 0 }
  /// Which argument it was, in each run.
  private(set) var scripts: [Int] = []
  private(set) var successors: [Int] = []

  init() throws {
    folder = try TemporaryDirectory()
    try Journal.prepare(in: try Directory(folder.path), generation: 7)
  }

  var path: String { folder.path }
  func directory() throws(SystemError) -> Directory { try Directory(folder.path) }

  /// Writes the access table as a sweep would: it includes all of the journal as it is now.
  func publish() throws {
    if let file = try JournalFile(.current, in: try directory()), let journal = file.header {
      (header.generation, header.position) = (journal.generation, try file.end())
    }
    var writer = AccessWriter(header, boundaries: boundaries)
    writer.rates = rates
    for (name, user) in users { writer.add(user, named: Array(name.utf8)) }
    for session in sessions { writer.add(session) }
    try writer.publish(in: try directory())
  }

  /// What a run of a hook came to.
  struct Ran {
    let status: Int32
    let said: [String]
    let errors: [String]
    var isIn: Bool { status == 0 }
  }

  @discardableResult
  func run(
    _ program: String, _ arguments: [String] = [], _ environment: [String: String]
  ) -> Ran {
    var (said, errors): ([String], [String]) = ([], [])
    let status = Hook.run(
      HookRun(
        arguments: ([program] + arguments).map { Array($0.utf8) },
        variable: { environment["\($0)"].map { Array($0.utf8) } },
        now: { self.now },
        process: 4000,
        run: { (index) throws(SystemError) in
          self.scripts.append(index)
          guard let status = self.script() else { throw SystemError("run", "it", code: ENOENT) }
          return status
        },
        become: { index in
          self.successors.append(index)
          return SystemError("run", "it", code: ENOENT)
        },
        say: { said.append($0) }, complain: { errors.append($0) }))
    now.realtime += 1_000_000
    now.boottime += 1_000_000
    return Ran(status: status, said: said, errors: errors)
  }

  /// What OpenVPN says of a client at its connection; its port tells it from others.
  func client(
    _ name: String, port: Int = 40_000, since: Int64 = 1_795_474_098, server: String = "udp",
    pid: Int = 5325, changes: [String: String?] = [:]
  ) -> [String: String] {
    var environment = [
      "script_type": "client-connect", "common_name": name, "username": "",
      "daemon_pid": "\(pid)", "daemon_start_time": "1795470000", "time_unix": "\(since)",
      "ifconfig_pool_remote_ip": "10.8.0.\(port % 250 + 1)", "dev": "tun0",
      "untrusted_ip": "192.0.2.7", "untrusted_port": "\(port)", "config": "\(server).conf",
      "DATABASE": path + "/quota.db",
    ]
    for (name, value) in changes { environment[name] = value }
    return environment
  }

  /// Runs the connect hook.
  @discardableResult
  func connect(_ client: [String: String], _ arguments: [String] = []) -> Ran {
    run("/usr/libexec/openvpn-quota/quota-connect", arguments, client)
  }

  /// Runs the disconnect hook of a client.
  @discardableResult
  func disconnect(
    _ client: [String: String], received: Int64 = 0, sent: Int64 = 0, duration: Int64 = 3600,
    changes: [String: String?] = [:], _ arguments: [String] = []
  ) -> Ran {
    var environment = client
    environment["script_type"] = "client-disconnect"
    environment["bytes_received"] = "\(received)"
    environment["bytes_sent"] = "\(sent)"
    environment["time_duration"] = "\(duration)"
    for (name, value) in changes { environment[name] = value }
    return run("/usr/libexec/openvpn-quota/quota-disconnect", arguments, environment)
  }

  /// The table's row of a client that came in.
  func liveSession(
    of client: [String: String], received: Int64 = 0, sent: Int64 = 0, position: Int64? = nil
  ) -> LiveSession {
    func bytes(_ name: String) -> [UInt8] { Array((client[name] ?? "").utf8) }
    func number(_ name: String) -> Int64 { Int64(client[name] ?? "") ?? 0 }
    return LiveSession(
      server: Array(bytes("config").dropLast(5)), pid: number("daemon_pid"),
      serverStart: number("daemon_start_time"), connectedSince: number("time_unix"),
      owner: bytes("common_name"), received: received, sent: sent,
      addresses: VirtualAddresses(ipv4: bytes("ifconfig_pool_remote_ip"), ipv6: []),
      device: bytes("dev"),
      clientHost: bytes("untrusted_ip"), clientPort: bytes("untrusted_port"), position: position)
  }

  /// All records of the journal.
  func records() throws -> [JournalRecord] {
    guard let file = try JournalFile(.current, in: try directory()) else { return [] }
    var scan = JournalScan(from: file.base)
    var records: [JournalRecord] = []
    while let entry = try scan.next(in: file) { records.append(entry.record) }
    return records
  }

  func appendBytes(_ bytes: [UInt8]) throws {
    let file = try #require(FileHandle(forWritingAtPath: path + "/journal"))
    try file.seekToEnd()
    try file.write(contentsOf: Data(bytes))
    try file.close()
  }
}
