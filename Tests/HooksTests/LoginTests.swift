import Foundation
import Gate
import Quota
import TestSupport
import Testing

/// The connect hook as `auth-user-pass-verify`, behind which `--then` checks passwords.
@Suite struct `A login` {
  /// Midnight of 2026-12-01, 6 days and 22 hours after the hook runs.
  private let nextPeriod: Int64 = 1_796_083_200

  private func host() throws -> HookHost {
    let host = try HookHost()
    host.boundaries = [[nextPeriod]]
    host.users = [
      "alice": AccessUser(used: 10, limit: 10, rule: 0), "bob": AccessUser(isEnabled: false),
      "carol": AccessUser(limit: 10, rule: 0, maxSessions: 1),
      "dave": AccessUser(used: 10, limit: 10),
    ]
    try host.publish()
    return host
  }

  /// What OpenVPN says of a client that logs in.
  private func login(
    _ name: String, on host: HookHost, changes: [String: String?] = [:]
  ) throws -> [String: String] {
    var client = host.client("", port: 50_000, changes: ["username": name, "time_unix": nil])
    client["script_type"] = "user-pass-verify"
    client["ifconfig_pool_remote_ip"] = nil
    client["auth_failed_reason_file"] = try host.folder.write("", to: "reason")
    for (name, value) in changes { client[name] = value }
    return client
  }

  private func reason(_ host: HookHost) throws -> String {
    try String(contentsOfFile: host.path + "/reason", encoding: .utf8)
  }

  private let verifier = ["--then", "verifier", "/tmp/file"]

  @Test func `is told the reason in a file that has a relative name too, as of tmp-dir .`() throws {
    let host = try host()
    let levels = FileManager.default.currentDirectoryPath.split(separator: "/").count
    let file = String(repeating: "../", count: levels) + host.path.dropFirst() + "/reason"
    let login = try login("bob", on: host, changes: ["auth_failed_reason_file": file])
    let ran = host.connect(login, verifier)
    #expect(ran.errors.isEmpty)
    #expect(try reason(host) == "disabled by an administrator")
  }

  @Test(arguments: [
    ("alice", "traffic quota used up until 2026-12-01 00:00 UTC (in 7 days)"),
    ("bob", "disabled by an administrator"), ("dave", "traffic quota used up"), ("carol", ""),
    ("stranger", ""),
  ])
  func `with the right password is told what keeps the client out`(
    name: String, reason: String
  ) throws {
    let host = try host()
    let ran = host.connect(try login(name, on: host), verifier)
    #expect(ran.isIn == reason.isEmpty)
    #expect(try self.reason(host) == reason)
    #expect(ran.errors.isEmpty && host.scripts == [2])
    let records = try host.records()
    #expect(records.map(\.kind) == (reason.isEmpty ? [] : [.auth]))
    #expect(records.allSatisfy { $0.owner == Array(name.utf8) && $0.connectedSince == 0 })
  }

  @Test(arguments: [
    (6 * 86_400, "2026-12-01 00:00 UTC (in 6 days)"),
    (129_600, "2026-12-01 00:00 UTC (in 2 days)"), (127_000, "2026-12-01 00:00 UTC (in 35 hours)"),
    (5_400, "2026-12-01 00:00 UTC (in 2 hours)"), (5_340, "2026-12-01 00:00 UTC (in 89 minutes)"),
    (1, "2026-12-01 00:00 UTC (in 2 minutes)"),
  ])
  func `is told until when, in words that need no time zone`(seconds: Int, text: String) throws {
    let host = try host()
    host.now.realtime = (nextPeriod - Int64(seconds)) * 1_000_000_000
    host.connect(try login("alice", on: host), verifier)
    #expect(try reason(host) == "traffic quota used up until \(text)")
  }

  @Test func `is told of no end that the user's expiry comes before`() throws {
    let host = try host()
    host.users["alice"]?.expiresAt = nextPeriod
    try host.publish()
    host.connect(try login("alice", on: host), verifier)
    #expect(try reason(host) == "traffic quota used up")
  }

  /// 1 and others are a no; 2 says that the answer comes later, and is then another program's.
  @Test(arguments: [1, 2, 3, 137])
  func `without a yes of the verifier is the verifier's alone`(status: Int32) throws {
    for name in ["alice", "carol", "stranger"] {
      let host = try host()
      host.script = { status }
      let ran = host.connect(try login(name, on: host), verifier)
      #expect(ran.status == status && ran.errors.isEmpty)
      #expect(try reason(host) == "")
      #expect(try host.records().isEmpty)
    }
  }

