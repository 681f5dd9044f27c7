import Support
import Quota

extension Summary {
  /// What came of a sweep, for people: a line for each server and each session told to go, and one
  /// that sums it up.
  package func text(isDryRun: Bool) -> String {
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
      let verb = isDryRun ? "would disconnect" : "disconnected"
      return "\(verb) \(kill.user) (\(kill.address)) on \(kill.server): \(kill.reason.text)"
    }
    lines.append(
      "\(sessions) sessions, \(ByteSize.format(bytesAdded)) added, \(closed) closed, "
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
