import Testing

@testable import OpenVPN

private let plain: [String: String] = [
  "script_type": "client-disconnect", "common_name": "alice", "daemon_pid": "5325",
  "time_unix": "1795474098", "ifconfig_pool_remote_ip": "10.99.0.3", "bytes_received": "1837",
  "bytes_sent": "2119", "time_duration": "29",
]

private func environment(
  _ variables: [String: [UInt8]]
) throws(HookEnvironmentError) -> HookEnvironment {
  try HookEnvironment { variables[$0.description] }
}

/// A sound environment with some variables changed; nil takes one away.
private func environment(
  _ changes: [String: String?]
) throws(HookEnvironmentError) -> HookEnvironment {
  var variables = plain.mapValues { Array($0.utf8) }
  for (name, value) in changes { variables[name] = value.map { Array($0.utf8) } }
  return try environment(variables)
}

@Suite struct `A hook's environment` {
  @Test func `of a real client-disconnect has the final counters`() throws {
    let read = try environment(try Capture.environment("disconnect-bob.env"))
    #expect(read.script == .disconnect)
    #expect(read.commonName.map { text($0) } == "bob, \"the\" Builder")
    #expect(read.username == nil)
    #expect(read.processID == 5325)
    #expect(read.connectedSince == 1_795_474_098)
    #expect(read.address.text == "10.99.0.9")
    let sent = try #require(read.bytesSent)
    let received = try #require(read.bytesReceived)
    #expect(sent > 1700 && received > 1700)
    #expect(read.duration != nil)
    #expect(read.problems.isEmpty)
  }

  @Test func `of a real client-connect has the same session and no counters`() throws {
    let read = try environment(try Capture.environment("connect-carol.env"))
    let left = try environment(try Capture.environment("disconnect-carol.env"))
    #expect(read.script == .connect)
    #expect(read.username.map { text($0) } == "carol.login, \"x\"")
    #expect(read.bytesReceived == nil && read.bytesSent == nil && read.duration == nil)
    #expect(read.processID == left.processID)
    #expect(read.connectedSince == left.connectedSince)
    #expect(read.address == left.address)
    #expect(text(try read.name(by: .username)) == "carol.login, \"x\"")
    #expect(text(try read.name(by: .commonName)) == "carol")
  }

