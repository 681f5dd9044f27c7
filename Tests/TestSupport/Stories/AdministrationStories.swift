import Testing

extension Story {
  /// What an administrator does while sessions are live.
  static let administration = [
    Story("a kicked user is told why, is billed in full and may come back") { stage in
      let alice = try stage.server.connect("alice")
      let bob = try stage.server.connect("bob")
      try alice.upload(50_000)
      try stage.admin("kick", "alice", "--message", "Back in \"five\" minutes")
      try alice.expectHalt(with: "Back in \"five\" minutes")
      #expect(bob.isConnected)
      try alice.waitUntilGone()
      try alice.comeBack()
      #expect(alice.isConnected)
      // What moves next to nothing within two seconds may have been turned away by another program.
      try alice.upload(20_000)
      #expect(
        try stage.probe.events("killed").map(\.detail) == ["kicked"])
      try stage.endExactly()
    },

    Story("a renamed user keeps the live session, seen by a sweep or not") { stage in
      try stage.admin("add", "alice", "--quota", "1GB")
      try stage.admin("add", "bob")
      let swept = try stage.server.connect("alice")
      try swept.upload(20_000)
      try stage.sweep()
      let unswept = try stage.server.connect("bob")
      try stage.admin("rename", "alice", "smith")
      try stage.admin("rename", "bob", "jones")
      for client in [swept, unswept] { try client.download(30_000) }
      try stage.sweep()
      #expect(swept.isConnected && unswept.isConnected)
      try swept.leave()
      try unswept.leave()
      try stage.sweep()
      let finished = try stage.server.finished
      for (door, name) in [("alice", "smith"), ("bob", "jones")] {
        let counters = try #require(finished.first { $0.name == door })
        let usage = try stage.usage(of: name)
        #expect(usage.received == counters.received && usage.sent == counters.sent)
      }
      #expect(try stage.probe.users.count { $0.isEnabled } == 2)
    },

    Story("a removed user's live session counts for nobody else, and nobody comes back by it") {
      stage in
      let alice = try stage.server.connect("alice")
      try alice.upload(20_000)
      try stage.sweep()
      let bob = try stage.server.connect("bob")
      try stage.admin("add", "bob")
      try stage.admin("remove", "--yes", "alice", "bob")
      for client in [alice, bob] { try client.download(30_000) }
      try stage.sweep()
      #expect(alice.isConnected && bob.isConnected)
      for client in [alice, bob] { try client.leave() }
      try stage.sweep()
      #expect(try !stage.probe.users.contains { $0.isEnabled })
      let total = try stage.server.finished.reduce(0) { $0 + $1.received + $1.sent }
      #expect(try stage.probe.totalUsage(by: .history).total == total)
    },
  ]
}
