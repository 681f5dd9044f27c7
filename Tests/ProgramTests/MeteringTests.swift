import TestSupport
import Testing

/// Every byte once, whatever program tells of it, in whatever order.
@Suite struct MeteringTests {
  @Test func `sessions of three seconds that no sweep saw are billed in full`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    for number in 0..<10 {
      let client = try server.enter("user\(number % 3)", since: now - 300 + Int64(number) * 10)
      try client.upload(1000 * number)
      try client.download(7)
      try client.leave()
    }
    try quota.sweep().expect(status: 0)
    try quota.expectTruth(of: server)
  }

  @Test func `sweeps at any moment change nothing in the total`() throws {
    let quota = try Installation()
    let server = try quota.addServer { $0.duplicateCommonNames = true }
    let clients = try ["alice", "alice", "bob"].map { try server.enter($0) }
    for round in 0..<4 {
      for (number, client) in clients.enumerated() {
        try client.upload(1000 * (round + number))
        try client.download(300)
      }
      for _ in 0...(round % 2) { try quota.sweep().expect(status: 0) }
    }
    #expect(try quota.openSessions == 3)
    for client in clients {
      try client.leave()
      try quota.sweep().expect(status: 0)
    }
    #expect(try quota.openSessions == 0)
    try quota.expectTruth(of: server)
  }

  @Test func `a client that floats or gets another address keeps its account`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    let alice = try server.enter("alice")
    try alice.upload(1000)
    try quota.sweep().expect(status: 0)
    try alice.float(to: "203.0.113.9:999")
    try alice.upload(1000)
    try quota.sweep().expect(status: 0)
    try alice.move(to: "10.8.0.200")
    try alice.upload(1000)
    try quota.sweep().expect(status: 0)
    try alice.leave()
    try quota.sweep().expect(status: 0)
    #expect(try quota.probe.sessions.count == 1)
    try quota.expectTruth(of: server)
  }

  @Test func `counters that fall at the end lower nothing`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    let alice = try server.enter("alice")
    try alice.setCounters(received: 50_000, sent: 70_000)
    try quota.sweep().expect(status: 0)
    try alice.setCounters(received: 0, sent: 90)
    try quota.sweep().expect(status: 0)
    try alice.leave()
    try quota.sweep().expect(status: 0)
    #expect(try quota.used("alice") == 120_000)
  }

  @Test func `counters that cannot be true are not counted, and told of once`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    let alice = try server.enter("alice")
    try quota.sweep().expect(status: 0)
    try alice.setCounters(received: Int64.max, sent: 5)
    try quota.sweep().expect(status: 0).expect(error: "which are not counted")
    #expect(try quota.sweep().expect(status: 0).errors == "")
    try alice.leave()
    try quota.sweep().expect(status: 0).expect(error: "more than 100 Gbit/s")
    #expect(try quota.used("alice") == 1836 + 1823)
  }

  @Test func `a soft restart ends all accounts, and the same client ids begin new ones`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    for name in ["alice", "bob"] { try server.enter(name, since: now - 100).upload(5000) }
    try quota.sweep().expect(status: 0)
    try server.softRestart()
    for name in ["bob", "alice"] { try server.enter(name, since: now - 50).upload(70) }
    try quota.sweep().expect(status: 0)
    #expect(try quota.openSessions == 2)
    try server.stop()
    try server.start()
    try quota.sweep().expect(status: 0)
    #expect(try quota.openSessions == 0)
    try quota.expectTruth(of: server)
  }

  @Test func `two sessions of one name on two servers add up, and both go`() throws {
    let quota = try Installation()
    let servers = [try quota.addServer(), try quota.addServer()]
    try quota.admin("add", "alice", "--quota", "100kB")
    let clients = try servers.map { try $0.enter("alice") }
    for client in clients { try client.upload(40_000) }
    try quota.sweep().expect(status: 0)
    #expect(clients.allSatisfy { $0.isConnected })
    for client in clients { try client.upload(40_000) }
    try quota.sweep().expect(status: 0)
    for client in clients {
      #expect(!client.isConnected)
      #expect(try client.log.contains("Halt command was pushed by server"))
    }
    for server in servers { try server.settle() }
    try quota.sweep().expect(status: 0)
    try quota.expectTruth(of: servers[0], servers[1])
  }

  @Test(arguments: ["2.6", "2.7"])
  func `two hundred lives of one second from one port are billed each`(release: String) throws {
    let quota = try Installation()
    let server = try quota.addServer { $0.format = release }
    let second = now - 100
    for number in 1...200 {
      let alice = try server.enter("alice", real: "192.0.2.9:1194", since: second)
      try alice.upload(10_000 + number)
      if number.isMultiple(of: 40) { try quota.sweep().expect(status: 0) }
      try alice.leave()
      if number == 100 {
        try server.stop()
        try server.start()
      }
    }
    #expect(try server.finished.count == 200)
    try quota.expectTruth(of: server)
    try quota.sweep().expect(status: 0)
    try quota.expectTruth(of: server)
    #expect(try quota.openSessions == 0)
  }

  @Test func `hooks alone go on metering and refusing`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    try quota.admin("add", "alice", "--quota", "50kB")
    for number in 0..<3 {
      let alice = try server.enter("alice", since: now - 100 + Int64(number) * 10)
      guard !alice.isRefused else { break }
      try alice.upload(30_000)
      try alice.leave()
    }
    #expect(try server.finished.count == 2)
    try quota.expectTruth(of: server)
  }
}
