import Foundation
import TestSupport
import Testing

/// What the programs rely on OpenVPN to do, each fact shown by the OpenVPN that is installed.
@Suite(.serialized, .enabled(if: RealHost.isAvailable))
struct OpenVPNFactsTests {
  let host: RealHost

  init() throws { host = try RealHost() }

  @Test func `a listing's time_t and pid are the hook's time_unix and daemon_pid`() throws {
    let server = try RealServer(on: host)
    try server.start()
    let alice = try server.client("alice")
    #expect(try alice.connect() == .up)
    let row = try #require(try server.listing().first)
    let pid = try server.processID
    #expect(try server.ask("pid") == ["SUCCESS: pid=\(pid)"])
    try server.ask("kill alice")
    try eventually("the hook") { try !server.endings.isEmpty }
    let ending = try #require(try server.endings.first)
    #expect(ending.processID == pid)
    #expect(ending.since == row.since)
    #expect(ending.virtualAddress == row.virtualAddress)
    #expect(ending.owner == "alice")
  }

  @Test func `final counters are no less than the last listing's`() throws {
    let server = try RealServer(on: host)
    try server.start()
    let alice = try server.client("alice")
    try alice.connect()
    try alice.upload(300_000)
    try alice.download(700_000)
    let row = try #require(try server.listing().first)
    #expect(row.received > 300_000)
    #expect(row.sent > 700_000)
    try server.stop()
    let final = try #require(try server.finished.first)
    #expect(final.name == "alice")
    // A good-bye and some pings. How much moved before is not ours to say: on a slow machine TCP sends
    // some of it twice.
    #expect((row.received..<row.received + 20_000).contains(final.received))
    #expect((row.sent..<row.sent + 20_000).contains(final.sent))
  }

  @Test func `a client that floats keeps its time, its number and its virtual address`() throws {
    let server = try RealServer(on: host)
    try server.start()
    let alice = try server.client("alice")
    try alice.connect()
    let before = try #require(try server.listing().first)
    try alice.float()
    let after = try #require(try server.listing().first)
    #expect(after.realAddress != before.realAddress)
    #expect(after.since == before.since)
    #expect(after.clientID == before.clientID)
    #expect(after.virtualAddress == before.virtualAddress)
    #expect(after.received > before.received)
    try server.stop()
    #expect(try server.endings.map(\.owner) == ["alice"])
  }

  @Test(arguments: ["SIGUSR1", "SIGHUP", "SIGTERM"])
  func `a server that starts over or stops runs the hook of each client`(signal: String) throws {
    let server = try RealServer(on: host)
    try server.start()
    let clients = try ["alice", "bob"].map { try server.client($0) }
    for client in clients { try client.connect() }
    let pid = try server.processID
    switch signal {
    case "SIGUSR1": try server.softRestart()
    case "SIGHUP": try server.hangUp()
    default: try server.stop()
    }
    #expect(try server.finished.map(\.name).sorted() == ["alice", "bob"])
    if signal != "SIGTERM" {
      #expect(try server.processID == pid)
      #expect(try server.listing().isEmpty)
      try clients[0].reconnect()
      #expect(try server.listing().map(\.clientID) == ["0"])
    }
  }

  @Test func `a server that is killed runs no hook, and its next life has another pid`() throws {
    let server = try RealServer(on: host)
    try server.start()
    let alice = try server.client("alice")
    try alice.connect()
    let pid = try server.processID
    try server.crash()
    try server.start()
    #expect(try server.processID != pid)
    #expect(try server.endings.isEmpty)
    #expect(try alice.reconnect() == .up)
    #expect(try server.listing().map(\.name) == ["alice"])
  }