  @Test func `is refused where the verifier cannot be run, or where there is none`() throws {
    let host = try host()
    host.script = { nil }
    for arguments in [verifier, [], ["--then"]] {
      let ran = host.connect(try login("carol", on: host), arguments)
      #expect(ran.status == 1)
      #expect(ran.errors.last?.hasSuffix("nobody may log in") == true)
      #expect(try reason(host) == "")
    }
  }

  @Test func `in a renegotiation is not judged, for the client is in`() throws {
    let host = try host()
    let client = try login("alice", on: host, changes: ["time_unix": "1795474098"])
    #expect(host.connect(client, verifier).isIn)
    #expect(try host.records().isEmpty)
  }

  @Test func `whose name is only in the file, as before 2.6, is left to the connect hook`() throws {
    let host = try host()
    #expect(host.connect(try login("", on: host, changes: ["username": nil]), verifier).isIn)
  }

  @Test func `is judged by the name that the server will know the client by`() throws {
    let host = try host()
    let client = try login("alice", on: host, changes: ["common_name": "carol"])
    #expect(host.connect(client, verifier).isIn)
    #expect(!host.connect(client, ["--username-as-common-name"] + verifier).isIn)
    #expect(try host.records().last?.commonName == Array("alice".utf8))
    host.header.identifyBy = .username
    try host.publish()
    #expect(!host.connect(client, verifier).isIn)
  }

  /// Without `duplicate-cn` OpenVPN ends a client's old session when the new one is there.
  @Test func `counts sessions that the new one will not take the place of`() throws {
    let host = try host()
    host.connect(host.client("carol", port: 1))
    #expect(host.connect(try login("carol", on: host), verifier).isIn)
    #expect(!host.connect(try login("carol", on: host), ["--duplicate-cn"] + verifier).isIn)
    #expect(try reason(host) == "too many sessions at once")
    host.disconnect(host.client("carol", port: 1))
    #expect(host.connect(try login("carol", on: host), ["--duplicate-cn"] + verifier).isIn)
    host.connect(host.client("carol", port: 2, server: "other", pid: 7))
    #expect(!host.connect(try login("carol", on: host), verifier).isIn)
  }

  @Test(arguments: [("allow", true), ("reject", false)])
  func `goes by ON_ERROR where nobody can tell`(onError: String, isIn: Bool) throws {
    let host = try host()
    try FileManager.default.removeItem(atPath: host.path + "/access")
    let client = try login("bob", on: host, changes: ["ON_ERROR": onError])
    let ran = host.connect(client, verifier)
    #expect(ran.isIn == isIn && ran.errors.count == 1)
    #expect(try reason(host) == (isIn ? "" : "could not be decided"))
    host.script = { 1 }
    #expect(host.connect(client, verifier).status == 1)
    let lost = try login("bob", on: host, changes: ["ON_ERROR": onError, "daemon_pid": nil])
    host.script = { 0 }
    #expect(host.connect(lost, verifier).isIn == isIn)
    #expect(host.scripts.count == 3)
  }

  @Test func `takes the place of what the verifier left in the file`() throws {
    let host = try host()
    let client = try login("bob", on: host)
    try host.folder.write(String(repeating: "x", count: 200), to: "reason")
    host.connect(client, verifier)
    #expect(try reason(host) == "disabled by an administrator")
  }

  /// OpenVPN's directory for temporary files may be one where everybody writes.
  @Test(arguments: ["link", "second name", "pipe", "nothing"])
  func `writes its reason into no file but OpenVPN's own`(trap: String) throws {
    let host = try host()
    let client = try login("bob", on: host)
    let reason = host.path + "/reason"
    try FileManager.default.removeItem(atPath: reason)
    let victim = try host.folder.write("precious", to: "victim")
    switch trap {
    case "link":
      try FileManager.default.createSymbolicLink(atPath: reason, withDestinationPath: victim)
    case "second name": try FileManager.default.linkItem(atPath: victim, toPath: reason)
    case "pipe": #expect(unsafe mkfifo(reason, 0o600) == 0)
    default: break
    }
    let ran = host.connect(client, verifier)
    #expect(ran.status == 1 && ran.errors.count == 1)
    #expect(try String(contentsOfFile: victim, encoding: .utf8) == "precious")
    #expect(try host.records().map(\.reason) == [.disabled])
  }
}
