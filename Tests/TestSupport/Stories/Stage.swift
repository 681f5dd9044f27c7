import Testing

/// Where a story is told: servers with the project's hooks, its other programs, and their ledger.
package struct Stage {
  private let installation: Installation

  /// - Parameter installation: with servers, all of them running when a story begins.
  package init(_ installation: Installation) { self.installation = installation }

  var servers: [any VPNServer] { installation.servers }

  /// A look into the ledger.
  package var probe: LedgerProbe { installation.probe }

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
    let outcome = try installation.sweep(arguments)
    #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: location)
    return outcome
  }

  /// Runs `quota-admin`, which has to succeed.
  func admin(_ arguments: String..., at location: SourceLocation = #_sourceLocation) throws {
    let outcome = try installation.run("quota-admin", arguments)
    try #require(outcome.status == 0, "\(outcome.errors)", sourceLocation: location)
  }

  /// What a user used in this period.
  func usage(of name: String) throws -> Usage {
    try installation.takeInJournal()
    return try probe.usage(by: .periods)[name] ?? Usage()
  }

  /// How many sessions are open.
  var openSessions: Int {
    get throws {
      try installation.takeInJournal()
      return try probe.openSessions.count
    }
  }

  /// Expects the ledger to say what OpenVPN's own final counters say of all sessions that ended, and
  /// that none is open.
  package func expectTruth(at location: SourceLocation = #_sourceLocation) throws {
    try installation.expectTruth(at: location)
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
