import System
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
  let source: HookEnvironment.Source = { variables[$0.description] }
  return try HookEnvironment(of: try HookEnvironment.script(reading: source), reading: source)
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
    #expect(text(read.commonName) == "bob, \"the\" Builder")
    #expect(read.username.isEmpty)
    #expect(read.processID == 5325)
    #expect(read.connectedSince == 1_795_474_098)
    #expect(text(read.ipv4) == "10.99.0.9")
    #expect(text(read.ipv6) == "fd99::1007")
    #expect(text(read.device) == "tun0")
    #expect(text(read.server) == "server")
    #expect(read.serverStart == 1_795_474_096)
    #expect(text(read.clientHost) == "10.77.0.2")
    #expect(text(read.clientPort) == "49426")
    let sent = try #require(read.bytesSent)
    let received = try #require(read.bytesReceived)
    #expect(sent > 1700 && received > 1700)
    #expect(read.duration != nil)
    #expect(read.problems.isEmpty)
  }

  @Test func `of a real client-connect has the same session and no counters`() throws {
    let read = try environment(try Capture.environment("connect-carol.env"))
    let left = try environment(try Capture.environment("disconnect-carol.env"))
    #expect(text(read.username) == "carol.login, \"x\"")
    #expect(read.bytesReceived == nil && read.bytesSent == nil && read.duration == nil)
    #expect(read.processID == left.processID)
    #expect(read.connectedSince == left.connectedSince)
    #expect(read.serverStart == left.serverStart)
    #expect(read.ipv4 == left.ipv4)
    #expect(read.clientHost + read.clientPort == left.clientHost + left.clientPort)
    #expect(text(read.commonName) == "carol")
  }

  @Test func `has the same address as the listing of that server`() throws {
    let hook = try environment(try Capture.environment("connect-bob.env"))
    let rows = try Capture.listing("status-3.txt").rows
    let row = try #require(
      rows.first {
        $0.connectedSince == hook.connectedSince
          && Array($0.commonName) == hook.commonName
      })
    #expect(text(row.address) == text(hook.ipv4))
  }

  @Test func `of a client over IPv6 has its address of the pool`() throws {
    let read = try environment(try Capture.environment("connect-ipv6.env"))
    #expect(text(read.ipv4) == "10.99.0.3")
    #expect(text(read.ipv6) == "fd99::1001")
    #expect(text(read.clientHost) == "fd77::2")
    #expect(text(read.clientPort) == "60241")
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
  }

  @Test(arguments: [
    "10.0.0.1\n", "../../etc/passwd", String(repeating: "1", count: 46), "10.0.0", "10.0.0.256",
  ])
  func `with nonsense for a virtual address goes without it, and says so`(value: String) throws {
    for name in ["ifconfig_pool_remote_ip", "ifconfig_pool_remote_ip6"] {
      let read = try environment([name: value])
      #expect(read.problems.map(\.variable) == [name])
      #expect(name.hasSuffix("6") ? read.ipv6.isEmpty : read.ipv4.isEmpty)
      let message = try #require(read.problems.first?.description)
      #expect(message.contains("not an address") && !message.contains("\n"))
    }
  }

  @Test func `needs neither a name nor an address`() throws {
    let read = try environment(["common_name": "", "ifconfig_pool_remote_ip": nil])
    #expect(read.commonName.isEmpty && read.username.isEmpty)
    #expect(read.ipv4.isEmpty && read.ipv6.isEmpty)
    #expect(read.clientHost.isEmpty && read.server.isEmpty && read.serverStart == 0)
  }

  @Test(arguments: [
    ("/etc/openvpn/server/udp.conf", "udp"), ("udp.tcp.conf", "udp.tcp"), (".conf", ".conf"),
    ("a/b", "b"), ("", ""),
  ])
  func `has the config's name for the server's`(config: String, name: String) throws {
    #expect(text(try environment(["config": config]).server) == name)
  }

  @Test func `tells a login from a session`() throws {
    let source: HookEnvironment.Source = { _ in Array("user-pass-verify".utf8) }
    #expect(try HookEnvironment.script(reading: source) == .login)
  }

  @Test func `is that of the process`() {
    #expect(Environment.value(of: "PATH")?.isEmpty == false)
    #expect(Environment.value(of: "OPENVPN_QUOTA_NOT_SET") == nil)
    #expect(throws: HookEnvironmentError("script_type", .missing)) {
      try HookEnvironment.script(reading: Environment.value)
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
