import Gate
import Quota
import System
import Testing

@Suite struct `The connect hook` {
  /// What the table says of a user, and what follows.
  static let answers: [(user: AccessUser?, reason: Reason?)] = [
    (AccessUser(), nil),
    (AccessUser(isEnabled: false), .disabled),
    (AccessUser(isEnabled: false, isExempt: true), .disabled),
    (AccessUser(used: 99, limit: 100), nil),
    (AccessUser(used: 100, limit: 100), .quota),
    (AccessUser(isExempt: true, used: 100, limit: 100, expiresAt: 1), nil),
    (AccessUser(expiresAt: 1_795_474_100), .expired),
    (AccessUser(expiresAt: 1_795_474_101), nil),
    (AccessUser(used: .max, limit: 0), nil),
    (nil, nil),
  ]

  @Test(arguments: answers.indices)
  func `answers by the access table, and writes its answer down`(index: Int) throws {
    let (user, reason) = Self.answers[index]
    let host = try HookHost()
    host.users["alice"] = user
    try host.publish()
    let ran = host.connect(host.client("alice"))
    #expect(ran.isIn == (reason == nil))
    #expect(ran.errors.isEmpty)
    let record = try #require(try host.records().last)
    #expect(record.kind == (reason == nil ? .in : .out))
    #expect(record.reason == reason)
  }

  /// Whether there is a fence, the user, and why they are kept out.
  static let slowed: [(fence: Bool, user: AccessUser, reason: Reason?)] = [
    (true, AccessUser(used: 100, limit: 100, rates: 0), nil),
    (true, AccessUser(used: 100, limit: 100, rates: 1), .quota),
    (false, AccessUser(used: 100, limit: 100, rates: 0), .quota),
    (true, AccessUser(used: 100, limit: 100, expiresAt: 1, rates: 0), .expired),
    (true, AccessUser(isEnabled: false, used: 100, limit: 100, rates: 0), .disabled),
    (true, AccessUser(used: 99, limit: 100, rates: 0), nil),
  ]

  @Test(arguments: slowed.indices)
  func `lets a user in whom their quota slows down, where there is a fence`(index: Int) throws {
    let (fence, user, reason) = Self.slowed[index]
    let host = try HookHost()
    host.header.fence = fence
    host.rates = [
      AccessRates(thenRate: Rate(shared: 1_000_000)), AccessRates(rate: Rate(shared: 9000)),
    ]
    host.users["alice"] = user
    try host.publish()
    let ran = host.connect(host.client("alice"))
    #expect(ran.isIn == (reason == nil))
    #expect(ran.errors.isEmpty)
    #expect(try host.records().last?.reason == reason)
  }

  @Test func `keeps a slowed user to their sessions at once`() throws {
    let host = try HookHost()
    host.header.fence = true
    host.rates = [AccessRates(thenRate: Rate(shared: 1_000_000))]
    host.users["alice"] = AccessUser(used: 100, limit: 100, maxSessions: 1, rates: 0)
    try host.publish()
    #expect(host.connect(host.client("alice", port: 40_001)).isIn)
    #expect(!host.connect(host.client("alice", port: 40_002)).isIn)
    #expect(try host.records().last?.reason == .sessions)
  }

