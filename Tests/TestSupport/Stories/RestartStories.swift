import Testing

extension Story {
  /// The server goes away: politely, and not.
  static let restarts = [
    Story("a crash loses only what moved since the last sweep, and nothing counts twice") {
      stage in
      let alice = try stage.server.connect("alice")
      try alice.upload(30_000)
      try alice.download(20_000)
      try stage.sweep()
      let swept = try stage.usage(of: "alice")
      #expect(swept.received >= 30_000)
      #expect(swept.sent >= 20_000)
      try alice.upload(10_000)
      try stage.server.crash()
      try stage.sweep(expecting: 69)
      #expect(try stage.openSessions == 1, "a server that does not answer closes nothing")

      try stage.server.start()
      for _ in 1...2 {
        try stage.sweep()
        #expect(try stage.openSessions == 0)
        #expect(try stage.usage(of: "alice") == swept)
        #expect(try stage.probe.loggedSessions.count == 1)
      }
      try alice.comeBack()
      try alice.upload(10_000)
      try stage.sweep()
      try stage.server.stop()
      let final = try #require(try stage.server.finished.last)
      #expect(
        try stage.usage(of: "alice")
          == Usage(received: swept.received + final.received, sent: swept.sent + final.sent))
    },

    Story("a crash and a restart between two sweeps are found out by the process id") { stage in
      let clients = try ["alice", "bob"].map { try stage.server.connect($0) }
      for client in clients { try client.upload(30_000) }
      try stage.sweep()
      let swept = try ["alice", "bob"].map { try stage.usage(of: $0) }
      try stage.server.crash()
      try stage.server.start()
      for client in clients {
        try client.comeBack()
        try client.upload(10_000)
      }
      try stage.sweep()
      #expect(try stage.openSessions == 2)
      #expect(try stage.probe.sessions.count { $0.endedBy == "restart" } == 2)
      try stage.server.stop()
      let finished = try stage.server.finished
      for (name, swept) in zip(["alice", "bob"], swept) {
        let final = try #require(finished.first { $0.name == name })
        #expect(
          try stage.usage(of: name)
            == Usage(
              received: swept.received + final.received, sent: swept.sent + final.sent))
      }
    },

    Story("a server that is stopped with clients connected is billed exactly") {
      try startingOver(on: $0) { server in
        try server.stop()
        try server.start()
      }
    },

    Story("a soft restart (SIGUSR1) with clients connected is billed exactly") {
      try startingOver(on: $0) { try $0.softRestart() }
    },

    Story("a server that reads its config again (SIGHUP) is billed exactly") {
      try startingOver(on: $0) { try $0.hangUp() }
    },
  ]

  /// Two clients move bytes on both sides of whatever the server goes through.
  private static func startingOver(
    on stage: Stage, _ restart: (any VPNServer) throws -> Void
  ) throws {
    let clients = try ["alice", "bob"].map { try stage.server.connect($0) }
    for client in clients { try client.upload(30_000) }
    try stage.sweep()
    for client in clients { try client.download(20_000) }
    try restart(stage.server)
    for _ in 1...2 {
      try stage.expectTruth()
      try stage.sweep()
    }
    for client in clients {
      try client.comeBack()
      try client.upload(10_000)
    }
    try stage.sweep()
    #expect(try stage.openSessions == 2)
    try stage.endExactly()
    #expect(try stage.server.finished.count == 4)
  }
}
