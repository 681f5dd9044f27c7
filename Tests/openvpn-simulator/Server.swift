import Glibc
import System

/// The server's clients and their lives: who is in, who is leaving, which hook runs when.
final class Server {
  let options: Options
  private(set) var sessions: [UInt: Session] = [:]
  /// Sessions that are over; a test asks what became of a client.
  private(set) var ended: [Int: Session] = [:]
  /// Every hook that ran: `connect:STATUS:MICROSECONDS`.
  private(set) var hooks: [String] = []
  /// Changes to the environment of every hook from now on; a nil value removes the variable.
  var environmentChanges: [(name: String, value: Text?)] = []
  /// Until when a restart takes: commands about sessions are turned down.
  private var pausedUntil = Duration.zero
  /// Told what OpenVPN would tell a management client unasked.
  var notify: (Text) -> Void = { _ in }

  /// Killed sessions in the order of their leaving. One that left earlier or got more time stays
  /// here until its turn comes.
  private var lingering: [(session: Session, until: Duration)] = []
  private var nextLingering = 0
  private var nextClientID: UInt = 0
  private var nextSerial = 0
  private var nextAddress = 0
  private var nextPort: UInt16 = 20_000
  private var started = Clock.now
  private let truth: Int32

  init(_ options: Options) throws {
    self.options = options
    truth =
      try options.truth.map { path in
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw SystemError("open", path) }
        return file
      } ?? -1
  }

  /// What a client brings along.
  struct Arrival {
    var name: Text
    var username: Text?
    /// Nil takes a fresh one of the pool, empty stands for a tap server without one.
    var address: String?
    var address6 = ""
    var endpoint: Endpoint?
    var since: Int64?
  }

  /// Lets a client through the handshake and asks client-connect.
  func connect(_ arrival: Arrival) throws -> Session {
    if !options.duplicateCommonNames {
      // Before the script is asked: the old session is gone even if the new one is refused.
      let name = arrival.name.printable
      for old in sessions.values.filter({ $0.commonName == name }) { close(old, as: .left) }
    }
    // A fresh address each time, where OpenVPN's pool would look for the old one: tests run within
    // one second what takes a real client several.
    let session = admit(
      arrival, stage: .deferred, address: arrival.address ?? freshAddress(),
      // What a bare connect costs.
      received: 1836, sent: 1823)
    guard try clientConnect(session) else {
      if options.release.tellsOfRefusals { clientDisconnect(session, duration: 0) }
      finish(session, as: .refused)
      return session
    }
    session.stage = .connected
    establish(session)
    return session
  }

  /// A client whose handshake has not come to a name yet.
  func beginHandshake(from endpoint: Endpoint) -> Session {
    admit(
      Arrival(name: [], endpoint: endpoint), stage: .handshake, address: "", received: 300,
      sent: 288)
  }

  /// A client whose client-connect script, or the check of whose login, takes its time.
  func deferred(_ name: Text, username: Text?) -> Session {
    admit(
      Arrival(name: name, username: username), stage: .deferred, address: "", received: 1836,
      sent: 1823)
  }

  /// Makes many sessions without running hooks.
  func populate(_ count: Int, prefix: Text, received: UInt64, sent: UInt64) {
    for number in 1...max(count, 1) where count > 0 {
      _ = admit(
        Arrival(name: prefix + "\(number)"), stage: .connected, address: freshAddress(),
        received: received, sent: sent)
    }
  }

  private func admit(
    _ arrival: Arrival, stage: Session.Stage, address: String, received: UInt64, sent: UInt64
  ) -> Session {
    let session = Session(
      serial: nextSerial, clientID: nextClientID, owner: arrival.name.printable,
      username: arrival.username?.printable, origin: arrival.endpoint ?? freshEndpoint(),
      address: address, address6: arrival.address6, since: arrival.since ?? Clock.now,
      received: received, sent: sent, stage: stage)
    nextSerial += 1
    nextClientID += 1
    sessions[session.clientID] = session
    return session
  }

  private func freshAddress() -> String {
    let number = nextAddress + 2
    nextAddress = (nextAddress + 1) % 500_000
    return "10.\(8 + number >> 16).\(number >> 8 & 0xFF).\(number & 0xFF)"
  }

  private func freshEndpoint() -> Endpoint {
    nextPort = nextPort == 60_000 ? 20_001 : nextPort + 1
    return Endpoint(host: "192.0.2.\(nextSerial % 250 + 1)", port: nextPort)
  }

  private func clientConnect(_ session: Session) throws -> Bool {
    guard !options.clientConnect.isEmpty else { return true }
    let file = try ClientConfigFile()
    let environment = environment("client-connect", of: session, configFile: file.path)
    let status = runHook(
      "connect", options.clientConnect + [Text(file.path.utf8)], environment)
    guard status == 0 else { return false }
    for words in file.lines {
      if words.first == "disable" { return false }
      if words.first == "ifconfig-push", words.count > 1 { session.address = words[1] }
    }
    return true
  }

  private func establish(_ session: Session) {
    var block = Text(">CLIENT:ESTABLISHED,\(session.clientID)\r\n".utf8)
    for variable in environment("client-connect", of: session, configFile: nil).variables {
      block += ">CLIENT:ENV,"
      block += variable.name + [UInt8(ascii: "=")] + variable.value
      block += "\r\n"
    }
    notify(block + ">CLIENT:ENV,END\r\n")
  }

  /// Ends a session at once.
  func close(_ session: Session, as fate: Session.Fate) {
    guard session.fate == .live else { return }
    if fate == .left, session.stage == .connected {
      let duration = max(Clock.now - session.since, 0)
      clientDisconnect(session, duration: duration)
      writeTruth(session)
    }
    finish(session, as: fate)
  }

  /// `client-kill`: the message goes out, the session follows later.
  func kill(_ clientID: UInt, message: Text?) -> Bool {
    guard let session = sessions[clientID] else { return false }
    session.message = message ?? Text("RESTART".utf8)
    if session.lingersUntil == nil || options.release.killAgainProlongs {
      let until = Clock.monotonic + options.linger
      session.lingersUntil = until
      lingering.append((session, until))
    }
    return true
  }

  /// Ends everything with a hook each and counts client ids from 0 again (SIGUSR1, SIGHUP).
  func restart(readingConfig: Bool) {
    for session in Array(sessions.values) { close(session, as: .left) }
    nextClientID = 0
    if readingConfig { started = Clock.now }
  }

  /// Restarts as SIGUSR1 does, and takes its time.
  func restart(taking time: Duration) {
    restart(readingConfig: false)
    pausedUntil = Clock.monotonic + time
  }

  /// Whether a restart is under way.
  var isPaused: Bool { Clock.monotonic < pausedUntil }

  /// When the next lingering session wants to go.
  var nextDeparture: Duration? {
    while nextLingering < lingering.count {
      let (session, until) = lingering[nextLingering]
      if session.fate == .live, session.lingersUntil == until { return until }
      nextLingering += 1
    }
    lingering.removeAll()
    nextLingering = 0
    return nil
  }

  /// Ends one session whose time has come. One at a time, because OpenVPN looks at its sockets in
  /// between.
  func departIfDue(at now: Duration) {
    if let due = nextDeparture, due <= now { close(lingering[nextLingering].session, as: .left) }
  }

  private func finish(_ session: Session, as fate: Session.Fate) {
    session.fate = fate
    sessions[session.clientID] = nil
    ended[session.serial] = session
  }

  private func clientDisconnect(_ session: Session, duration: Int64) {
    guard !options.clientDisconnect.isEmpty else { return }
    var environment = environment("client-disconnect", of: session, configFile: nil) {
      $0.setFinalCounters(of: session, duration: duration)
    }
    environment.unset("client_connect_config_file")
    _ = runHook("disconnect", options.clientDisconnect, environment)
  }

  private func writeTruth(_ session: Session) {
    guard truth >= 0 else { return }
    let line = Text("\(session.owner.percentEncoded) \(session.received) \(session.sent)\n".utf8)
    _ = unsafe line.withUnsafeBytes { unsafe write(truth, $0.baseAddress, $0.count) }
  }

  private func environment(
    _ kind: String, of session: Session, configFile: String?,
    completing: (inout HookEnvironment) -> Void = { _ in }
  ) -> HookEnvironment {
    var environment = HookEnvironment(
      kind, of: session, options: options, started: started, configFile: configFile)
    completing(&environment)
    for change in environmentChanges {
      if let value = change.value {
        environment.set(change.name, value)
      } else {
        environment.unset(change.name)
      }
    }
    return environment
  }

  private func runHook(_ name: String, _ words: [Text], _ environment: HookEnvironment) -> Int32 {
    let start = Clock.monotonic
    let status = Hook.run(words, environment: environment.variables)
    let took = Clock.monotonic - start
    hooks.append("\(name):\(status):\(took / .microseconds(1))".split(separator: ".")[0] + "")
    return status
  }
}
