import Foundation
import Quota
import System
import TestSupport
import Testing

@testable import Gate

/// A table for tests.
private struct Fixture {
  let folder: TemporaryDirectory
  var path: String { folder.path + "/access" }

  static let header = AccessHeader(
    version: 0x1122_3344_5566_7788, key: AccessKey(first: 1, second: 2), generation: 99,
    position: 1 << 33, boot: 12345, writtenAt: 1_795_466_205, onError: .reject,
    unknownUsers: .ignore, defaultQuota: 5_000_000_000, identifyBy: .username, count: .sent,
    fence: true)

  static let rates = [
    AccessRates(rate: Rate(shared: 8000)), AccessRates(thenRate: Rate(down: 8001, up: 8001)),
    AccessRates(rate: Rate(down: 1_000_000_000_000, up: 9000), thenRate: Rate(shared: 64_000)),
  ]

  init(
    users: Int = 0, sessions: Int = 0, header: AccessHeader = header, boundaries: [[Int64]] = []
  ) throws {
    folder = try TemporaryDirectory()
    var writer = AccessWriter(header, boundaries: boundaries)
    writer.rates = Self.rates
    for number in 0..<users { writer.add(Self.user(number), named: Self.name(number)) }
    for number in 0..<sessions { writer.add(Self.session(number)) }
    try writer.publish(in: try Directory(folder.path))
  }

  static func name(_ number: Int) -> [UInt8] { Array("user-\(number)".utf8) }

  static func user(_ number: Int) -> AccessUser {
    AccessUser(
      isEnabled: number % 7 != 0, isExempt: number % 5 == 0, used: Int64(number) << 20,
      limit: .max - Int64(number), nextLimit: Int64(number), laterLimit: 0,
      rule: number % 3 == 0 ? nil : number % 3, expiresAt: number % 2 == 0 ? nil : Int64(number),
      maxSessions: Int64(number % 9), rates: number % 4 == 0 ? nil : number % 4 - 1)
  }

  /// Three sessions a user, three a second, on two servers.
  static func session(_ number: Int) -> LiveSession {
    LiveSession(
      server: Array("server-\(number % 2)".utf8), pid: 4711 + Int64(number % 2), serverStart: 17,
      connectedSince: 1_795_000_000 + Int64(number / 6), owner: name(number / 3),
      received: Int64(number), sent: 1 << 40,
      addresses: VirtualAddresses(
        ipv4: Array("10.8.0.\(number % 250 + 1)".utf8),
        ipv6: number % 4 == 0 ? [] : Array("fd00::\(number % 250 + 1)".utf8)),
      device: Array("tun\(number % 2)".utf8), clientHost: Array("192.0.2.7".utf8),
      clientPort: Array("\(number)".utf8), position: number % 10 == 9 ? nil : Int64(number) * 300)
  }

  func table() throws(AccessError) -> AccessTable {
    do throws(SystemError) { return try Self.opened(folder.path) } catch { throw .system(error) }
  }

  /// What a table that is opened anew says of a user.
  func user(named name: [UInt8]) throws(AccessError) -> AccessUser? {
    var table = try table()
    return try table.user(named: name)
  }

  private static func opened(_ path: String) throws(SystemError) -> AccessTable {
    let directory = try Directory(path)
    do throws(AccessError) { return try AccessTable(in: directory) } catch {
      if case .system(let error) = error { throw error }
      throw SystemError("read", "damaged", code: EILSEQ)
    }
  }
}

@Suite struct `The access table` {
  @Test(arguments: [0, 1, 2, 71, 72, 73, 5000])
  func `has every user that was put in, and no other`(count: Int) throws {
    let fixture = try Fixture(users: count)
    var table = try fixture.table()
    #expect(table.header == Fixture.header)
    for number in 0..<count {
      #expect(try table.user(named: Fixture.name(number)) == Fixture.user(number))
    }
    for number in count..<count + 200 {
      #expect(try table.user(named: Fixture.name(number)) == nil)
    }
    #expect(try table.user(named: []) == nil)
  }

  @Test(arguments: [0, 1, 3, 54, 600])
  func `has the live sessions by their owner and by their key`(count: Int) throws {
    let fixture = try Fixture(users: 2, sessions: count)
    var table = try fixture.table()
    for owner in 0...count / 3 {
      let expected = (owner * 3..<owner * 3 + 3).filter { $0 < count }
      let found = try table.sessions(ofOwner: Fixture.name(owner))
      #expect(Set(found.map(\.received)) == Set(expected.map { Int64($0) }))
      #expect(found.map { $0.position ?? -1 } == found.map { $0.position ?? -1 }.sorted())
    }
    for number in 0..<count {
      let session = Fixture.session(number)
      let found = try table.sessions(
        server: table.header.key.hash(session.server), pid: session.pid,
        connectedSince: session.connectedSince)
      let expected = (0..<count).filter {
        $0 % 2 == number % 2 && $0 / 6 == number / 6
      }
      #expect(Set(found.map(\.received)) == Set(expected.map { Int64($0) }))
      #expect(found.map { $0.position ?? -1 } == found.map { $0.position ?? -1 }.sorted())
    }
    #expect(try table.sessions(server: 1, pid: 1, connectedSince: 1).isEmpty)
  }

