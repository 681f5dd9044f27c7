import Foundation
import SQLite
import TestSupport
import Testing

/// The project's programs, set up in a directory of a test's own, with servers that use the hooks.
final class Installation {
  let folder: TemporaryDirectory
  /// The settings; a change counts from the next program on.
  var settings: [String: String] { didSet { try? writeSettings() } }
  private var servers: [String] = []

  /// - Parameter settings: what differs from a quick set-up in UTC that tries every server once.
  init(_ settings: [String: String] = [:]) throws {
    folder = try TemporaryDirectory()
    self.settings = [
      "DATABASE": folder.path + "/var/quota.db", "LOG_FILE": folder.path + "/log",
      "OPENVPN_CONFIGS": folder.path + "/openvpn/*.conf", "TIME_ZONE": "UTC",
      "MANAGEMENT_TIMEOUT": "1", "RETRY_ATTEMPTS": "1", "MONITOR_INTERVAL": "30",
    ].merging(settings) { $1 }
    try FileManager.default.createDirectory(
      atPath: folder.path + "/var", withIntermediateDirectories: true)
    try writeSettings()
    // The first sweep makes the database, as at an installation.
    try sweep().expect(status: 0)
  }

  var config: String { folder.path + "/quota.conf" }

  var database: String { settings["DATABASE"] ?? "" }

  /// The directory of the hooks' records.
  var spool: String { (database as NSString).deletingLastPathComponent + "/spool" }

  /// Starts a server with our hooks and adds it to `MANAGEMENT`, as `s0`, `s1`, …
  func addServer(
    passwordFile: String? = nil, _ change: (inout SimulatedServer.Setup) -> Void = { _ in }
  ) throws -> SimulatedServer {
    var setup = SimulatedServer.Setup(
      clientConnect: "\(Program.path("quota-connect")) --config \(config)",
      clientDisconnect: "\(Program.path("quota-disconnect")) --config \(config)")
    change(&setup)
    let server = try SimulatedServer(setup)
    let password = passwordFile.map { ",password-file=\($0)" } ?? ""
    servers.append("s\(servers.count)=\(server.management)\(password)")
    settings["MANAGEMENT"] = servers.joined(separator: " ")
    return server
  }

  private func writeSettings() throws {
    let lines = settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }
    try folder.write(lines.joined(), to: "quota.conf")
  }

  /// Runs a sweep to its end.
  func sweep(_ arguments: [String] = [], environment: [String: String] = [:]) throws -> Outcome {
    try Program.run(
      Program.path("quota-sweep"), ["--config", config] + arguments,
      environment: ["PATH": "/usr/bin:/bin"].merging(environment) { $1 })
  }

  /// Runs a command of `quota-admin`, which must succeed, and gives its output.
  @discardableResult
  func admin(_ command: String, _ arguments: String...) throws -> String {
    let outcome = try Program.run(
      Program.path("quota-admin"), [command, "--config", config] + arguments,
      environment: ["PATH": "/usr/bin:/bin"])
    try outcome.expect(status: 0)
    return outcome.output
  }

  /// The first column of the first row of a query, 0 where there is none.
  func number(_ sql: String) throws -> Int64 {
    try Connection(database, busyTimeout: 5000).integer(sql)
  }

  /// The first column of every row of a query.
  func texts(_ sql: String) throws -> [String] {
    let connection = try Connection(database, busyTimeout: 5000)
    var statement = try connection.prepare(sql)
    var texts: [String] = []
    while try statement.step() { texts.append(statement.text(0)) }
    return texts
  }

  /// What a user used, in bytes: by period, day, hour, session and `bytes_used`, which must agree.
  func used(_ name: String, at location: SourceLocation = #_sourceLocation) throws -> Int64 {
    let whose =
      "(SELECT id FROM users WHERE username = '\(name.replacing("'", with: "''"))')"
    let sums = try ["period_usage", "daily_usage", "hourly_usage", "sessions"].map { table in
      try number(
        "SELECT total(bytes_received + bytes_sent) FROM \(table) WHERE user_id = \(whose)")
    }
    let mirror = try number("SELECT bytes_used FROM user_quotas WHERE user_id = \(whose)")
    #expect(sums.allSatisfy { $0 == mirror }, "\(sums)", sourceLocation: location)
    return mirror
  }

  /// Whether the ledger has every user's usage as OpenVPN's own final counters have it, with one
  /// row in `traffic_logs` for each session.
  func expectTruth(
    of servers: SimulatedServer..., at location: SourceLocation = #_sourceLocation
  ) throws {
    let finished = try servers.flatMap { try $0.finished }
    for (name, sessions) in Dictionary(grouping: finished, by: \.name) {
      let total = sessions.reduce(0) { $0 + $1.received + $1.sent }
      #expect(try used(name, at: location) == total, "\(name)", sourceLocation: location)
    }
    let logged = try texts(
      """
      SELECT username || ' ' || bytes_received || ' ' || bytes_sent
      FROM traffic_logs JOIN users ON users.id = user_id
      """)
    let expected = finished.map { "\($0.name) \($0.received) \($0.sent)" }
    #expect(logged.sorted() == expected.sorted(), sourceLocation: location)
  }

  /// Makes every kill so far older, as if the next sweep came 11 seconds later.
  func ageKills() throws {
    try Connection(database, busyTimeout: 5000)
      .execute("UPDATE sessions SET killed_at = killed_at - 11")
  }

  /// Makes every refusal in the spool more than a minute older.
  func ageRefusals() throws {
    for name in try records where name.hasPrefix("refused-") {
      let record = try String(contentsOfFile: "\(spool)/\(name)", encoding: .utf8)
      let lines = record.split(separator: "\n").map { line in
        line.hasPrefix("at=") ? "at=\((Int64(line.dropFirst(3)) ?? 0) - 61)" : String(line)
      }
      try Data((lines.joined(separator: "\n") + "\n").utf8)
        .write(to: URL(fileURLWithPath: "\(spool)/\(name)"))
    }
  }

  /// How many accounts of sessions are open.
  var openSessions: Int64 {
    get throws { try number("SELECT count(*) FROM sessions WHERE closed_at IS NULL") }
  }

  /// The names of all users, in order.
  var users: [String] { get throws { try texts("SELECT username FROM users ORDER BY username") } }

  /// The records in the spool.
  var records: [String] {
    get throws {
      try FileManager.default.contentsOfDirectory(atPath: spool).sorted()
    }
  }
}

extension Outcome {
  /// Expects an exit status, and shows what the program said where it is another.
  @discardableResult
  func expect(status: Int32, at location: SourceLocation = #_sourceLocation) throws -> Outcome {
    try #require(self.status == status, "\(errors)\(output)", sourceLocation: location)
    return self
  }

  /// Expects that it said this.
  func expect(error text: String, at location: SourceLocation = #_sourceLocation) {
    #expect(errors.contains(text), sourceLocation: location)
  }
}

extension String {
  /// Whether it is safe on a terminal and in a log: lines of UTF-8 without control characters, and
  /// without those that turn the direction of writing or break lines.
  var isPlain: Bool {
    unicodeScalars.allSatisfy { scalar in
      switch scalar.properties.generalCategory {
      case .control: scalar == "\n"
      case .format, .lineSeparator, .paragraphSeparator: false
      default: scalar != "\u{FFFD}"
      }
    }
  }
}

/// Seconds since 1970.
var now: Int64 { Int64(Date().timeIntervalSince1970) }
