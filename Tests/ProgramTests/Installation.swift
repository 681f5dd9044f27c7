import Foundation
import TestSupport
import Testing

// What tests with simulated servers do.
extension Installation {
  /// The programs in a directory of a test's own, after their first sweep, which makes the database.
  convenience init(_ settings: [String: String] = [:]) throws {
    try self.init(settings, in: nil)
    try sweep().expect(status: 0)
  }

  /// Starts a server with our hooks and adds it.
  func addServer(
    passwordFile: String? = nil, _ change: (inout SimulatedServer.Setup) -> Void = { _ in }
  ) throws -> SimulatedServer {
    let name = "s\(servers.count)"
    var setup = SimulatedServer.Setup(
      clientConnect: hook("quota-connect", server: name),
      clientDisconnect: hook("quota-disconnect", server: name))
    change(&setup)
    let server = try SimulatedServer(setup)
    add(server, options: passwordFile.map { ",password-file=\($0)" } ?? "")
    return server
  }

  /// What a user used, in bytes, which all parts of the ledger must agree in.
  func used(_ name: String) throws -> Int64 {
    try takeInJournal()
    return try probe.used(name).total
  }

  /// Expects the ledger to have every session that ended on these servers as OpenVPN's own final
  /// counters have it.
  func expectTruth(
    of servers: SimulatedServer..., at location: SourceLocation = #_sourceLocation
  ) throws {
    try takeInJournal()
    try probe.expectTruth(
      of: servers.flatMap { try $0.finished }, isOver: false, at: location)
  }

  /// How many sessions are open.
  var openSessions: Int {
    get throws {
      try takeInJournal()
      return try probe.openSessions.count
    }
  }

  /// The path of the journal.
  var journal: String { (database as NSString).deletingLastPathComponent + "/journal" }
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