  @Test(arguments: [1, 2, 30])
  func `finds users in any order, quickly in that of their hashes`(step: Int) throws {
    let fixture = try Fixture(users: 1000)
    var table = try fixture.table()
    // Every other one is a stranger.
    let names = (0..<2000).map(Fixture.name)
    let key = table.header.key
    let sorted = names.enumerated().map { (hash: key.hash($1), number: $0) }
      .sorted { $0.hash < $1.hash }
    var next = 0
    for start in 0..<step {
      for index in stride(from: start, to: sorted.count, by: step) {
        let (hash, number) = sorted[index]
        let expected = number < 1000 ? Fixture.user(number) : nil
        #expect(try table.user(hash: hash, near: &next) == expected)
      }
    }
  }

  @Test func `has what this host may let users have who are on others, too`() throws {
    let folder = try TemporaryDirectory()
    var writer = AccessWriter(Fixture.header)
    for number in 0..<500 {
      writer.shares[UInt64(number)] = HostShare(
        told: Int64(number) << 40, elsewhere: Int64(number), otherHosts: 3)
    }
    let shares = writer.shares
    let size = try writer.publish(in: Directory(folder.path))
    #expect(try AccessTable(in: Directory(folder.path)).allShares() == shares)
    #expect(size == 5 * 4096)
    #expect(try Fixture(users: 10).table().allShares().isEmpty)
  }

  @Test func `has the rates of its users, each once`() throws {
    var table = try Fixture(users: 9).table()
    #expect(table.ratesCount == Fixture.rates.count)
    for (number, rates) in Fixture.rates.enumerated() {
      #expect(try table.rates(of: number) == rates)
    }
    #expect(try table.user(named: Fixture.name(4))?.rates == nil)
    #expect(throws: AccessError.self) { try table.rates(of: Fixture.rates.count) }
  }

  @Test func `takes no more than 16 bits for sessions at once and for rates`() {
    var bytes: [UInt8] = []
    AccessUser(maxSessions: 1_000_000, rates: 70_000).append(hash: 1, to: &bytes)
    AccessUser(maxSessions: 0, rates: 0).append(hash: 2, to: &bytes)
    #expect(bytes.count == 112)
    let users = [0, 56].map { AccessUser(bytes.span.extracting($0..<$0 + 56)) }
    #expect(users.map(\.maxSessions) == [65_534, 0], "the last, and never none")
    #expect(users.map(\.rates) == [65_534, 0], "the last, and never none")
  }

  @Test func `gives a session as it was put in`() throws {
    let fixture = try Fixture(sessions: 3)
    var table = try fixture.table()
    let session = try #require(
      try table.sessions(ofOwner: Fixture.name(0)).first { $0.received == 1 })
    #expect(session.connectedSince == 1_795_000_000)
    #expect(session.sent == 1 << 40)
    #expect(session.addresses.ipv4?.text == "10.8.0.2")
    #expect(session.addresses.ipv6?.text == "fd00::2")
    #expect(session.position == 300)
    #expect(
      session.client
        == table.header.key.hash(clientHost: Array("192.0.2.7".utf8), port: Array("1".utf8)))
    let process = try table.process(session.process)
    #expect(process.pid == 4712)
    #expect(process.serverStart == 17)
    #expect(process.server == table.header.key.hash(Array("server-1".utf8)))
    #expect(String(decoding: process.device, as: UTF8.self) == "tun1")
    let bare = try #require(try table.sessions(ofOwner: Fixture.name(0)).first { $0.received == 0 })
    #expect(bare.addresses.ipv6 == nil)
  }

  @Test func `has the boundaries of each rule, at most 64`() throws {
    let many = (1...70).map { Int64($0) * 86_400 }
    let fixture = try Fixture(boundaries: [[], [5, 6], many] + Array(repeating: [1], count: 20))
    var table = try fixture.table()
    #expect(try table.boundaries(of: 0).isEmpty)
    #expect(try table.boundaries(of: 1) == [5, 6])
    #expect(try table.boundaries(of: 2) == Array(many.prefix(64)))
    #expect(try table.boundaries(of: 22) == [1])
    #expect(throws: AccessError.damaged(path: fixture.path)) { try table.boundaries(of: 23) }
  }

  @Test func `is small: 10 000 users with a session each take 1.5 MB at most`() throws {
    let fixture = try Fixture(users: 10_000, sessions: 10_000)
    #expect(try FileStatus(of: fixture.path).size <= 1_500_000)
    #expect(try FileStatus(of: fixture.path).mode == 0o640)
  }

  @Test func `is replaced whole, over what an earlier writer left`() throws {
    let fixture = try Fixture(users: 10)
    try fixture.folder.write("half a table", to: "access.new")
    var before = try fixture.table()
    var writer = AccessWriter(
      AccessHeader(version: 5, key: AccessKey(first: 3, second: 4), writtenAt: 0))
    writer.add(Fixture.user(1), named: Fixture.name(1))
    try writer.publish(in: try Directory(fixture.folder.path))
    var after = try fixture.table()
    // A reader goes on in the one that it opened.
    #expect(try before.user(named: Fixture.name(9)) == Fixture.user(9))
    #expect(try after.user(named: Fixture.name(9)) == nil)
    #expect(after.header.version == 5)
    #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.folder.path) == ["access"])
  }

  /// The key is 0, 1, … 15, and so are the bytes, as in the vectors of SipHash's authors.
  @Test func `hashes as SipHash-1-3 is defined`() {
    let key = AccessKey(first: 0x0706_0504_0302_0100, second: 0x0F0E_0D0C_0B0A_0908)
    #expect(key.hash([]) == 0xABAC_0158_050F_C4DC)
    #expect(key.hash([0]) == 0xC9F4_9BF3_7D57_CA93)
    #expect(key.hash([0, 1, 2, 3, 4, 5, 6, 7]) == 0x3690_9511_8D29_9A8E)
    #expect(key.hash(Array(0..<15)) == 0xD320_D86D_2A51_9956)
  }
}

