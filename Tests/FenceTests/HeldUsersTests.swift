import Foundation
import Gate
import Quota
import System
import TestSupport
import Testing

@testable import Fence

/// A state directory, and who is held by what it says.
@Suite struct `The users who are held` {
  fileprivate static let now = JournalMoment(
    realtime: 1_795_466_300_000_000_000, boottime: 100_000_000_000, boot: 5)

  private struct Host {
    let folder: TemporaryDirectory
    var header = AccessHeader(
      version: 1, key: AccessKey(first: 1, second: 2), generation: 7, boot: 5,
      writtenAt: 1_795_466_290)
    var users: [(String, AccessUser)] = []
    var rates: [AccessRates] = []
    var shares: [String: HostShare] = [:]
    var sessions: [(owner: String, address: String, device: String)] = []
    var records: [JournalRecord] = []
    /// Where the journal ended before networks were listed.
    var listed: Int64 = .max

    init() throws {
      folder = try TemporaryDirectory()
      let directory = try Directory(folder.path)
      try Journal.prepare(in: directory, generation: 7)
      guard let journal = try JournalFile(.current, in: directory) else {
        throw SystemError("open", folder.path, code: ENOENT)
      }
      header.position = journal.endAtOpening
    }

    func hash(_ name: String) -> UInt64 { header.hash(of: Array(name.utf8).span) }

    mutating func record(
      _ kind: JournalRecord.Kind, _ owner: String, _ address: String, device: String = "tun0",
      server: String = "udp", second: Int64 = 1, bytes: Int64? = nil
    ) {
      let text = Array(owner.utf8)
      records.append(
        JournalRecord(
          kind: kind, mark: UInt64(records.count), boot: 5, serverStart: 17,
          server: Array(server.utf8), pid: 4711, connectedSince: second,
          realtime: `The users who are held`.now.realtime - 1,
          boottime: `The users who are held`.now.boottime - 1, ipv4: Array(address.utf8),
          device: Array(device.utf8), clientHost: Array("192.0.2.7".utf8),
          clientPort: Array("\(second)".utf8), commonName: text, owner: text,
          reason: kind == .out ? .quota : nil, received: bytes, sent: bytes.map { _ in 0 },
          duration: bytes.map { _ in 60 }))
    }

    func fence(
      at time: Int64 = `The users who are held`.now.realtime / 1_000_000_000,
      heard: [String] = ["udp"], networks: [String: [String]] = [:]
    ) throws -> Fence {
      let directory = try Directory(folder.path)
      var writer = AccessWriter(header, boundaries: [[1_795_500_000]])
      writer.rates = rates
      for (name, share) in shares { writer.shares[hash(name)] = share }
      for (name, user) in users { writer.put(user, named: hash(name)) }
      for (number, session) in sessions.enumerated() {
        let process = writer.number(
          of: AccessProcess(
            server: header.key.hash(Array("udp".utf8)), pid: 4711, serverStart: 17,
            device: Array(session.device.utf8)))
        writer.add(
          AccessSession(
            process: process, connectedSince: 1, owner: hash(session.owner), received: 0, sent: 0,
            addresses: VirtualAddresses(ipv4: Array(session.address.utf8), ipv6: []), client: 0,
            position: Int64(number)))
      }
      try writer.publish(in: directory)
      for record in records { try Journal.append(record, in: directory) }
      return try Self.held(in: directory, at: time, Set(heard.map(hash)), behind(networks))
    }

    private func behind(_ networks: [String: [String]]) -> [UInt64: ClientNetworks] {
      let pairs = networks.compactMap { client, behind in
        InternetNetwork(client).map { ($0.address, behind.compactMap { InternetNetwork($0) }) }
      }
      return [
        hash("udp"): ClientNetworks(position: listed, byClient: Dictionary(pairs) { $1 })
      ]
    }

    private static func held(
      in directory: borrowing Directory, at time: Int64, _ heard: Set<UInt64>,
      _ networks: [UInt64: ClientNetworks]
    ) throws -> Fence {
      var table = try AccessTable(in: directory)
      let tail = try JournalTail.opened(after: table.header, in: directory)
      let online = try OnlineSessions(of: &table, through: tail, now: `The users who are held`.now)
      return try Fence(online, by: &table, at: time, heard: heard, networks: networks)
    }
  }

  private func place(_ address: String, on device: String = "tun0") -> Fence.Place {
    Fence.Place(
      device: device,
      address: InternetAddress(ipv4: Array(address.utf8)) ?? InternetAddress(bytes: []))
  }

