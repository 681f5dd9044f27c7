import Foundation
import TestSupport
import Testing

/// The server goes away: politely, and not.
@Suite(.serialized, .enabled(if: RealHost.isAvailable))
struct RestartTests {
  @Test func `a crash loses only what moved since the last sweep, and nothing counts twice`()
    throws
  {
    let quota = try QuotaHost()
    try quota.admin("add", "alice")
    let server = try quota.server()
    let alice = try server.client("alice")
    try alice.connect()
    try alice.upload(300_000)
    try alice.download(100_000)
    try quota.sweep()
    let swept = try quota.usage(of: "alice")
    #expect(swept.received > 300_000 && swept.sent > 100_000)
    try alice.upload(100_000)
    try server.crash()
    try quota.sweep(expecting: [69])
    #expect(try quota.openSessions() == 1, "a server that does not answer closes nothing")

    try server.start()
    try quota.sweep()
    #expect(try quota.openSessions() == 0)
    #expect(try quota.usage(of: "alice") == swept)
    try quota.sweep()
    #expect(try quota.usage(of: "alice") == swept)
    #expect(try quota.probe.loggedSessions.map(\.usage) == [swept])

    try alice.reconnect()
    try alice.upload(50_000)
    try quota.sweep()
    try server.stop()
    try quota.admin("list")
    let final = try #require(try server.finished.first)
    let expected = Usage(
      received: swept.received + final.received, sent: swept.sent + final.sent)
    #expect(try quota.usage(of: "alice") == expected)
    try quota.sweep(expecting: [69])
    #expect(try quota.usage(of: "alice") == expected)
  }

  @Test(arguments: ["SIGTERM", "SIGHUP", "SIGUSR1"])
  func `a server that stops or starts over with clients connected`(signal: String) throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice")
    let server = try quota.server()
    let clients = try ["alice", "bob"].map { try server.client($0) }
    for client in clients {
      try client.connect()
      try client.upload(80_000)
    }
    try quota.sweep()
    for client in clients { try client.download(70_000) }
    switch signal {
    case "SIGTERM":
      try server.stop()
      try server.start()
    case "SIGHUP": try server.hangUp()
    default: try server.softRestart()
    }
    try quota.expectExactAfterSweeps()
    for client in clients {
      try client.reconnect()
      try client.upload(30_000)
    }
    try quota.sweep()
    try server.stop()
    #expect(try server.finished.count == 4)
    try quota.expectExactAfterSweeps()
  }

  private func handshakes(at server: RealServer) throws -> Int {
    try server.log.components(separatedBy: "Control Channel: ").count
  }

  @Test func `a session that OpenVPN ends without its hook keeps what the last sweep saw`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice")
    var options = RealServer.Options()
    options.lines = ["verb 4"]
    let server = try quota.server("office", options)
    var bringing = RealClient.Options()
    bringing.port = 40_000
    bringing.hasDevice = false
    let alice = try server.client("alice", bringing)
    var swept: [Usage] = []
    // It is so up to the end of a second, which a busy machine may miss.
    while try server.endedWithoutHook.isEmpty {
      try #require(swept.count < 30)
      try alice.connect()
      try quota.sweep()
      swept.append(try quota.usage(of: "alice"))
      try alice.vanish()
      usleep(useconds_t(1_000_000 - Int(Date().timeIntervalSince1970 * 1_000_000) % 1_000_000))
      let before = try handshakes(at: server)
      try alice.begin()
      try eventually("a handshake") { try handshakes(at: server) > before }
      try server.ask("kill alice")
      try alice.vanish()
    }
    #expect(try server.endings.count == swept.count - 1)
    #expect(try server.admissions() == swept.count)
    try quota.sweep()
    #expect(try quota.openSessions() == 0)
    #expect(try quota.usage(of: "alice") == swept.last)
    #expect(try quota.probe.loggedSessions.count == swept.count)
  }

  @Test func `a sweep in the pause of a restart waits for its end`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice")
    let server = try quota.server()
    let alice = try server.client("alice")
    try alice.connect()
    try quota.sweep()
    for delay in stride(from: 0.0, to: 0.9, by: 0.15) {
      kill(pid_t(try server.processID), SIGUSR1)
      Thread.sleep(forTimeInterval: delay)
      try quota.sweep()
      #expect(try quota.openSessions() == 0, "after \(delay) s")
      try eventually("the server") {
        try server.ask("status 3").contains { $0.hasPrefix("TITLE") }
      }
    }
    try server.stop()
    try quota.expectExactAfterSweeps()
  }
}
