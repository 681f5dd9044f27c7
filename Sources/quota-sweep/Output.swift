import CommandSupport
import FoundationEssentials
import Quota
import Sweep

extension Summary {
  /// What came of a sweep, for people: a line for each server and each session told to go, and one
  /// that sums it up.
  func text(isRehearsal: Bool) -> String {
    let width = servers.map { $0.name.utf8.count }.max() ?? 0
    var lines = servers.map { server in
      let name = server.name + String(repeating: " ", count: width - server.name.utf8.count)
      switch server.state {
      case .swept: return "\(name)  \(server.sessions) sessions"
      case .down: return "\(name)  not running"
      case .failed: return "\(name)  failed: \(server.errors.joined(separator: "; "))"
      }
    }
    lines += kills.map { kill in
      let verb = isRehearsal ? "would disconnect" : "disconnected"
      return "\(verb) \(kill.user) (\(kill.address)) on \(kill.server): \(kill.reason.text)"
    }
    lines.append(
      "\(sessions) sessions, \(ByteSize.format(bytesAdded)) added, \(closed) closed, "
        + "\(kills.count) \(isRehearsal ? "to disconnect" : "disconnected"), \(milliseconds) ms")
    return lines.map(Escaping.plain).joined(separator: "\n")
  }

  /// What came of a sweep, for programs; quota-sweep(8) describes it.
  func json(isRehearsal: Bool) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(Document(self, isRehearsal)), as: UTF8.self)
  }

  private struct Document: Encodable {
    let dryRun: Bool
    let servers: [Server]
    let sessions: Int
    let bytesAdded: Int64
    let opened: Int
    let closed: Int
    let killed: [Kill]
    let problems: [String]
    let milliseconds: Int64

    struct Server: Encodable {
      let name: String
      let address: String
      let state: String
      let sessions: Int
      let errors: [String]
      let hint: String?
    }

    struct Kill: Encodable {
      let server: String
      let user: String
      let address: String
      let reason: String
    }

    enum CodingKeys: String, CodingKey {
      case dryRun = "dry_run"
      case bytesAdded = "bytes_added"
      case servers, sessions, opened, closed, killed, problems, milliseconds
    }

    init(_ summary: Summary, _ isRehearsal: Bool) {
      dryRun = isRehearsal
      servers = summary.servers.map { server in
        Server(
          name: server.name, address: server.address, state: server.state.rawValue,
          sessions: server.sessions, errors: server.errors, hint: server.hint)
      }
      sessions = summary.sessions
      bytesAdded = summary.bytesAdded
      opened = summary.opened
      closed = summary.closed
      killed = summary.kills.map { kill in
        Kill(
          server: kill.server, user: "\(kill.user)", address: kill.address,
          reason: kill.reason.rawValue)
      }
      problems = summary.problems
      milliseconds = summary.milliseconds
    }
  }
}