  @Test func `are those with a quota who are online, by the table and by the journal`() throws {
    var host = try Host()
    host.users = [
      ("alice", AccessUser(used: 10, limit: 100)), ("bob", AccessUser()),
      ("carol", AccessUser(used: 100, limit: 100)), ("dave", AccessUser(limit: 5)),
      ("erin", AccessUser(isExempt: true, used: 9, limit: 5)),
      ("frank", AccessUser(isEnabled: false)),
    ]
    host.sessions = [
      ("alice", "10.8.0.2", "tun0"), ("bob", "10.8.0.3", "tun0"), ("carol", "10.8.0.4", "tun1"),
      ("erin", "10.8.0.5", "tun0"),
    ]
    host.record(.in, "dave", "10.8.0.6", second: 2)
    host.record(.in, "frank", "10.8.0.7", second: 3)
    host.record(.out, "gina", "10.8.0.8", second: 4)
    let fence = try host.fence()
    #expect(
      fence.users == [
        host.hash("alice"): .quota(used: 10, limit: 100), host.hash("carol"): .refused,
        host.hash("dave"): .quota(used: 0, limit: 5), host.hash("frank"): .refused,
      ])
    #expect(
      fence.places == [
        place("10.8.0.2"): host.hash("alice"), place("10.8.0.4", on: "tun1"): host.hash("carol"),
        place("10.8.0.6"): host.hash("dave"), place("10.8.0.7"): host.hash("frank"),
      ])
  }

  @Test func `are no longer held where their session ended, and keep what it used`() throws {
    var host = try Host()
    host.users = [("alice", AccessUser(used: 10, limit: 1000))]
    host.sessions = [("alice", "10.8.0.2", "tun0"), ("alice", "10.8.0.3", "tun0")]
    host.record(.end, "alice", "10.8.0.2", bytes: 300)
    let fence = try host.fence()
    #expect(fence.users == [host.hash("alice"): .quota(used: 310, limit: 1000)])
    #expect(fence.places == [place("10.8.0.3"): host.hash("alice")])
  }

  @Test func `lose an address to who came later, held or not`() throws {
    var host = try Host()
    host.users = [("alice", AccessUser(limit: 1000)), ("bob", AccessUser())]
    host.sessions = [("alice", "10.8.0.2", "tun0")]
    host.record(.in, "bob", "10.8.0.2", second: 9)
    let fence = try host.fence()
    #expect(fence.places.isEmpty && fence.users.isEmpty)
  }

  @Test func `are not all heard of where one of their servers did not answer`() throws {
    var host = try Host()
    host.users = [("alice", AccessUser(limit: 1000)), ("bob", AccessUser(limit: 1000))]
    host.sessions = [("alice", "10.8.0.2", "tun0"), ("bob", "10.8.0.3", "tun0")]
    host.record(.in, "alice", "10.9.0.2", device: "tun1", server: "tcp")
    #expect(try host.fence().unheard == [host.hash("alice")])
    host.records = []
    #expect(try host.fence(heard: ["udp", "tcp"]).unheard.isEmpty)
  }

  @Test func `are held in the networks behind their clients too, where these are one user's alone`()
    throws
  {
    var host = try Host()
    host.users = [("alice", AccessUser(limit: 1000)), ("bob", AccessUser(limit: 1000))]
    host.sessions = [
      ("alice", "10.8.0.2", "tun0"), ("bob", "10.8.0.3", "tun0"), ("carol", "10.8.0.4", "tun0"),
    ]
    // A session that the listing did not know: its address was another client's. The table may know it.
    host.record(.in, "alice", "10.8.0.9")
    host.sessions.append(("alice", "10.8.0.8", "tun0"))
    host.listed = 3
    let networks = [
      "10.8.0.2": ["192.168.5.7/24", "fd00:5::/64", "172.16.0.0/12"],
      "10.8.0.3": ["10.0.0.0/8", "172.16.7.0/24"], "10.8.0.9": ["192.168.9.0/24"],
      "10.8.0.8": ["192.168.8.0/24"],
    ]
    let fence = try host.fence(networks: networks)
    let found = fence.places.filter { !$0.key.network.isHost }.map {
      "\($0.key.device) \($0.key.network) \($0.value == host.hash("alice") ? "alice" : "bob")"
    }
    #expect(
      found.sorted() == [
        "tun0 172.16.7.0/24 bob", "tun0 192.168.5.0/24 alice", "tun0 fd00:5::/64 alice",
      ])
    // The one has another network in it, the other everybody's addresses.
    #expect(fence.hasNetworks && fence.unknownPlaces == 2)
    #expect(try !host.fence().hasNetworks)
  }

  @Test func `begin anew with their period`() throws {
    var host = try Host()
    host.users = [("alice", AccessUser(used: 100, limit: 100, nextLimit: 50, rule: 0))]
    host.sessions = [("alice", "10.8.0.2", "tun0")]
    #expect(try host.fence().users.values.first == .refused)
    #expect(
      try host.fence(at: 1_795_500_000).users.values.first == .quota(used: 0, limit: 50))
  }

  @Test func `are those with a rate, and those whom their quota slows down`() throws {
    var host = try Host()
    let slow = try #require(Rate(shared: 1_000_000))
    host.header.fence = true
    host.rates = [AccessRates(rate: slow), AccessRates(thenRate: slow)]
    host.users = [
      ("alice", AccessUser(used: 10, limit: 100, rates: 1)), ("bob", AccessUser(rates: 0)),
      ("carol", AccessUser(used: 100, limit: 100, rates: 1)),
    ]
    host.sessions = [
      ("alice", "10.8.0.2", "tun0"), ("bob", "10.8.0.3", "tun0"), ("carol", "10.8.0.4", "tun0"),
    ]
    #expect(
      try host.fence().users == [
        host.hash("alice"): .passes(
          Fence.Allowance(used: 10, limit: 100), AccessRates(thenRate: slow)),
        host.hash("bob"): .passes(nil, AccessRates(rate: slow)),
        host.hash("carol"): .passes(nil, AccessRates(rate: slow)),
      ])
    host.header.fence = false
    #expect(try host.fence().users[host.hash("carol")] == .refused)
  }

  @Test func `have this host's share of what is left where they are on others as well`() throws {
    var host = try Host()
    host.users = [
      ("alice", AccessUser(used: 40, limit: 100)), ("bob", AccessUser(used: 40, limit: 100)),
      ("carol", AccessUser(used: 100, limit: 100)), ("dave", AccessUser(used: 80, limit: 100)),
    ]
    host.shares = [
      "alice": HostShare(told: 40, elsewhere: 30, otherHosts: 2),
      "carol": HostShare(told: 90, elsewhere: 30, otherHosts: 2),
      "dave": HostShare(told: 40, elsewhere: 30, otherHosts: 2),
    ]
    host.sessions = host.users.enumerated().map { ($1.0, "10.8.0.\($0 + 2)", "tun0") }
    let users = try host.fence().users
    func share(_ used: Int64, _ told: Int64) -> Fence.Hold {
      let share = HostShare(told: told, elsewhere: 30, otherHosts: 2)
      return .passes(Fence.Allowance(used: used, limit: 100, share: share), AccessRates())
    }
    #expect(users[host.hash("alice")] == share(40, 40))
    #expect(users[host.hash("bob")] == .quota(used: 40, limit: 100))
    // What is over is over, and a share that is used up is not.
    #expect(users[host.hash("carol")] == .refused)
    #expect(users[host.hash("dave")] == share(80, 40))
    guard case .passes(let allowance?, _) = users[host.hash("dave")] else {
      Issue.record("not held by a quota")
      return
    }
    #expect(allowance.limit == 60 && allowance.isShare && allowance.elsewhere == 30)
  }

  @Test func `are strangers too, by the settings`() throws {
    var host = try Host()
    host.record(.in, "new", "10.8.0.2")
    host.header.defaultQuota = 70
    #expect(try host.fence().users == [host.hash("new"): .quota(used: 0, limit: 70)])
    host.records = []
    host.header.unknownUsers = .ignore
    #expect(try host.fence().users.isEmpty)
    host.header.unknownUsers = .reject
    #expect(try host.fence().users == [host.hash("new"): .refused])
  }

  @Test(
    arguments: [
      "", "a-name-that-is-too-long", "tun0\" accept", "tun*", "$(id)", "tun0\n", "tün0", "a/b",
    ])
  func `are not found by a device whose name is hostile`(device: String) throws {
    var host = try Host()
    host.users = [("alice", AccessUser(limit: 1000))]
    host.record(.in, "alice", "10.8.0.2", device: device)
    let fence = try host.fence()
    #expect(fence.places.isEmpty && fence.unknownPlaces == 1)
  }

  @Test func `are left out on a device that is no tunnel`() throws {
    var host = try Host()
    host.users = [("alice", AccessUser(limit: 1000)), ("bob", AccessUser(limit: 1000))]
    host.sessions = [
      ("alice", "10.8.0.2", "tun0"), ("alice", "127.0.0.1", "lo"), ("bob", "127.0.0.2", "lo"),
    ]
    var fence = try host.fence()
    fence.leaveOut(["lo"])
    #expect(fence.users.keys.map { $0 } == [host.hash("alice")])
    #expect(fence.places == [place("10.8.0.2"): host.hash("alice")])
    #expect(fence.unknownPlaces == 2)
  }

  @Test func `of another boot are none`() throws {
    var host = try Host()
    host.header.boot = 4
    host.users = [("alice", AccessUser(limit: 1000))]
    host.sessions = [("alice", "10.8.0.2", "tun0")]
    #expect(try host.fence().places.isEmpty)
  }
}
