import TestSupport

/// What can happen on a host.
enum Action: CaseIterable {
  case connect, move, leave, float, restartTLS, renegotiate, changeAddress, handshake, comeBack
  case crash, stop, restartSessions, start, reboot
  case setClock, wait, longWait
  case sweep, runLateHook, administer, spoilJournal

  /// How often it happens, as a share of all.
  var weight: Int {
    switch self {
    case .move: 24
    case .connect: 18
    case .sweep: 16
    case .wait: 12
    case .leave: 10
    case .renegotiate, .start, .comeBack: 5
    case .administer: 4
    case .float, .runLateHook, .setClock: 3
    case .changeAddress, .restartSessions, .crash: 2
    case .handshake, .stop, .reboot, .longWait, .restartTLS, .spoilJournal: 1
    }
  }

  static func any(_ chance: inout SeededRandom) -> Action {
    var number = Int.random(in: 0..<sum, using: &chance)
    for action in allCases {
      number -= action.weight
      if number < 0 { return action }
    }
    return .wait
  }

  private static let sum = allCases.reduce(0) { $0 + $1.weight }
}

extension World {
  /// One thing happens. All chance in it is the step's own, so that it makes sense as well where
  /// other steps are left out.
  func step(_ chance: inout SeededRandom) throws {
    // Much happens within one second.
    if Bool.random(using: &chance) { try advance(Int64.random(in: 1...3, using: &chance), &chance) }
    try perform(Action.any(&chance), &chance)
  }

  private func perform(_ action: Action, _ chance: inout SeededRandom) throws {
    switch action {
    case .connect: try connect(&chance)
    case .move: moveSomething(&chance)
    case .leave: if let session = anySession(&chance) { try end(session, &chance) }
    case .comeBack: if let session = anySession(&chance) { try comeBack(session, &chance) }
    case .float: if let session = anySession(&chance) { float(session) }
    case .restartTLS: if let session = anySession(&chance) { restartTLS(session) }
    case .renegotiate: if let session = anySession(&chance) { renegotiate(session, &chance) }
    case .changeAddress: if let session = anySession(&chance) { changeAddress(session) }
    case .handshake: handshake(&chance)
    case .crash: if let server = anyServer(&chance) { crash(server) }
    case .stop: if let server = anyServer(&chance) { try stop(server, &chance) }
    case .restartSessions: if let server = anyServer(&chance) { try restart(server, &chance) }
    case .start: start(servers.filter { !$0.isUp }.randomElement(using: &chance))
    case .reboot: rebootAll()
    case .setClock: if terms.setsClock { setClock(&chance) }
    case .wait: try advance(Int64.random(in: 5...60, using: &chance), &chance)
    case .longWait: try advance(Int64.random(in: 150...300_000, using: &chance), &chance)
    case .sweep: try sweep(&chance)
    case .runLateHook: try runLateHook(&chance)
    case .administer: try administer(&chance)
    case .spoilJournal: try spoilJournal(&chance)
    }
  }

  private func anyServer(_ chance: inout SeededRandom) -> Server? {
    servers.filter(\.isFree).randomElement(using: &chance)
  }

  private func anySession(_ chance: inout SeededRandom) -> Session? {
    servers.filter(\.isFree).flatMap(\.live).randomElement(using: &chance)
  }

  /// Time goes by, and what was killed goes.
  func advance(_ seconds: Int64, _ chance: inout SeededRandom) throws {
    wait(seconds)
    for server in servers where server.isFree {
      server.halfOpen = []
      for session in server.live where session.goesAt.map({ $0 <= elapsed }) ?? false {
        try end(session, &chance)
      }
    }
  }

  /// What happens elsewhere while a program of ours takes its time.
  func elsewhere(_ chance: inout SeededRandom) throws {
    guard depth < 2 else { return }
    depth += 1
    defer { depth -= 1 }
    for _ in 0..<Int.random(in: 0...2, using: &chance) { try step(&chance) }
  }

  private func moveSomething(_ chance: inout SeededRandom) {
    for _ in 0..<Int.random(in: 1...4, using: &chance) {
      guard let session = anySession(&chance) else { return }
      let bytes = bytes(of: session, &chance)
      session.move(bytes)
      note("\(session) moves \(bytes)")
    }
  }

  /// A little, a lot, or just what a quota has left.
  private func bytes(of session: Session, _ chance: inout SeededRandom) -> Usage {
    let left = (session.owner.limit?.least ?? 0) - used(by: session.owner).most
    if left > 0, left < 1_000_000, Int.random(in: 0..<8, using: &chance) == 0 {
      return terms.rules.count == .received ? Usage(received: left) : Usage(sent: left)
    }
    let limit: Int64 = Bool.random(using: &chance) ? 3_000 : 60_000
    return Usage(
      received: Int64.random(in: 0...limit, using: &chance),
      sent: Int64.random(in: 0...limit, using: &chance))
  }

  private func float(_ session: Session) {
    let number = fresh()
    session.place.listed = Place(host: "203.0.113.\(number % 250)", port: 10_000 + number)
    note("\(session) floats")
  }

  /// A client that floated restarts its TLS: from then on hooks are told where it is now.
  private func restartTLS(_ session: Session) {
    float(session)
    session.place.told = session.place.listed
    note("and restarts its TLS")
  }

  /// Another name is shown from now on: the certificate's, `UNDEF`, or what a hostile client asks
  /// for.
  private func renegotiate(_ session: Session, _ chance: inout SeededRandom) {
    let name = ["alice", "bob", "carol", "dora", session.ownName].randomElement(using: &chance)
    session.claimedName = name ?? session.spelling
    session.shownName = Bool.random(using: &chance) ? nil : name
    if session.known == .no || session.lostRecord || isBlurred(session) {
      addClaimant(of: session)
      session.payers.insert(account(session.shownName ?? "", at: session.since).number)
    }
    note(
      "\(session) renegotiates as \(session.claimedName), shown as \(session.shownName ?? "UNDEF")")
  }

  /// The server gives a live client another address (2.7), which no hook is told.
  private func changeAddress(_ session: Session) {
    guard session.server.kind.release == .v27, session.server.kind.pool != .none else { return }
    session.tunnel.listed = "10.9.0.\(fresh())"
    note("\(session) gets another address")
  }

  private func handshake(_ chance: inout SeededRandom) {
    let name = Bool.random(using: &chance) ? nil : "alice"
    anyServer(&chance)?.halfOpen.append((name, 300))
  }

  private func setClock(_ chance: inout SeededRandom) {
    if let debt = clockDebt, Int.random(in: 0..<3, using: &chance) > 0 {
      clockDebt = nil
      setClock(by: -debt)
      note("the clock is set back to what it was")
      return
    }
    let far = [40, 4000, 90_000, 200_000].randomElement(using: &chance) ?? 40
    let step = Int64(Int.random(in: -far...far, using: &chance))
    clockDebt = (clockDebt ?? 0) + step
    setClock(by: step)
    note("the clock is set by \(step) s")
  }
}
