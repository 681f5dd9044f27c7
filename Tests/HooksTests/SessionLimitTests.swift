import Gate
import Quota
import System
import TestSupport
import Testing

@Suite struct `A limit of sessions` {
  private func host(_ maxSessions: Int64 = 1) throws -> HookHost {
    let host = try HookHost()
    host.users["alice"] = AccessUser(maxSessions: maxSessions)
    try host.publish()
    return host
  }

  @Test func `counts live sessions of the tail, until their ends`() throws {
    let host = try host(2)
    let clients = (1...3).map { host.client("alice", port: $0) }
    #expect(host.connect(clients[0]).isIn)
    #expect(host.connect(clients[1]).isIn)
    #expect(!host.connect(clients[2]).isIn)
    #expect(try host.records().last?.reason == .sessions)
    host.disconnect(clients[0])
    #expect(host.connect(clients[2]).isIn)
  }

  @Test func `counts live sessions of the table, on every server`() throws {
    let host = try host()
    let client = host.client("alice", port: 1, server: "tcp", pid: 99)
    host.sessions = [host.liveSession(of: client)]
    try host.publish()
    #expect(!host.connect(host.client("alice")).isIn)
    host.disconnect(client)
    #expect(host.connect(host.client("alice")).isIn)
  }

  @Test func `leaves out those of an earlier process of the same server`() throws {
    let host = try host()
    host.connect(host.client("alice", port: 1, pid: 4000))
    #expect(host.connect(host.client("alice", port: 2)).isIn)
    let restarted = host.client(
      "alice", port: 3, changes: ["daemon_start_time": "1795474090"])
    #expect(host.connect(restarted).isIn)
    #expect(!host.connect(host.client("alice", port: 4, server: "other", pid: 1)).isIn)
  }

  @Test func `leaves out those of an earlier boot`() throws {
    let host = try host()
    host.sessions = [host.liveSession(of: host.client("alice", port: 1, server: "tcp"))]
    try host.publish()
    host.connect(host.client("alice", port: 2, server: "tcp"))
    #expect(!host.connect(host.client("alice")).isIn)
    host.now.boot = 78
    #expect(host.connect(host.client("alice")).isIn)
  }

  @Test func `leaves out what a listing knew of the very client already`() throws {
    let host = try host()
    let client = host.client("alice")
    host.sessions = [host.liveSession(of: client)]
    try host.publish()
    #expect(host.connect(client).isIn)
    #expect(!host.connect(host.client("alice", port: 2)).isIn)
  }

  @Test func `holds without a journal, by the table`() throws {
    let host = try host()
    host.sessions = [host.liveSession(of: host.client("alice", port: 1))]
    try host.publish()
    try System.remove(host.path + "/journal")
    let ran = host.connect(host.client("alice"))
    #expect(!ran.isIn)
    #expect(ran.errors.count == 2)
  }

  /// A client that binds its port is back in the same second with all that identified it.
  @Test func `follows a hundred lives of one second from one port`() throws {
    let host = try host()
    for _ in 0..<100 {
      let client = host.client("alice", port: 1)
      #expect(host.connect(client).isIn)
      host.disconnect(client, sent: 10)
    }
    #expect(host.connect(host.client("alice", port: 1)).isIn)
    #expect(!host.connect(host.client("alice", port: 2)).isIn)
  }

  /// Of two lives of a second, the end goes to the one that it fits best.
  @Test func `knows whose end it was by port and address`() throws {
    let host = try host()
    host.users["bob"] = AccessUser(maxSessions: 1)
    try host.publish()
    let (alice, bob) = (host.client("alice", port: 1), host.client("bob", port: 2))
    host.connect(alice)
    host.connect(bob)
    // The client floated and restarted its TLS: another port, the same virtual address.
    host.disconnect(alice, changes: ["untrusted_port": "3", "common_name": "bob"])
    #expect(host.connect(host.client("alice", port: 5)).isIn)
    #expect(!host.connect(host.client("bob", port: 6)).isIn)
    // The server gave it another address: the same port.
    host.disconnect(bob, changes: ["ifconfig_pool_remote_ip": "10.9.9.9"])
    #expect(host.connect(host.client("bob", port: 7)).isIn)
  }

  /// The table's sessions of others take the ends that are theirs.
  @Test func `leaves an end to another's session of the table`() throws {
    let host = try host()
    let (alice, bob) = (host.client("alice", port: 1), host.client("bob", port: 2))
    host.sessions = [host.liveSession(of: alice), host.liveSession(of: bob)]
    try host.publish()
    host.disconnect(bob, changes: ["common_name": "alice"])
    #expect(!host.connect(host.client("alice", port: 5)).isIn)
    host.disconnect(alice)
    #expect(host.connect(host.client("alice", port: 5)).isIn)
  }

  /// Random comings and goings of several users within few seconds, of which the truth is known.
  @Test(arguments: 0..<40 as Range<UInt64>)
  func `and a quota hold through any history`(seed: UInt64) throws {
    var chance = SeededRandom(seed: seed)
    let host = try HookHost()
    let names = ["alice", "bob", "carol"]
    for name in names { host.users[name] = AccessUser(limit: 3000, maxSessions: 2) }
    var (live, used):
      ([(client: [String: String], counted: Int64, moved: Int64)], [String: Int64]) = (
        [], [:]
      )
    try host.publish()
    for step in 0..<120 {
      if Int.random(in: 0..<15, using: &chance) == 0 {
        // A sweep: everything is counted so far.
        for index in live.indices {
          live[index].moved += 10
          live[index].counted = live[index].moved
          used[owner(live[index].client), default: 0] += 10
        }
        for name in names { host.users[name]?.used = used[name] ?? 0 }
        host.sessions = live.map { host.liveSession(of: $0.client, sent: $0.counted) }
        try host.publish()
      } else if !live.isEmpty, Bool.random(using: &chance) {
        let index = Int.random(in: live.indices, using: &chance)
        let session = live.remove(at: index)
        let last = session.moved + Int64.random(in: 0...100, using: &chance)
        used[owner(session.client), default: 0] += last - session.counted
        host.disconnect(
          session.client, sent: last,
          changes: ["common_name": names.randomElement(using: &chance) ?? "x"])
      } else {
        let name = names[step % 3]
        let client = host.client(
          name, port: step, since: 1_795_474_090 + Int64.random(in: 0...2, using: &chance))
        let isFree = live.count { owner($0.client) == name } < 2 && used[name] ?? 0 < 3000
        #expect(host.connect(client).isIn == isFree, "step \(step) of \(seed)")
        if isFree { live.append((client, 0, 0)) }
      }
    }
  }

  private func owner(_ client: [String: String]) -> String { client["common_name"] ?? "" }
}