  @Test func `writes all that OpenVPN says of the client`() throws {
    let host = try HookHost()
    try host.publish()
    let now = host.now
    host.connect(
      host.client(
        "Jürgen, \"x\"",
        changes: [
          "username": "login name", "ifconfig_pool_remote_ip6": "fd00::5", "untrusted_ip": nil,
          "untrusted_ip6": "2001:db8::7",
        ]))
    #expect(
      try host.records() == [
        JournalRecord(
          kind: .in, mark: JournalRecord.mark(boottime: now.boottime, process: 4000), boot: 77,
          serverStart: 1_795_470_000, server: Array("udp".utf8), pid: 5325,
          connectedSince: 1_795_474_098, realtime: now.realtime, boottime: now.boottime,
          ipv4: Array("10.8.0.1".utf8), ipv6: Array("fd00::5".utf8), device: Array("tun0".utf8),
          clientHost: Array("2001:db8::7".utf8), clientPort: Array("40000".utf8),
          commonName: Array("Jürgen, \"x\"".utf8), username: Array("login name".utf8),
          owner: Array("Jürgen, \"x\"".utf8))
      ])
  }

  @Test func `goes by the user name where the table says so`() throws {
    let host = try HookHost()
    host.header.identifyBy = .username
    host.users["login"] = AccessUser(isEnabled: false)
    try host.publish()
    #expect(!host.connect(host.client("alice", changes: ["username": "login"])).isIn)
    #expect(try host.records().last?.owner == Array("login".utf8))
    #expect(host.connect(host.client("login", changes: ["username": "other"])).isIn)
  }

  @Test func `goes by the name of the login where there is no common name`() throws {
    let host = try HookHost()
    host.users["login"] = AccessUser(isEnabled: false)
    try host.publish()
    #expect(!host.connect(host.client("", changes: ["username": "login"])).isIn)
    #expect(host.connect(host.client("alice", changes: ["username": "login"])).isIn)
    host.header.identifyBy = .commonName
    try host.publish()
    #expect(host.connect(host.client("", changes: ["username": "login"])).isIn)
  }

  @Test(arguments: [UnknownUsers.allow, .ignore, .reject])
  func `treats a stranger, and a client without a name, as UNKNOWN_USERS says`(
    setting: UnknownUsers
  ) throws {
    let host = try HookHost()
    host.header.unknownUsers = setting
    host.users["alice"] = AccessUser()
    try host.publish()
    for name in ["mallory", ""] {
      #expect(host.connect(host.client(name)).isIn == (setting != .reject))
      #expect(try host.records().last?.reason == (setting == .reject ? .unknown : nil))
    }
    #expect(host.connect(host.client("alice")).isIn)
  }

  @Test func `finds clients without a name under UNDEF, as OpenVPN calls them`() throws {
    let host = try HookHost()
    host.users["UNDEF"] = AccessUser(isEnabled: false)
    try host.publish()
    #expect(!host.connect(host.client("")).isIn)
    #expect(try host.records().last?.owner == Array("UNDEF".utf8))
    #expect(host.connect(host.client("", changes: ["username": "login"])).isIn)
  }

  @Test func `finds a user by every spelling where NAMES is fold`() throws {
    let host = try HookHost()
    host.users["Jürgen"] = AccessUser(isEnabled: false)
    try host.publish()
    #expect(!host.connect(host.client("Jürgen")).isIn)
    #expect(host.connect(host.client("JÜRGEN")).isIn)
    host.header.names = .fold
    try host.publish()
    for name in ["Jürgen", "JÜRGEN", " jürgen  "] {
      #expect(!host.connect(host.client(name)).isIn, "\(name)")
      #expect(try host.records().last?.owner == Array("jürgen".utf8))
      #expect(try host.records().last?.commonName == Array(name.utf8))
    }
    #expect(host.connect(host.client("Jurgen")).isIn)
  }

  @Test func `refuses names that would break a listing off, whatever else holds`() throws {
    let host = try HookHost()
    host.users["alice"] = AccessUser()
    try host.publish()
    let client = host.client("alice", changes: ["username": String(repeating: "x", count: 500)])
    #expect(!host.connect(client).isIn)
    #expect(try host.records().last?.reason == .nameTooLong)
    try System.rename(host.path + "/access", to: host.path + "/gone")
    #expect(!host.connect(client).isIn)
  }

  @Test func `names the server as the command line does, else by its config`() throws {
    let host = try HookHost()
    try host.publish()
    host.connect(host.client("alice"))
    host.connect(host.client("alice"), ["--server", "main office", "/tmp/openvpn_cc_1.tmp"])
    #expect(
      try host.records().map { String(decoding: $0.server, as: UTF8.self) }
        == ["udp", "main office"])
  }

  @Test func `writes no boot where it cannot read it, as in a chroot`() throws {
    let host = try HookHost()
    host.now.boot = nil
    try host.publish()
    host.connect(host.client("alice"))
    #expect(try host.records().last?.boot == nil)
  }
}

/// Users and periods: what the table says of later moments.
@Suite struct `After the next boundary of a period` {
  @Test func `usage begins anew, and the later limits hold`() throws {
    let host = try HookHost()
    host.boundaries = [[], [1_795_474_200, 1_795_474_300]]
    host.users["alice"] = AccessUser(used: 50, limit: 50, nextLimit: 100, laterLimit: 0, rule: 1)
    host.users["bob"] = AccessUser(used: 50, limit: 50, nextLimit: 100, rule: 0)
    try host.publish()
    #expect(!host.connect(host.client("alice")).isIn)
    host.now.realtime = 1_795_474_200_000_000_000
    #expect(host.connect(host.client("alice")).isIn)
    #expect(!host.connect(host.client("bob")).isIn)
    // A session before the boundary was of the period before; one after it is of this one.
    let ended = host.client("alice", port: 1)
    host.connect(ended)
    host.disconnect(ended, sent: 100)
    #expect(!host.connect(host.client("alice")).isIn)
    host.now.realtime = 1_795_474_300_000_000_000
    #expect(host.connect(host.client("alice")).isIn)
  }

  @Test func `what ended before it counts before it, whenever that is taken in`() throws {
    let host = try HookHost()
    host.boundaries = [[1_795_474_200]]
    host.users["alice"] = AccessUser(limit: 100, rule: 0)
    try host.publish()
    let early = host.client("alice", port: 1)
    host.connect(early)
    host.disconnect(early, sent: 100)
    #expect(!host.connect(host.client("alice")).isIn)
    host.now.realtime += 200_000_000_000
    host.now.boottime += 200_000_000_000
    #expect(host.connect(host.client("alice")).isIn)
  }
}