/// A damaged table is unreadable: it never makes a user unknown, nor another's limits hold.
@Suite struct `A damaged access table` {
  @Test func `is known by any byte that is another`() throws {
    let fixture = try Fixture(users: 100, sessions: 5)
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture.path)))
    for index in stride(from: 0, to: bytes.count, by: 13) {
      bytes[index] ^= 0x40
      try replace(fixture, bytes)
      bytes[index] ^= 0x40
      // What is in a page that is not needed is not seen.
      let read = Result { () throws(AccessError) in
        try fixture.user(named: Fixture.name(42))
      }
      switch read {
      case .success(let user): #expect(user == Fixture.user(42) && index >= 4096)
      case .failure(let error): #expect("\(error)".contains("damaged"))
      }
    }
  }

  @Test func `is known wherever it was cut`() throws {
    let fixture = try Fixture(users: 100, sessions: 5)
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture.path)))
    for length in [0, 1, 15, 4095, 4096, 4097, 8191, 8192, 10_000, 12_287] {
      try replace(fixture, Array(bytes.prefix(length)))
      let read = Result { () throws(AccessError) in
        try (0..<100).map { (number) throws(AccessError) in
          try fixture.user(named: Fixture.name(number))
        }
      }
      switch read {
      case .success: Issue.record("a table cut at \(length) was read")
      case .failure(let error): #expect("\(error)".contains("damaged"))
      }
    }
  }

  @Test func `is known by a page of another table, or of another place`() throws {
    let fixture = try Fixture(users: 100)
    var other = Fixture.header
    other.version += 1
    let foreign = try Fixture(users: 100, header: other)
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture.path)))
    let others = [UInt8](try Data(contentsOf: URL(fileURLWithPath: foreign.path)))
    let swapped = bytes[..<4096] + bytes[8192..<12288] + bytes[4096..<8192]
    bytes.replaceSubrange(4096..<12288, with: others[4096..<12288])
    for damaged in [bytes, Array(swapped)] {
      try replace(fixture, damaged)
      #expect(throws: AccessError.self) { try fixture.user(named: Fixture.name(1)) }
    }
  }

  @Test(arguments: [[], [0], Array("not a table at all".utf8), Array(repeating: 0, count: 1 << 20)])
  func `may be anything`(bytes: [UInt8]) throws {
    let fixture = try Fixture()
    try replace(fixture, bytes)
    #expect(throws: AccessError.self) { try fixture.user(named: Fixture.name(1)) }
  }

  @Test(
    .timeLimit(.minutes(4)), arguments: ["nothing", "a link", "a pipe", "a directory", "another's"])
  func `may be no file of ours`(what: String) throws {
    let fixture = try Fixture(users: 1)
    let elsewhere = fixture.folder.path + "/elsewhere"
    try System.rename(fixture.path, to: elsewhere)
    switch what {
    case "a link":
      try FileManager.default.createSymbolicLink(
        atPath: fixture.path, withDestinationPath: elsewhere)
    case "a pipe": unsafe mkfifo(fixture.path, 0o666)
    case "a directory": unsafe mkdir(fixture.path, 0o777)
    case "another's":
      try System.rename(elsewhere, to: fixture.path)
      guard unsafe chown(fixture.path, 65534, 65534) == 0 else { return }
    default: break
    }
    #expect(throws: AccessError.self) { try fixture.user(named: Fixture.name(0)) }
  }

  private func replace(_ fixture: Fixture, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: fixture.path))
  }
}