  @Test func `has the same address as the listing of that server`() throws {
    let hook = try environment(try Capture.environment("connect-bob.env"))
    let rows = try Capture.listing("status-3.txt").rows
    let row = try #require(
      rows.first {
        $0.connectedSince == hook.connectedSince
          && Array($0.commonName) == hook.commonName
      })
    #expect(row.address == hook.address)
    let tap = try environment([
      "ifconfig_pool_remote_ip": nil, "common_name": "bob, \"the\" Builder",
    ])
    let tapRow = try #require(
      try Capture.listing("tap-3.txt").rows.first { text($0.commonName).hasPrefix("bob") })
    #expect(tapRow.address == tap.address)
  }

  @Test func `of a client over IPv6 has its address of the pool`() throws {
    #expect(
      try environment(try Capture.environment("connect-ipv6.env")).address.text == "10.99.0.3")
    let only = try environment([
      "ifconfig_pool_remote_ip": nil, "ifconfig_pool_remote_ip6": "fd99::1001",
    ])
    #expect(only.address.text == "fd99::1001")
  }

  @Test(arguments: ["script_type", "daemon_pid", "time_unix"])
  func `without a variable that a session needs names it`(name: String) {
    #expect {
      try environment([name: nil])
    } throws: { error in
      "\(error)" == "OpenVPN's variable \(name) is missing"
    }
  }

  @Test(arguments: [
    ("daemon_pid", "0"), ("daemon_pid", "-1"), ("daemon_pid", "2147483648"), ("daemon_pid", "12x"),
    ("daemon_pid", ""), ("time_unix", "-1"), ("time_unix", "99999999999999999999999"),
    ("time_unix", "soon"), ("time_unix", ""), ("time_unix", " 1"),
    ("script_type", "tls-verify"), ("script_type", ""),
    ("ifconfig_pool_remote_ip", "10.0.0.1\n"), ("ifconfig_pool_remote_ip", "../../etc/passwd"),
    ("ifconfig_pool_remote_ip", String(repeating: "1", count: 46)),
  ])
  func `with nonsense in it names the variable and shows it safely`(
    name: String, value: String
  ) throws {
    let error = #expect(throws: HookEnvironmentError.self) { try environment([name: value]) }
    #expect(error?.variable == name)
    #expect(error?.value == Array(value.utf8))
    let message = try #require(error?.description)
    #expect(message.contains(name) && !message.contains("\n"))
  }

  @Test(arguments: ["bytes_received", "bytes_sent", "time_duration"])
  func `may lack a final counter, or have nonsense for it`(name: String) throws {
    let without = try environment([name: nil])
    #expect(without.problems.isEmpty)
    for value in ["", "-1", "many", "1.0"] {
      let read = try environment([name: value])
      #expect(read.problems.map(\.variable) == [name])
      let all = [read.bytesReceived, read.bytesSent, read.duration]
      #expect(all.count { $0 == nil } == 1)
    }
    let huge = try environment([name: "18446744073709551615"])
    #expect([huge.bytesReceived, huge.bytesSent, huge.duration].contains(Int64.max))
    #expect(huge.problems.isEmpty)
  }

  @Test func `has names as bytes, whatever they are`() throws {
    var variables = plain.mapValues { Array($0.utf8) }
    variables["ifconfig_pool_remote_ip"] = nil
    variables["common_name"] = [0xFF]
    variables["username"] = [0xC3]
    let one = try environment(variables)
    variables["common_name"] = [0xFE]
    let other = try environment(variables)
    #expect(one.commonName == [0xFF])
    #expect(one.username == [0xC3])
    #expect(one.commonName != other.commonName)
    #expect(one.address != other.address)
  }

  @Test func `without a name fails only when that name is asked for`() throws {
    let read = try environment(["common_name": "", "username": "u"])
    #expect(text(try read.name(by: .username)) == "u")
    #expect(throws: HookEnvironmentError("common_name", .missing)) {
      try read.name(by: .commonName)
    }
    #expect(throws: HookEnvironmentError("common_name", .missing)) {
      try environment(["common_name": "", "ifconfig_pool_remote_ip": nil])
    }
  }

  @Test func `tells where the client is and which server it came to`() throws {
    let bob = try Capture.environment("disconnect-bob.env")
    #expect(HookEnvironment.clientAddress { bob[$0.description] } == "10.77.0.2:49426")
    #expect(HookEnvironment.serverName { bob[$0.description] } == "server")
    let alice = try Capture.environment("connect-ipv6.env")
    #expect(HookEnvironment.clientAddress { alice[$0.description] } == "[fd77::2]:60241")
    let early = ["untrusted_ip": Array("1.2.3.4".utf8), "untrusted_port": Array("5\n".utf8)]
    #expect(HookEnvironment.clientAddress { early[$0.description] } == "1.2.3.4:5\\x0A")
    #expect(HookEnvironment.clientAddress { _ in nil } == nil)
    #expect(HookEnvironment.serverName { _ in nil } == nil)
  }

  @Test func `is that of the process`() {
    #expect(HookEnvironment.processVariable("PATH")?.isEmpty == false)
    #expect(HookEnvironment.processVariable("OPENVPN_QUOTA_NOT_SET") == nil)
    #expect(throws: HookEnvironmentError("script_type", .missing)) {
      try HookEnvironment.current()
    }
  }
}

@Suite struct `The width of a listing's row` {
  private func bytes(_ count: Int) -> [UInt8] { [UInt8](repeating: 0x78, count: count) }

  @Test func `has room for every name and login that OpenVPN commonly allows`() {
    #expect(!ListingWidth.wouldBreak(commonName: bytes(64), username: bytes(127)))
    #expect(!ListingWidth.wouldBreak(commonName: bytes(128), username: []))
  }

  @Test func `is passed by a login of five hundred bytes`() {
    #expect(ListingWidth.wouldBreak(commonName: bytes(5), username: bytes(500)))
    #expect(ListingWidth.wouldBreak(commonName: bytes(500), username: []))
  }

  @Test func `counts both names together, and UNDEF for a missing login`() {
    let room = ListingWidth.roomForNames
    #expect(!ListingWidth.wouldBreak(commonName: bytes(room - 5), username: []))
    #expect(ListingWidth.wouldBreak(commonName: bytes(room - 4), username: []))
    #expect(!ListingWidth.wouldBreak(commonName: bytes(room - 100), username: bytes(100)))
    #expect(ListingWidth.wouldBreak(commonName: bytes(room - 100), username: bytes(101)))
  }

  @Test func `is at most 511 bytes in the worst case that is let in`() {
    let row = [
      "CLIENT_LIST", String(repeating: "n", count: 100),
      "tcp6-server:[fe80:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "255.255.255.255",
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "18446744073709551615", "18446744073709551615",
      "Thu Jun 18 04:23:03 2015", "9999999999",
      String(repeating: "u", count: ListingWidth.roomForNames - 100), "18446744073709551615",
      "16777215", "CAMELLIA-256-CFB8-AEADXX",
    ].joined(separator: "\t")
    #expect(row.utf8.count <= ListingWidth.longestRow)
    #expect(row.utf8.count > ListingWidth.longestRow - 8)
  }
}
