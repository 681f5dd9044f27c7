import Ledger
import Quota
import Servers
import Support

/// What one sweep came to.
package struct Summary {
  /// Bytes that were new in the ledger.
  package var bytesAdded: Int64 = 0
  /// Live sessions listed.
  package var sessions = 0
  /// Accounts opened.
  package var opened = 0
  /// Accounts closed.
  package var closed = 0
  /// Sessions told to go, or that would be.
  package var kills: [Kill] = []
  /// Each server and how it went.
  package var servers: [ServerResult] = []
  /// What went wrong without failing a server.
  package var problems: [String] = []
  /// Why the ledger could not be written; then who was to go was told so all the same.
  package var bookkeepingFailure: (any UserFacingError)?
  /// Milliseconds that it took.
  package var milliseconds: Int64 = 0

  /// One session told to go.
  package struct Kill {
    package let server: String
    package let user: UserName
    package let address: String
    package let reason: Reason
  }

  /// How it went with one server.
  package struct ServerResult {
    package let name: String
    /// Where its management interface is; empty where that is not known.
    package let address: String
    package let state: State
    /// Live sessions in its listing.
    package let sessions: Int
    /// What is wrong, the cause first.
    package let errors: [String]
    /// What mends the first of them.
    package let hint: String?
    /// Whether its packets pass in the kernel, and that seems not to count them.
    package var countersStandStill = false
    /// What to say of such a server.
    package static let stillCounters =
      "its packets pass in the kernel (DCO), which seems not to count them: no session of ten "
      + "minutes has more bytes than its handshakes"

    /// How it went.
    package enum State: String {
      /// It was swept.
      case swept
      /// It was found by its config and is not running.
      case down
      /// It failed, its listing was not whole, or a session could not be disconnected.
      case failed
    }
  }

  /// Whether every server did its part, or is one that may be down.
  package var everyServerDone: Bool { servers.allSatisfy { $0.state != .failed } }

  mutating func add(_ result: Reconciliation) {
    opened += result.opened
    closed += result.closed
    bytesAdded =
      (Traffic(received: bytesAdded) + Traffic(received: result.added.total)).received
  }
}

extension Summary.ServerResult {
  init(_ server: Server, sessions: Int, failure: ServerFailure?) {
    let isDown = server.isDiscovered && failure?.isDown == true
    let errors = [failure?.message].compactMap(\.self) + server.unenforced
    self.init(
      name: server.endpoint.name, address: "\(server.endpoint.address)",
      state: isDown ? .down : errors.isEmpty ? .swept : .failed, sessions: sessions,
      errors: errors, hint: isDown ? nil : failure?.hint)
  }

  init(_ problem: DiscoveryProblem) {
    self.init(
      name: problem.name, address: "", state: .failed, sessions: 0,
      errors: [problem.description], hint: problem.hint)
  }
}

extension Summary {
  /// What came of a sweep, for people: a line for each server and each session told to go, and one
  /// that sums it up.
  package func text(isDryRun: Bool, in units: ByteUnits) -> String {
    let width = servers.map { $0.name.utf8.count }.max() ?? 0
    var lines = servers.map { server in
      let name = server.name + String(repeating: " ", count: width - server.name.utf8.count)
      switch server.state {
      case .swept: return "\(name)  \(server.sessions) sessions"
      case .down: return "\(name)  not running, or not restarted since its config was changed"
      case .failed: return "\(name)  failed: \(server.errors.joined(separator: "; "))"
      }
    }
    lines += kills.map { kill in
      let verb = isDryRun ? "would disconnect" : "disconnected"
      return "\(verb) \(kill.user) (\(kill.address)) on \(kill.server): \(kill.reason.text)"
    }
    lines += problems
    lines.append(
      "\(sessions) sessions, \(ByteSize.format(bytesAdded, in: units)) added, \(closed) closed, "
        + "\(kills.count) \(isDryRun ? "to disconnect" : "disconnected"), \(milliseconds) ms")
    return lines.map(Escaping.plain).joined(separator: "\n")
  }

  /// What came of a sweep, for programs; quota-sweep(8) describes it.
  package func json(isDryRun: Bool) -> String {
    var json = JSONWriter()
    json.object { json in
      json.field("dry_run", isDryRun)
      json.array("servers") { json in for server in servers { server.write(to: &json) } }
      json.field("sessions", Int64(sessions))
      json.field("bytes_added", bytesAdded)
      json.field("opened", Int64(opened))
      json.field("closed", Int64(closed))
      json.array("killed") { json in for kill in kills { kill.write(to: &json) } }
      json.array("problems") { json in for problem in problems { json.element(problem) } }
      json.field("error", bookkeepingFailure?.message)
      json.field("milliseconds", milliseconds)
    }
    return String(decoding: json.bytes, as: UTF8.self)
  }
}

extension Summary.ServerResult {
  fileprivate func write(to json: inout JSONWriter) {
    json.object { json in
      json.field("name", name)
      json.field("address", address)
      json.field("state", state.rawValue)
      json.field("sessions", Int64(sessions))
      json.array("errors") { json in for error in errors { json.element(error) } }
      json.field("hint", hint)
    }
  }
}

extension Summary.Kill {
  fileprivate func write(to json: inout JSONWriter) {
    json.object { json in
      json.field("server", server)
      json.field("user", "\(user)")
      json.field("address", address)
      json.field("reason", reason.rawValue)
    }
  }
}
