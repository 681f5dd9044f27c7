import Testing

/// Where a story is told: servers with the project's hooks, its other programs, and their ledger.
package struct Stage {
  /// The servers, all of them running when a story begins.
  package let servers: [any VPNServer]
  private let config: String
  /// A look into the ledger.
  package let probe: LedgerProbe

  /// - Parameters:
  ///   - servers: all that `MANAGEMENT` names.
  ///   - config: the path of `quota.conf`.
  ///   - database: the path of the ledger.
  package init(_ servers: [any VPNServer], config: String, database: String) {
    self.servers = servers
    self.config = config
    probe = LedgerProbe(database)
  }

  /// The first server, the only one in most stories.
  var server: any VPNServer { servers[0] }

  /// Runs a sweep to its end.
  ///
  /// - Parameter status: how it has to end; 69 where a server is not running.
  @discardableResult
  func sweep(
    _ arguments: String..., expecting status: Int32 = 0,
    at location: SourceLocation = #_sourceLocation
  ) throws -> Outcome {
    let outcome = try run("quota-sweep", arguments)
    #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: location)
    return outcome
  }

  /// Runs `quota-admin`, which has to succeed.
  func admin(_ arguments: String..., at location: SourceLocation = #_sourceLocation) throws {
    let outcome = try run("quota-admin", arguments)
    try #require(outcome.status == 0, "\(outcome.errors)", sourceLocation: location)
  }

  private func run(_ program: String, _ arguments: [String]) throws -> Outcome {
    try Program.run(
      Program.path(program), arguments + ["--config", config],
      environment: ["PATH": "/usr/bin:/bin"])
  }

  /// What a user used in this period.
  func usage(of name: String) throws -> Usage { try probe.usage(by: .periods)[name] ?? Usage() }

  /// How many sessions are open.
  var openSessions: Int { get throws { try probe.openSessions.count } }

  /// Expects the ledger to say, to the byte, what OpenVPN's own final counters say of all sessions
  /// that ended, and that none is open: usage by session, day and period, `bytes_used`, and one row
  /// in `traffic_logs` a session. A session that a crash ended is not among those.
  package func expectTruth(at location: SourceLocation = #_sourceLocation) throws {
    let finished = try servers.flatMap { try $0.finished }
    var truth: [String: Usage] = [:]
    for session in finished {
      truth[session.name, default: Usage()].received += session.received
      truth[session.name, default: Usage()].sent += session.sent
    }
    #expect(!truth.isEmpty, sourceLocation: location)
    for measure in LedgerProbe.Measure.allCases {
      #expect(
        try probe.usage(by: measure) == truth, "\(measure)", sourceLocation: location)
    }
    for (name, usage) in truth {
      #expect(try probe.bytesUsed[name] == usage.total, "\(name)", sourceLocation: location)
    }
    #expect(
      try probe.loggedSessions.map { "\($0.user): \($0.usage)" }.sorted()
        == finished.map(\.description).sorted(), sourceLocation: location)
    #expect(try openSessions == 0, sourceLocation: location)
  }

  /// Stops all servers and expects the truth: at once, as the hooks tell it, and after each of two
  /// sweeps that find nobody.
  func endExactly(at location: SourceLocation = #_sourceLocation) throws {
    for server in servers { try server.stop() }
    for _ in 1...2 {
      try sweep(expecting: 69, at: location)
      try expectTruth(at: location)
    }
  }
}

extension FinalCounters: CustomStringConvertible {
  package var description: String { "\(name): received \(received), sent \(sent)" }
}
