import Testing

extension Story {
  /// Who has to go, who stays out, and who is left alone.
  static let quotas = [
    Story("one sweep halts who is over quota, and the door stays shut until it is raised") {
      stage in
      try stage.admin("add", "alice", "--quota", "100kB")
      let alice = try stage.server.connect("alice")
      let bob = try stage.server.connect("bob")
      try stage.sweep()
      #expect(alice.isConnected)
      for client in [alice, bob] { try client.upload(120_000) }

      let before = try stage.usage(of: "alice")
      #expect(try stage.sweep("--dry-run").output.contains("alice"))
      #expect(try stage.usage(of: "alice") == before)
      #expect(alice.isConnected)

      try stage.sweep()
      try alice.expectHalt()
      #expect(!alice.isConnected)
      #expect(try stage.probe.events("killed").map(\.user) == ["alice"])
      try alice.comeBack()
      #expect(alice.isRefused)
      #expect(!alice.isConnected)

      try stage.admin("set", "alice", "--quota", "10MB")
      try alice.comeBack()
      #expect(!alice.isRefused)
      #expect(alice.isConnected)
      try stage.sweep()
      for client in [alice, bob] {
        #expect(client.isConnected)
        try client.upload(10_000)
      }
      try stage.endExactly()
      #expect(try stage.server.finished.filter { $0.name == "bob" }.count == 1)
    },

    Story("both sessions of one name go when their sum is over", allowsDuplicateNames: true) {
      stage in
      try stage.admin("add", "alice", "--quota", "100kB")
      let clients = try [stage.server.connect("alice"), stage.server.connect("alice")]
      for client in clients { try client.upload(70_000) }
      try stage.sweep()
      for client in clients { try client.expectHalt() }
      for client in clients { try client.waitUntilGone() }
      try stage.endExactly()
    },

    Story("what a user moves on two servers adds up, and both sessions go", servers: 2) { stage in
      try stage.admin("add", "alice", "--quota", "100kB")
      let clients = try stage.servers.map { try $0.connect("alice") }
      try clients[0].upload(70_000)
      try stage.sweep()
      #expect(clients.allSatisfy { $0.isConnected })
      try clients[1].download(70_000)
      try stage.sweep()
      for client in clients { try client.expectHalt() }
      for client in clients { try client.waitUntilGone() }
      try clients[0].comeBack()
      #expect(clients[0].isRefused)
      try stage.endExactly()
    },

    Story("a client that was refused and tries again is one counted row and no usage") { stage in
      try stage.admin("add", "alice", "--quota", "50kB")
      let alice = try stage.server.connect("alice")
      try alice.upload(60_000)
      try alice.leave()
      let used = try stage.usage(of: "alice")
      for attempt in 1...5 {
        try alice.comeBack()
        #expect(alice.isRefused, "attempt \(attempt)")
        if attempt == 3 { try stage.sweep() }
      }
      try stage.sweep()
      #expect(try stage.usage(of: "alice") == used)
      #expect(try stage.probe.events("refused").map(\.count) == [5])
      #expect(try stage.server.finished.count == 1)
      try stage.expectTruth()
    },

    Story("a disabled user is disconnected and stays out until enabled") { stage in
      try stage.admin("add", "alice")
      let alice = try stage.server.connect("alice")
      try alice.upload(10_000)
      try stage.admin("disable", "alice")
      try stage.sweep()
      try alice.expectHalt(with: "Disabled by an administrator")
      try alice.comeBack()
      #expect(alice.isRefused)
      try stage.admin("enable", "alice")
      try alice.comeBack()
      #expect(alice.isConnected)
      try alice.upload(10_000)
      try stage.endExactly()
    },
  ]
}

extension VPNClient {
  /// Waits until it has read why it was disconnected.
  func expectHalt(with text: String = "Traffic quota used up") throws {
    try eventually("the halt of \(name)", details: { (try? log) ?? "" }) {
      try isHalted(with: text)
    }
  }
}
