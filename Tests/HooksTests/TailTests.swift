import Foundation
import Gate
import Quota
import System
import TestSupport
import Testing

/// What happened since the table was written, which a hook reads from the journal's tail.
@Suite struct `The tail of the journal` {
  private func host(limit: Int64 = 1000, used: Int64 = 0) throws -> HookHost {
    let host = try HookHost()
    host.users["alice"] = AccessUser(used: used, limit: limit)
    host.users["bob"] = AccessUser(limit: limit)
    try host.publish()
    return host
  }

  @Test func `counts sessions that began and ended in it as a whole`() throws {
    let host = try host(used: 400)
    for port in 1...3 {
      let client = host.client("alice", port: port)
      #expect(host.connect(client).isIn, "session \(port)")
      host.disconnect(client, received: 100, sent: 100)
    }
    #expect(!host.connect(host.client("alice")).isIn)
    #expect(try host.records().last?.reason == .quota)
    #expect(host.connect(host.client("bob")).isIn)
  }

  @Test func `counts every spelling of a name for one user where NAMES is fold`() throws {
    let host = try host(used: 400)
    host.header.names = .fold
    host.users["alice"]?.maxSessions = 2
    let live = host.client("Alice", port: 9)
    host.sessions = [host.liveSession(of: live, received: 100, sent: 0)]
    try host.publish()
    #expect(host.connect(host.client("ALICE", port: 1)).isIn)
    #expect(!host.connect(host.client("aLICE", port: 2)).isIn)
    #expect(try host.records().last?.reason == .sessions)
    host.disconnect(live, received: 700, sent: 0)
    #expect(!host.connect(host.client("alicE", port: 3)).isIn)
    #expect(try host.records().last?.reason == .quota)
  }

  @Test(arguments: [(Count.total, false), (.sent, true), (.received, false)])
  func `counts what COUNT says`(count: Count, isIn: Bool) throws {
    let host = try host()
    host.header.count = count
    try host.publish()
    let client = host.client("alice", port: 1)
    host.connect(client)
    host.disconnect(client, received: 1000, sent: 999)
    #expect(host.connect(host.client("alice")).isIn == isIn)
  }

  @Test func `adds to a session of the table only what the table did not count`() throws {
    let host = try host(used: 900)
    let client = host.client("alice", port: 1)
    host.sessions = [host.liveSession(of: client, received: 500, sent: 400)]
    try host.publish()
    host.disconnect(client, received: 550, sent: 449)
    #expect(host.connect(host.client("alice")).isIn)
    host.sessions = [host.liveSession(of: client, received: 499, sent: 400)]
    try host.publish()
    host.disconnect(client, received: 550, sent: 449)
    #expect(!host.connect(host.client("alice")).isIn)
  }

  @Test func `counts for the user who came in, whatever name the client has at the end`() throws {
    let host = try host()
    let client = host.client("alice", port: 1)
    host.connect(client)
    host.disconnect(client, sent: 1000, changes: ["common_name": "bob"])
    #expect(!host.connect(host.client("alice")).isIn)
    #expect(host.connect(host.client("bob")).isIn)
  }

  @Test func `counts no end that is of no session, or of a refused client`() throws {
    let host = try host()
    host.disconnect(host.client("alice", port: 1), sent: 1000)
    host.script = { 1 }
    let refused = host.client("alice", port: 2)
    #expect(!host.connect(refused, ["--then", "script"]).isIn)
    host.disconnect(refused, sent: 1000)
    #expect(host.connect(host.client("alice", port: 3)).isIn)
  }

  @Test func `does not count more than can have moved`() throws {
    let host = try host(limit: 1 << 60)
    let client = host.client("alice", port: 1)
    host.connect(client)
    host.disconnect(client, sent: 1 << 61, duration: 10)
    #expect(host.connect(host.client("alice")).isIn)
  }

  @Test func `goes on through the file before it, where it was rotated`() throws {
    let host = try host()
    let client = host.client("alice", port: 1)
    host.connect(client)
    _ = try Journal.rotate(in: try host.directory(), generation: 8, after: 0)
    #expect(host.connect(host.client("alice")).isIn)
    host.disconnect(client, sent: 1000)
    #expect(!host.connect(host.client("alice")).isIn)
  }

  /// Spoils the journal so that the table alone can decide.
  static let spoilings: [(what: String, spoil: @Sendable (HookHost) throws -> Void)] = [
    (
      "another journal",
      { try Journal.rotate(in: $0.directory(), generation: 8, after: 0, twice: 9) }
    ),
    ("cut short", { _ = unsafe truncate($0.path + "/journal", 10) }),
    ("empty", { _ = unsafe truncate($0.path + "/journal", 0) }),
    ("a gigabyte of nothing", { _ = unsafe truncate($0.path + "/journal", 1 << 30) }),
    ("garbage", { try $0.folder.write(String(repeating: "x", count: 9000), to: "journal") }),
    (
      "17 MiB of lines",
      {
        try $0.appendBytes(Array(repeating: 0x0A, count: 17 << 20))
      }
    ),
  ]

  @Test(.timeLimit(.minutes(4)), arguments: spoilings.indices)
  func `that is no good leaves the answer to the table, and says so in one line`(
    index: Int
  ) throws {
    let (what, spoil) = Self.spoilings[index]
    let host = try host()
    let client = host.client("alice", port: 1)
    host.connect(client)
    host.disconnect(client, sent: 1000)
    try spoil(host)
    let ran = host.connect(host.client("alice"))
    #expect(ran.isIn, "\(what)")
    #expect(ran.errors.count == 1, "\(what): \(ran.errors)")
    #expect(ran.errors.first?.contains("the access table alone decides") == true)
  }

  @Test func `with damaged lines counts those that are whole`() throws {
    let host = try host()
    let client = host.client("alice", port: 1)
    host.connect(client)
    try host.appendBytes(Array("\n3\tend\tgarbage\tof\talice\t".utf8) + [0, 0, 0xFF])
    host.disconnect(client, sent: 1000)
    try host.appendBytes(Array(JournalRecord.torn.utf8))
    let ran = host.connect(host.client("alice"))
    #expect(!ran.isIn)
    #expect(ran.errors.isEmpty)
  }

  @Test func `is not read for a user whom it cannot concern`() throws {
    let host = try host()
    host.users = ["free": AccessUser(), "exempt": AccessUser(isExempt: true, limit: 1)]
    try host.publish()
    _ = unsafe truncate(host.path + "/journal", 10)
    for name in ["free", "exempt"] {
      let ran = host.connect(host.client(name))
      #expect(ran.isIn && ran.errors.isEmpty)
    }
  }

  @Test func `counts a stranger's sessions against DEFAULT_QUOTA`() throws {
    let host = try host()
    host.header.defaultQuota = 1000
    try host.publish()
    let client = host.client("stranger", port: 1)
    #expect(host.connect(client).isIn)
    host.disconnect(client, sent: 1000)
    #expect(!host.connect(host.client("stranger")).isIn)
  }
}

extension JournalRecord {
  /// A line that a crash cut off.
  fileprivate static var torn: String { "\n3\tend\t0123456789ABCDEF\t-\t17950" }
}

extension Journal {
  /// Two rotations without a sweep between them, which never happens: the table's generation is gone.
  fileprivate static func rotate(
    in directory: borrowing Directory, generation: UInt64, after position: Int64, twice: UInt64
  ) throws {
    _ = try rotate(in: directory, generation: generation, after: position)
    _ = try rotate(in: directory, generation: twice, after: position)
  }
}