  @Test func `client-kill with HALT shows the client its text and ends it`() throws {
    let server = try RealServer(on: host)
    try server.start()
    let alice = try server.client("alice")
    let bob = try server.client("bob")
    try alice.connect()
    try bob.connect()
    let row = try #require(try server.listing().first { $0.name == "alice" })
    #expect(
      try server.ask("client-kill \(row.clientID) \"HALT,Traffic quota used up\"")
        == ["SUCCESS: client-kill command succeeded"])
    try alice.wait(for: "to be halted") { $0 == .halted("Traffic quota used up") }
    #expect(try server.listing().contains { $0.name == "alice" }, "it lingers")
    try alice.waitUntilGone()
    #expect(try server.finished.map(\.name) == ["alice"])
    #expect(try bob.ping())
    #expect(bob.isConnected)
  }

  @Test func `a refused client's disconnect hook runs right after`() throws {
    let refuse = try host.write("#!/bin/sh\nexit 1\n", to: "refuse", mode: 0o755)
    var options = RealServer.Options()
    options.connectHook = refuse
    let server = try RealServer(on: host, options)
    try server.start()
    let alice = try server.client("alice")
    #expect(try alice.connect() == .refused(""))
    let ending = try #require(try server.endings.first)
    #expect(ending.owner == nil)
    #expect(ending.nameAtTheEnd == "alice")
    #expect(ending.duration <= 2)
    #expect(ending.received < 8192 && ending.sent < 8192)
    #expect(try server.finished.isEmpty)
  }

  @Test func `two clients with one certificate have two sessions with duplicate-cn`() throws {
    var options = RealServer.Options()
    options.duplicateCommonName = true
    let server = try RealServer(on: host, options)
    try server.start()
    let first = try server.client("alice")
    let second = try server.client("alice")
    try first.connect()
    try second.connect()
    let rows = try server.listing()
    #expect(rows.map(\.name) == ["alice", "alice"])
    #expect(Set(rows.map(\.virtualAddress)).count == 2)
    try server.stop()
    #expect(try server.finished.map(\.name) == ["alice", "alice"])
  }

  @Test func `without duplicate-cn a second client ends the first one's session`() throws {
    let server = try RealServer(on: host)
    try server.start()
    let first = try server.client("alice")
    let second = try server.client("alice")
    try first.connect()
    try second.connect()
    #expect(try server.finished.map(\.name) == ["alice"])
    #expect(try server.listing().count == 1)
  }

  @Test(arguments: [RealServer.Options.Transport.udp, .tcp])
  func `a client that leaves is gone, over UDP by its notice`(
    transport: RealServer.Options.Transport
  ) throws {
    var options = RealServer.Options()
    options.transport = transport
    let server = try RealServer(on: host, options)
    try server.start()
    let alice = try server.client("alice")
    try alice.connect()
    try alice.upload(50_000)
    try alice.sayGoodbye()
    try alice.waitUntilGone()
    #expect(try server.finished.map(\.name) == ["alice"])
    #expect(try server.listing().isEmpty)
  }

  @Test func `a client that dies is gone when the server's patience is at its end`() throws {
    var options = RealServer.Options()
    options.timeout = 5
    let server = try RealServer(on: host, options)
    try server.start()
    let alice = try server.client("alice")
    try alice.connect()
    try alice.vanish()
    #expect(try server.endings.isEmpty)
    try alice.waitUntilGone()
    #expect(try server.finished.map(\.name) == ["alice"])
  }

  @Test func `a renegotiation under another name moves the names but not the session`() throws {
    var options = RealServer.Options()
    options.passwords = ["alice": "hers", "bob": "his"]
    let server = try RealServer(on: host, options)
    try server.start()
    var bringing = RealClient.Options()
    bringing.credentials = ("alice", "hers")
    bringing.renegotiateAfter = 100_000
    let alice = try server.client("certificate", bringing)
    try alice.connect()
    let before = try #require(try server.listing().first)
    #expect(before.name == "alice")
    #expect(before.username == "alice")
    try alice.use(user: "bob", password: "wrong")
    try alice.renegotiate()
    try alice.wait(for: "to be refused") { $0 == .refused("") }
    let during = try #require(try server.listing().first)
    #expect(during.name == "certificate")
    #expect(during.username == "alice")
    #expect(during.since == before.since)
    #expect(during.virtualAddress == before.virtualAddress)
    try alice.waitUntilGone()
    let ending = try #require(try server.endings.first)
    #expect(ending.owner == "alice")
    #expect(ending.nameAtTheEnd == "certificate")
    #expect(ending.usernameAtTheEnd == "bob")
    #expect(ending.since == before.since)
    #expect(ending.virtualAddress == before.virtualAddress)
  }

  @Test func `a renegotiation whose certificate is turned down leaves a live row UNDEF`() throws {
    let verify = try host.write(
      "#!/bin/sh\n[ ! -e '\(host.folder)/revoked' ]\n", to: "tls-verify", mode: 0o755)
    var options = RealServer.Options()
    options.lines = ["tls-verify \(verify)"]
    let server = try RealServer(on: host, options)
    try server.start()
    var bringing = RealClient.Options()
    bringing.renegotiateAfter = 100_000
    let alice = try server.client("alice", bringing)
    try alice.connect()
    let before = try #require(try server.listing().first)
    try host.write("", to: "revoked")
    try alice.renegotiate()
    try eventually("the row to lose its name") {
      let row = try #require(try server.listing().first)
      #expect(row.since == before.since && row.virtualAddress == before.virtualAddress)
      return row.name == "UNDEF"
    }
    try server.stop()
    let ending = try #require(try server.endings.first)
    #expect(ending.owner == "alice")
    #expect(ending.since == before.since)
    #expect(ending.received > before.received)
  }

  @Test func `a renegotiation with the right password changes nothing`() throws {
    var options = RealServer.Options()
    options.passwords = ["alice": "hers"]
    let server = try RealServer(on: host, options)
    try server.start()
    var bringing = RealClient.Options()
    bringing.credentials = ("alice", "hers")
    bringing.renegotiateAfter = 100_000
    let alice = try server.client("certificate", bringing)
    try alice.connect()
    let before = try #require(try server.listing().first)
    try alice.renegotiate()
    #expect(try alice.ping())
    let after = try #require(try server.listing().first)
    #expect(after.name == "alice")
    #expect(after.since == before.since)
    #expect(after.clientID == before.clientID)
    #expect(try server.endings.isEmpty)
  }

  @Test func `an address that a client file pushes is not the one the connect hook saw`() throws {
    let push = try host.write(
      """
      #!/bin/sh
      echo "ifconfig-push 10.99.0.77 255.255.255.0" >>"$3"
      exec "$2" "$3"

      """, to: "push", mode: 0o755)
    var options = RealServer.Options()
    options.connectHook = push
    let server = try RealServer(on: host, options)
    try server.start()
    let alice = try server.client("alice")
    #expect(try alice.connect() == .up)
    #expect(try server.listing().map(\.virtualAddress) == ["10.99.0.77"])
    try server.stop()
    let ending = try #require(try server.endings.first)
    #expect(ending.virtualAddress == "10.99.0.77")
    #expect(ending.owner == "alice")
  }

  @Test(arguments: [(254, false), (255, true)])
  func `a line of a config, a comment too, has at most 255 bytes with its line feed`(
    length: Int, isTooLong: Bool
  ) throws {
    let comment = "#" + String(repeating: "x", count: length - 1)
    let config = try host.write(comment + "\nverb 1\n", to: "long.conf")
    let outcome = try Program.run(host.openvpn.path, ["--config", config])
    // The config is no whole one, which is said of the shorter one.
    #expect(outcome.output.contains("Options error: "))
    #expect(outcome.output.contains("Maximum option line length (256) exceeded") == isTooLong)
  }

  @Test func `names reach hook and listing as the certificate has them`() throws {
    let name = "bob, \"the\" Bü/l+der\\"
    let server = try RealServer(on: host)
    try server.start()
    let bob = try server.client(name)
    #expect(try bob.connect() == .up)
    #expect(try server.listing().map(\.name) == [name])
    try server.stop()
    #expect(try server.finished.map(\.name) == [name])
  }

  @Test(arguments: [RealServer.Options.Transport.udp, .tcp], [false, true])
  func `a listing's real address is written as the release does, and kills by it`(
    transport: RealServer.Options.Transport, isIPv6: Bool
  ) throws {
    var options = RealServer.Options()
    options.transport = transport
    options.isIPv6 = isIPv6
    let server = try RealServer(on: host, options)
    try server.start()
    let alice = try server.client("alice")
    try #require(try alice.connect() == .up)
    let row = try #require(try server.listing().first)
    let wire = transport == .udp ? "udp" : "tcp"
    let suffix = transport == .udp ? "" : "-server"
    let is27 = try host.openvpn.is27
    let form =
      switch (is27, isIPv6) {
      case (false, false): "10\\.77\\.1\\.2:[0-9]+"
      case (false, true): "fd77:1::2"
      case (true, false): "\(wire)4\(suffix):10\\.77\\.1\\.2:[0-9]+"
      case (true, true): "\(wire)6\(suffix):\\[fd77:1::2\\]:[0-9]+"
      }
    #expect(try row.realAddress.wholeMatch(of: Regex(form)) != nil, "\(row.realAddress)")
    // IPv6 clients cannot be killed so by either.
    if isIPv6 { return }
    let place = row.realAddress.split(separator: ":").suffix(2).joined(separator: ":")
    let answers = try ["\(place)", "\(wire):\(place)"].map { try server.ask("kill \($0)")[0] }
    #expect(answers.map { $0.hasPrefix("SUCCESS") } == (is27 ? [false, true] : [true, false]))
    try alice.waitUntilGone()
  }
}
