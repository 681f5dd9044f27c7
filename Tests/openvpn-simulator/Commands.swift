import Glibc

/// What the management commands do and answer, word for word as OpenVPN 2.6.14 does.
struct Commands {
  let server: Server
  let connection: Connection
  let now: Int64

  private var options: Options { server.options }

  /// Executes one line; gives the command's name, nil where there was none.
  func execute(_ line: Text) -> String? {
    let words: [Text]
    do { words = try Lexer.words(of: line) } catch {
      connection.say(Text("ERROR: ".utf8) + error.message + "\r\n")
      return nil
    }
    guard let first = words.first else { return nil }
    let name = String(decoding: first, as: UTF8.self)
    let chats = connection.behaviour == .chatty
    if chats { connection.say(">LOG:\(now),D,MANAGEMENT: CMD '\(name)'") }
    answer(name, Array(words.dropFirst()))
    if chats { connection.say(">STATE:\(now),CONNECTED,END,10.8.0.1,,,,") }
    return name
  }

  private func answer(_ name: String, _ parameters: [Text]) {
    let first = parameters.first
    switch name {
    case "status" where isPaused, "kill" where isPaused, "client-kill" where isPaused:
      error("The '\(name)' command is not supported by the current daemon mode")
    case "status": status(first)
    case "pid": success("pid=\(options.processID)")
    case "kill":
      if let first { kill(first) } else { error("the 'kill' command requires 1 parameter") }
    case "client-kill":
      if let first {
        clientKill(first, message: parameters.count > 1 ? parameters[1] : nil)
      } else {
        error("the 'client-kill' command requires at least 1 parameter")
      }
    case "load-stats":
      let received = server.sessions.values.reduce(0) { $0 &+ $1.received }
      let sent = server.sessions.values.reduce(0) { $0 &+ $1.sent }
      success("nclients=\(server.sessions.count),bytesin=\(received),bytesout=\(sent)")
    case "version": version(first)
    case "hold":
      if first == Text("release".utf8) {
        connection.isHeld = false
        success("hold release succeeded")
      } else {
        success("hold=\(connection.isHeld ? 1 : 0)")
      }
    case "help":
      connection.say("Management Interface for \(options.release.title)")
      connection.say("Commands:")
      for name in ["client-kill", "exit", "help", "hold", "kill", "load-stats", "pid", "status"] {
        connection.say(name)
      }
      connection.say("END")
    default: error("unknown command, enter 'help' for more options")
    }
  }

  /// Whether it has no sessions to speak of: before a hold release, and in the pause of a restart.
  private var isPaused: Bool { connection.isHeld || server.isPaused }

  private func success(_ text: String) { connection.say("SUCCESS: \(text)") }

  private func error(_ text: String) { connection.say("ERROR: \(text)") }

  private func error(_ before: String, _ name: Text, _ after: String = "") {
    connection.say(Text("ERROR: \(before)".utf8) + name + "\(after)\r\n")
  }

  private func status(_ parameter: Text?) {
    let version = parameter.map { integer($0) } ?? options.statusVersion
    guard version <= 3, version >= 0 else { return error("bad status format version number") }
    let sessions = server.sessions.values
    // Format 1 has no user names, which are what makes a row too long.
    let broken: [Behaviour: Int] = version > 1 ? [.truncate: sessions.count / 2, .blind: 0] : [:]
    let listing = Listing(
      of: sessions, version: max(version, 1), options: options, now: now,
      rowThatBreaks: broken[connection.behaviour])
    switch connection.behaviour {
    case .stall: connection.sayHalf(of: listing.text, thenHangUp: false)
    case .cut: connection.sayHalf(of: listing.text, thenHangUp: true)
    default: connection.say(listing.text)
    }
  }

  private func version(_ parameter: Text?) {
    if let parameter {
      // Older releases take the number and say nothing.
      let number = integer(parameter)
      if options.release.minor >= 7, number >= 4 {
        success("Management client version set to \(number)")
      }
      return
    }
    connection.say("OpenVPN Version: \(options.release.title)")
    connection.say("Management Version: \(options.release.managementVersion)")
    connection.say("END")
  }

  private func clientKill(_ id: Text, message: Text?) {
    // As `sscanf` with `%lu` reads it: what stands behind the digits does not matter.
    let digits = id.prefix { 48...57 ~= $0 }
    guard !digits.isEmpty || id.first == UInt8(ascii: "-") else { return error("cannot parse CID") }
    let number = UInt(String(decoding: digits, as: UTF8.self)) ?? UInt.max
    if server.kill(number, message: message) {
      success("client-kill command succeeded")
    } else {
      error("client-kill command failed")
      if options.release.refusesTwice { error("client-kill command failed") }
    }
  }

  private func kill(_ victim: Text) {
    var rest = victim[...]
    var parts: [Text] = []
    for _ in 0..<(options.release.namesProtocols ? 3 : 2) { parts.append(part(of: &rest)) }
    if parts.allSatisfy({ !$0.isEmpty }) {
      kill(atAddress: parts)
    } else if parts[0].isEmpty {
      error("kill parse")
    } else {
      kill(named: parts[0])
    }
  }

  /// Takes off what stands before the next colon, 127 bytes of it at most (`buf_parse`).
  private func part(of rest: inout ArraySlice<UInt8>) -> Text {
    var part: Text = []
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: ":") { break }
      if part.count >= 128 { break }
      part.append(byte)
    }
    return Text(part.prefix(127))
  }

  private func kill(named name: Text) {
    let victims = server.sessions.values.filter { $0.listedName == name }
    for victim in victims { server.close(victim, as: .left) }
    guard !victims.isEmpty else { return error("common name '", name, "' not found") }
    connection.say(
      Text("SUCCESS: common name '".utf8) + name
        + "' found, \(victims.count) client(s) killed\r\n")
  }

  private func kill(atAddress parts: [Text]) {
    let named = parts.count == 3
    let host = parts[parts.count - 2]
    let port = parts[parts.count - 1]
    guard let address = IPv4.normal(host) else { return error("error parsing IP address: ", host) }
    let number = integer(port)
    let networkProtocol = named ? String(decoding: parts[0], as: UTF8.self) : ""
    guard (1..<65_536).contains(number), !named || ["udp", "tcp"].contains(networkProtocol) else {
      return named
        ? error("port number or protocol out of range: ", port, " \(networkProtocol)")
        : error("port number is out of range: ", port)
    }
    // A client on a dual-stack socket is an IPv6 one for this search.
    let victims = server.sessions.values.filter {
      !options.dualStack && networkProtocol != "tcp" && $0.endpoint.host == address
        && $0.endpoint.port == UInt16(number)
    }
    for victim in victims { server.close(victim, as: .left) }
    let shown = "address \(named ? networkProtocol + ":" : "")\(address):\(number)"
    if victims.isEmpty {
      error("client at \(shown) not found")
    } else {
      success("\(victims.count) client(s) at \(shown) killed")
    }
  }

  /// As `atoi` reads it.
  private func integer(_ text: Text) -> Int {
    let digits = String(decoding: text.prefix { 48...57 ~= $0 }.prefix(9), as: UTF8.self)
    return Int(digits) ?? 0
  }
}

/// Dotted addresses, as OpenVPN's `getaddr` without a resolver takes them.
private enum IPv4 {
  static func normal(_ text: Text) -> String? {
    let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
      .map { UInt8(String(decoding: $0, as: UTF8.self)) }
    guard parts.count == 4, parts.allSatisfy({ $0 != nil }) else { return nil }
    return parts.compactMap { $0 }.map(String.init).joined(separator: ".")
  }
}
