import SQLite
import Testing

/// Where a story is told: servers with the project's hooks, its other programs, and their ledger.
package struct Stage {
  /// The servers, all of them running when a story begins.
  package let servers: [any VPNServer]
  private let config: String
  private let database: String

  /// - Parameters:
  ///   - servers: all that `MANAGEMENT` names.
  ///   - config: the path of `quota.conf`.
  ///   - database: the path of the ledger.
  package init(_ servers: [any VPNServer], config: String, database: String) {
    self.servers = servers
    self.config = config
    self.database = database
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

  /// Bytes in both directions, as the server sees them.
  struct Usage: Equatable, Sendable {
    var received: Int64 = 0
    var sent: Int64 = 0

    var total: Int64 { received + sent }
  }

  /// What a user used in this period.
  func usage(of name: String) throws -> Usage { try usages("period_usage")[name] ?? Usage() }

  /// The number that a query gives.
  func number(_ query: String) throws -> Int64 {
    try Connection(database, busyTimeout: 5000).integer(query)
  }

  /// How many sessions' accounts are open.
  var openSessions: Int64 {
    get throws { try number("SELECT count(*) FROM sessions WHERE closed_at IS NULL") }
  }

  private func usages(_ table: String) throws -> [String: Usage] {
    let connection = try Connection(database, busyTimeout: 5000)
    var statement = try connection.prepare(
      """
      SELECT username, sum(bytes_received), sum(bytes_sent)
      FROM \(table) JOIN users ON users.id = user_id GROUP BY user_id
      """)
    var usages: [String: Usage] = [:]
    while try statement.step() {
      usages[statement.text(0)] = Usage(
        received: statement.integer(1), sent: statement.integer(2))
    }
    return usages
  }

  private var loggedSessions: [FinalCounters] {
    get throws {
      let connection = try Connection(database, busyTimeout: 5000)
      var statement = try connection.prepare(
        """
        SELECT username, bytes_received, bytes_sent
        FROM traffic_logs JOIN users ON users.id = user_id
        """)
      var sessions: [FinalCounters] = []
      while try statement.step() {
        sessions.append(
          FinalCounters(
            name: statement.text(0), received: statement.integer(1), sent: statement.integer(2)))
      }
      return sessions
    }
  }

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
    for table in ["sessions", "daily_usage", "hourly_usage", "period_usage"] {
      #expect(try usages(table) == truth, "\(table)", sourceLocation: location)
    }
    for (name, usage) in truth {
      let used = try number(
        """
        SELECT bytes_used FROM user_quotas JOIN users ON users.id = user_id
        WHERE username = '\(name)'
        """)
      #expect(used == usage.total, "\(name)", sourceLocation: location)
    }
    #expect(
      try loggedSessions.map(\.description).sorted() == finished.map(\.description).sorted(),
      sourceLocation: location)
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
