/// The commands on standard input, by which a test tells what the VPN's clients do.
final class Console {
  let server: Server
  let management: Management
  /// Set by `settle`: no further command until no killed session lingers any more.
  private(set) var isSettling = false
  /// Set by `quit`.
  private(set) var isOver = false
  private var afterwards: [(command: String, line: String)] = []

  init(_ server: Server, _ management: Management) {
    self.server = server
    self.management = management
    management.executed = { [weak self] name in self?.followUp(name) }
  }

  /// Gives the one line that answers a command, or nil where the answer comes later.
  func answer(_ line: String) -> String? {
    do {
      let answer = try execute(line.split(separator: " ").map(String.init))
      return isSettling ? settle() : answer.isEmpty ? "ok" : "ok \(answer)"
    } catch {
      return "error \(error)"
    }
  }

  /// Gives the answer to `settle` when its time has come.
  func settle() -> String? {
    guard isSettling, server.nextDeparture == nil else { return nil }
    isSettling = false
    return "ok"
  }

  private func followUp(_ command: String) {
    guard let index = afterwards.firstIndex(where: { $0.command == command }) else { return }
    _ = answer(afterwards.remove(at: index).line)
  }

  private func execute(_ words: [String]) throws -> String {
    var words = Words(words)
    switch try words.next("a command") {
    case "connect": return try connect(&words)
    case "handshake":
      return describe(server.beginHandshake(from: try Endpoint(words.next("REAL"))))
    case "deferred":
      let name = try Text(percentDecoding: words.next("NAME"))
      let username = try words.isEmpty ? nil : Text(percentDecoding: words.next("USERNAME"))
      return describe(server.deferred(name, username: username))
    case "populate":
      let count = try words.number("N")
      let prefix = try Text(percentDecoding: words.next("PREFIX"))
      server.populate(
        Int(count), prefix: prefix, received: try words.number("RECEIVED"),
        sent: try words.number("SENT"))
    case "traffic":
      let session = try session(&words)
      session.received &+= try words.number("RECEIVED")
      session.sent &+= try words.number("SENT")
    case "traffic-all": try addTraffic(percent: 100, &words)
    case "traffic-some": try addTraffic(percent: words.number("PERCENT"), &words)
    case "counters":
      let session = try session(&words)
      session.received = try words.number("RECEIVED")
      session.sent = try words.number("SENT")
    case "rename":
      let session = try session(&words)
      session.commonName = try name(words.next("CN"))
      session.username = try words.isEmpty ? nil : name(words.next("USERNAME"))
    case "address": try session(&words).address = words.next("ADDRESS")
    case "float": try session(&words).endpoint = Endpoint(words.next("REAL"))
    case "leave": server.close(try session(&words), as: .left)
    case "drop": server.close(try session(&words), as: .dropped)
    case "fate": return try fate(&words)
    case "soft-restart":
      let milliseconds = words.isEmpty ? 0 : try words.number("MILLISECONDS")
      server.restart(taking: .milliseconds(Int64(milliseconds)))
    case "reload": server.restart(readingConfig: true)
    case "settle": isSettling = true
    case "behave":
      let mode = try words.next("MODE")
      guard let behaviour = Behaviour(rawValue: mode) else {
        let known = Behaviour.allCases.map(\.rawValue).joined(separator: ", ")
        throw OptionError("no mode '\(mode)'; there are \(known)")
      }
      management.behave(behaviour, count: try words.isEmpty ? nil : Int(words.number("COUNT")))
    case "after": afterwards.append((try words.next("COMMAND"), words.rest))
    case "hang-up": management.hangUp()
    case "setenv":
      let name = try words.next("NAME")
      let value = words.isEmpty ? [] : try Text(percentDecoding: words.next("VALUE"))
      server.environmentChanges.append((name, value))
    case "unsetenv": server.environmentChanges.append((try words.next("NAME"), nil))
    case "resetenv": server.environmentChanges = []
    case "list":
      return server.sessions.values.sorted { $0.clientID < $1.clientID }.map { session in
        "\(session.clientID):\(session.listedName.percentEncoded):"
          + "\(session.received):\(session.sent)"
      }.joined(separator: " ")
    case "log": return management.log.map(\.percentEncoded).joined(separator: " ")
    case "connections": return "\(management.connections)"
    case "hooks": return server.hooks.joined(separator: " ")
    case "endpoint": return management.endpoint
    case "quit": isOver = true
    case let other: throw OptionError("no command '\(other)'")
    }
    return ""
  }

  private func connect(_ words: inout Words) throws -> String {
    var arrival = Server.Arrival(name: try Text(percentDecoding: words.next("NAME")))
    while !words.isEmpty {
      let word = try words.next("KEY=VALUE")
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        .map(String.init)
      guard parts.count == 2 else { throw OptionError("'\(word)' is not KEY=VALUE") }
      switch parts[0] {
      case "address": arrival.address = parts[1] == "none" ? "" : parts[1]
      case "address6": arrival.address6 = parts[1]
      case "username": arrival.username = try Text(percentDecoding: parts[1])
      case "real": arrival.endpoint = try Endpoint(parts[1])
      case "since":
        guard let since = Int64(parts[1]) else { throw OptionError("'\(word)' is not a time") }
        arrival.since = since
      default: throw OptionError("connect knows no '\(parts[0])'")
      }
    }
    return describe(try server.connect(arrival))
  }

  private func describe(_ session: Session) -> String {
    session.fate == .refused
      ? "refused \(session.serial)" : "in \(session.clientID) \(session.serial)"
  }

  private func fate(_ words: inout Words) throws -> String {
    let serial = Int(try words.number("SERIAL"))
    guard
      let session = server.ended[serial]
        ?? server.sessions.values.first(where: { $0.serial == serial })
    else { throw OptionError("no session was \(serial)") }
    let message = session.message.map { " " + $0.percentEncoded } ?? ""
    return "\(session.fate) \(session.received) \(session.sent)\(message)"
  }

  private func addTraffic(percent: UInt64, _ words: inout Words) throws {
    let received = try words.number("RECEIVED")
    let sent = try words.number("SENT")
    for session in server.sessions.values where session.clientID % 100 < percent {
      session.received &+= received
      session.sent &+= sent
    }
  }

  /// A session by its client id, or by `#` and its serial number.
  private func session(_ words: inout Words) throws -> Session {
    let word = try words.next("CID")
    let found: Session? =
      word.hasPrefix("#")
      ? server.sessions.values.first { "#\($0.serial)" == word }
      : UInt(word).flatMap { server.sessions[$0] }
    guard let found else { throw OptionError("no session \(word)") }
    return found
  }

  private func name(_ word: String) throws -> Text? {
    word == "UNDEF" ? nil : try Text(percentDecoding: word).printable
  }
}

/// The words of a command, taken one by one.
private struct Words {
  private var words: ArraySlice<String>

  init(_ words: [String]) { self.words = words[...] }

  var isEmpty: Bool { words.isEmpty }

  var rest: String { words.joined(separator: " ") }

  mutating func next(_ meaning: String) throws -> String {
    guard let word = words.popFirst() else { throw OptionError("\(meaning) is missing") }
    return word
  }

  mutating func number(_ meaning: String) throws -> UInt64 {
    let word = try next(meaning)
    guard let number = UInt64(word) else { throw OptionError("\(meaning) is no number: '\(word)'") }
    return number
  }
}
