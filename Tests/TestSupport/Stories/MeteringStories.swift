import Testing

extension Story {
  /// Every byte once, whatever program tells of it.
  static let metering = [
    Story("sweeps at any moment change nothing in the total") { stage in
      let alice = try stage.server.connect("alice")
      let bob = try stage.server.connect("bob")
      var before = Usage()
      for _ in 1...3 {
        try alice.upload(60_000)
        try alice.download(20_000)
        try bob.download(30_000)
        try stage.sweep()
        let usage = try stage.usage(of: "alice")
        #expect(usage.received >= before.received + 60_000)
        #expect(usage.sent >= before.sent + 20_000)
        before = usage
        try bob.upload(10_000)
        try stage.sweep()
        #expect(try stage.openSessions == 2)
      }
      try alice.leave()
      #expect(!alice.isConnected)
      try stage.sweep()
      #expect(try stage.openSessions == 1)
      try alice.comeBack()
      #expect(alice.isConnected)
      try alice.upload(40_000)
      try stage.endExactly()
      #expect(try stage.server.finished.map(\.name).sorted() == ["alice", "alice", "bob"])
    },

    Story("sessions that no sweep saw are billed in full, also a stranger's") { stage in
      try stage.admin("add", "alice")
      for name in ["alice", "carol", "dave"] {
        let client = try stage.server.connect(name)
        try client.upload(20_000)
        try client.download(30_000)
      }
      try stage.server.stop()
      try stage.expectTruth()
      #expect(try stage.server.finished.count == 3)
      #expect(try stage.usage(of: "carol").sent >= 30_000)
    },

    Story("a client that floats to another address keeps its account") { stage in
      let alice = try stage.server.connect("alice")
      try alice.upload(20_000)
      try stage.sweep()
      try alice.float()
      try alice.upload(20_000)
      try stage.sweep()
      #expect(try stage.probe.sessions.count == 1)
      try stage.endExactly()
      #expect(try stage.server.finished.count == 1)
    },

    Story("two sessions of one name add up", allowsDuplicateNames: true) { stage in
      let first = try stage.server.connect("alice")
      let second = try stage.server.connect("alice")
      for client in [first, second, first] { try client.upload(20_000) }
      try stage.sweep()
      #expect(try stage.openSessions == 2)
      #expect(try stage.usage(of: "alice").received >= 60_000)
      #expect(first.isConnected && second.isConnected)
      try second.download(20_000)
      try stage.endExactly()
      #expect(try stage.server.finished.count == 2)
    },
  ]
}
