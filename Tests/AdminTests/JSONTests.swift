import Foundation
import TestSupport
import Testing

@Suite struct `What programs read` {
  struct User: Decodable, Equatable {
    let name: String
    let name_hex: String?
    let enabled: Bool
    let quota_bytes: Int64
    let bytes_used: Int64
    let bytes_received: Int64
    let bytes_sent: Int64
    let open_sessions: Int
    let admitted: Bool
    let refusal: String?
    let created_at: String?
    let sessions: [Session]?
  }

  struct Session: Decodable, Equatable {
    let server: String?
    let address: String
    let real_address: String?
    let connected_since: String
    let bytes_received: Int64
    let bytes_sent: Int64
  }

  struct Users: Decodable {
    let users: [User]
  }

  private func decode<Value: Decodable>(_ outcome: Outcome) throws -> Value {
    #expect(outcome.isFine)
    return try JSONDecoder().decode(Value.self, from: Data(outcome.output.utf8))
  }

  @Test func `a list has every user, with amounts in bytes`() throws {
    let bench = try Bench()
    #expect(try (decode(bench.admin("list", "--json")) as Users).users.isEmpty)
    try bench.populate()
    try bench.admin("disable", "bob")
    let users: Users = try decode(bench.admin("list", "--json"))
    #expect(
      users.users == [
        User(
          name: "alice", name_hex: nil, enabled: true, quota_bytes: 10 << 30, bytes_used: 2 << 30,
          bytes_received: 512 << 20, bytes_sent: 1536 << 20, open_sessions: 2, admitted: true,
          refusal: nil, created_at: "2026-11-23T20:36:45Z", sessions: nil),
        User(
          name: "bob", name_hex: nil, enabled: false, quota_bytes: 0, bytes_used: 0,
          bytes_received: 0, bytes_sent: 0, open_sessions: 0, admitted: false,
          refusal: "disabled", created_at: "2026-11-23T20:36:45Z", sessions: nil),
      ])
  }

  @Test func `a user has the fields of the list and the sessions`() throws {
    let bench = try Bench()
    try bench.populate()
    try bench.admin("set", "alice", "--quota", "1GB")
    let user: User = try decode(bench.admin("show", "alice", "--json"))
    #expect(user.quota_bytes == 1_000_000_000 && !user.admitted && user.refusal == "quota")
    #expect(
      user.sessions == [
        Session(
          server: "home", address: "10.8.0.2", real_address: "192.0.2.7:1194",
          connected_since: "2026-11-23T20:36:45Z", bytes_received: 1024, bytes_sent: 2048),
        Session(
          server: nil, address: "10.8.0.3", real_address: nil,
          connected_since: "2026-11-23T20:37:45Z", bytes_received: 0, bytes_sent: 0),
      ])
  }

  @Test func `the fields are those of the manual, in its order`() throws {
    let bench = try Bench()
    try bench.populate()
    let page = try #require(try `The manual`.page().components(separatedBy: "\n.Ss ").first)
    let documented = page.matches(of: /\.It Li ([a-z_]+)\n/).map { String($0.output.1) }
    let shown = try bench.admin("show", "alice", "--json").output
    var fields: [String] = []
    for match in shown.matches(of: /"([a-z_]+)":/) where !fields.contains(String(match.output.1)) {
      fields.append(String(match.output.1))
    }
    #expect(fields == documented)
  }

  @Test func `what the earlier project left in a user's row is taken as it is`() throws {
    let bench = try Bench()
    try bench.populate()
    try bench.probe.setStatus(of: "alice", "suspended")
    try bench.probe.setCreated("alice", "last spring")
    try bench.probe.setStatus(of: "bob", nil)
    try bench.probe.setCreated("bob", nil)
    try bench.probe.removeQuota(of: "bob")
    let users: Users = try decode(bench.admin("list", "--json"))
    #expect(users.users.map(\.enabled) == [false, false])
    #expect(users.users.map(\.created_at) == [nil, nil])
    #expect(users.users.map(\.quota_bytes) == [10 << 30, 0])
    #expect(try bench.admin("enable", "bob").isFine && bench.admin("enable", "alice").isFine)
    #expect(try (decode(bench.admin("list", "--json")) as Users).users.allSatisfy(\.enabled))
  }
}
