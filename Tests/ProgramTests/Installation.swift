import Foundation
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

  /// A look into the ledger.
  var probe: LedgerProbe { LedgerProbe(database) }

  /// What a user used, in bytes, which all parts of the ledger must agree in.
  func used(_ name: String) throws -> Int64 { try probe.used(name).total }

  /// Whether the ledger has every user's usage as OpenVPN's own final counters have it, with one
  /// row in `traffic_logs` for each session.
  func expectTruth(
    of servers: SimulatedServer..., at location: SourceLocation = #_sourceLocation
  ) throws {
    let finished = try servers.flatMap { try $0.finished }
    for (name, sessions) in Dictionary(grouping: finished, by: \.name) {
      let total = sessions.reduce(0) { $0 + $1.received + $1.sent }
      #expect(try used(name) == total, "\(name)", sourceLocation: location)
    }
    let logged = try probe.loggedSessions.map { "\($0.user): \($0.usage)" }
    #expect(logged.sorted() == finished.map(\.description).sorted(), sourceLocation: location)
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

  /// How many sessions are open.
  var openSessions: Int { get throws { try probe.openSessions.count } }

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
