import Quota
import TestSupport

/// How clients come in and go.
extension World {
  func connect(_ chance: inout SeededRandom) throws {
    let nameless = terms.letsInNameless ? [terms.user(named: "")] : []
    let names = accounts.map(\.name) + HostTerms.strangers + nameless
    guard let server = servers.filter(\.isFree).randomElement(using: &chance),
      let name = names.randomElement(using: &chance)
    else { return }
    try connect(name, to: server, from: place(on: server, &chance), &chance)
  }

  /// Where a new client comes from: somewhere new as a rule; where another client of a second socket
  /// is, if there are two.
  private func place(on server: Server, _ chance: inout SeededRandom) -> Place {
    let isTwin = Int.random(in: 0..<4, using: &chance) == 0
    if server.kind.release == .v27, server.kind.pool != .none, isTwin,
      let other = server.live.last, other.place.listed.socket == "udp",
      !other.hasMovedAltogether, other.tunnel.atConnect == other.tunnel.listed
    {
      var place = other.place.listed
      place.socket = "tcp"
      return place
    }
    let number = fresh()
    let isIPv6 = Int.random(in: 0..<4, using: &chance) == 0
    return Place(
      host: isIPv6 ? "2001:db8::\(number)" : "198.51.100.\(number % 250)", port: 40_000 + number)
  }

  /// A client of a name is at the door of a server.
  private func connect(
    _ name: String, to server: Server, from place: Place, _ chance: inout SeededRandom
  ) throws {
    let spelling = terms.spelling(of: name, &chance)
    if !server.kind.allowsDuplicates {
      for earlier in live(spelling, on: server) { try end(earlier, &chance) }
    }
    guard server.isFree else { return }
    let session = Session(
      number: fresh(), server: server, boot: boot, since: clock, owner: account(name, at: clock),
      name: name, spelling: spelling, clientID: server.nextClientID(),
      address: server.freeAddress(), place: place)
    session.move(Usage(received: Int64.random(in: 1500...2000, using: &chance), sent: 1800))
    // However late hooks run, that of a session comes before the next one of its second.
    while let index = late.firstIndex(where: { $0.session.isOfOneSecond(with: session) }) {
      try runLateHook(at: index, &chance)
    }
    sessions.append(session)
    let answer = try askAtDoor(session, &chance)
    try settle(session, answer, &chance)
  }

  /// How the connect hook answered.
  private struct Answer {
    let comesIn: Bool
    let fault: Fault
    /// Whether the script behind the hook refused, which nobody can object to.
    let isOfScript: Bool
  }

  private func askAtDoor(_ session: Session, _ chance: inout SeededRandom) throws -> Answer {
    let fault = isCalm ? .none : programs.possible(Fault.ofHook(&chance))
    let script = session.server.kind.hasScript ? Int.random(in: 0..<6, using: &chance) : nil
    let before = opinion(of: session, fault)
    note("\(session) is at the door\(fault.words)")
    let comesIn = try hold(session.server, &chance) { pause throws in
      try programs.connect(
        call(session), in: self, fault, script: script.map { $0 == 0 ? 1 : 0 }, pause: pause)
    }
    note(comesIn ? "and comes in" : "and is turned away")
    count(comesIn ? .sessions : .refusals)
    if fault != .none { count(.faults) }
    let isOfScript = script == 0 && !comesIn && !fault.isKill
    if !isOfScript { judgeDoor(session, comesIn, fault, before, opinion(of: session, fault)) }
    return Answer(comesIn: comesIn, fault: fault, isOfScript: isOfScript)
  }

  /// What the connect hook may and must say.
  private struct Opinion {
    /// Why it must refuse.
    let bar: String?
    let mayRefuse: Bool
  }

  private func opinion(of session: Session, _ fault: Fault) -> Opinion {
    let account = session.owner
    var bar = bar(on: account)
    var mayRefuse = mayBeBarred(account)
    if account.maxSessions > 0, account.isMetered {
      // It may be in a listing or in the journal itself by now.
      let others = liveSessions(
        of: account, inLedger: fault == .journalGone, besides: session)
      if others.least >= account.maxSessions { bar = bar ?? "has \(others.least) sessions" }
      let isCounted = session.isLive && !session.isEndTold
      if others.most - (isCounted ? 1 : 0) >= account.maxSessions { mayRefuse = true }
    }
    return Opinion(bar: bar, mayRefuse: mayRefuse || bar != nil)
  }

  /// Whether the door was right: it may go by what was so before it was asked, or by what is so now.
  private func judgeDoor(
    _ session: Session, _ comesIn: Bool, _ fault: Fault, _ before: Opinion, _ after: Opinion
  ) {
    switch fault {
    case .killed, .torn: if comesIn { fail("\(session) came in although the hook was killed") }
    case .tableGone:
      if comesIn != terms.letsInUnseen { fail("\(session): ON_ERROR was not heeded") }
    case .none, .journalGone, .dies, .full:
      if comesIn, fault == .none, let bar = before.bar, after.bar != nil {
        fail("\(session) came in and \(bar)")
      }
      if !comesIn, !before.mayRefuse, !after.mayRefuse {
        fail(
          "\(session) was refused: used \(used(by: session.owner)), limit "
            + "\(String(describing: session.owner.limit)), sessions \(liveSessions(of: session.owner))"
        )
      }
    }
  }

  /// What follows from an answer of the connect hook.
  private func settle(
    _ session: Session, _ answer: Answer, _ chance: inout SeededRandom
  ) throws {
    session.lostRecord = !answer.fault.leavesRecord
    session.isMisspelled =
      answer.fault == .tableGone && terms.rules.names == .fold
      && session.spelling != session.ownName
    if answer.comesIn {
      session.known = answer.fault.leavesRecord ? .journal : .no
      pushAddress(session, &chance)
      session.server.live.append(session)
      if !isCalm, Int.random(in: 0..<40, using: &chance) == 0 { vanish(session) }
    } else {
      try turnAway(session, answer.fault, &chance)
    }
  }

  /// A script behind the hook gives the client an address of its own; the pool's is free again.
  private func pushAddress(_ session: Session, _ chance: inout SeededRandom) {
    guard session.server.kind.hasScript, session.server.kind.pool != .none,
      Int.random(in: 0..<4, using: &chance) == 0
    else { return }
    let address = "10.9.0.\(fresh())"
    session.tunnel = (session.tunnel.atConnect, address, address)
    note("\(session) got another address from a script")
  }

  /// The negotiation fails after the hook let the client in: no disconnect hook runs.
  private func vanish(_ session: Session) {
    session.server.live.removeAll { $0 === session }
    session.endedAt = clock
    note("\(session) is gone without a word")
  }

  /// 2.6 and later run the disconnect hook right after a refusal.
  private func turnAway(_ session: Session, _ fault: Fault, _ chance: inout SeededRandom) throws {
    session.isRefused = true
    session.endedAt = clock
    let server = session.server
    server.halfOpen.append((session.shownName, session.moved.received))
    // Where the hook was killed, nobody knows what record it left.
    session.isNoSession = fault.leavesRecord || (!fault.isKill && !server.tellsOfRefusals)
    guard server.tellsOfRefusals else { return }
    try runHook(session, finalCall(session, session.moved), isFinal: false, &chance)
  }

  /// A session ends, for whatever reason; its hook runs as a rule.
  func end(_ session: Session, _ chance: inout SeededRandom) throws {
    let server = session.server
    guard session.isLive, server.isFree else { return }
    server.live.removeAll { $0 === session }
    session.endedAt = clock
    let isZeroed = !isCalm && Int.random(in: 0..<12, using: &chance) == 0
    let call = finalCall(
      session, isZeroed ? (Bool.random(using: &chance) ? nil : Usage()) : session.moved)
    note("\(session) ends at \(session.moved)\(isZeroed ? ", its final counters lost" : "")")
    let isAlone = second(of: session).count == 1
    if !isCalm, isAlone, Int.random(in: 0..<16, using: &chance) == 0 {
      note("its hook runs later")
      late.append((session, call, !isZeroed))
      return
    }
    try runHook(session, call, isFinal: !isZeroed, &chance)
  }

  /// A client that resets its connection is back at once, from where it was.
  func comeBack(_ session: Session, _ chance: inout SeededRandom) throws {
    let (server, place) = (session.server, session.place.listed)
    guard session.place.told == place, session.place.atConnect == place else { return }
    let name = Int.random(in: 0..<5, using: &chance) == 0 ? "bob" : session.ownName
    note("\(session) resets its connection")
    try end(session, &chance)
    guard server.isFree, !server.live.contains(where: { $0.place.listed == place }) else { return }
    try connect(name, to: server, from: place, &chance)
  }

  func runLateHook(_ chance: inout SeededRandom) throws {
    guard let index = late.indices.randomElement(using: &chance) else { return }
    try runLateHook(at: index, &chance)
  }

  private func runLateHook(at index: Int, _ chance: inout SeededRandom) throws {
    let (session, call, isFinal) = late.remove(at: index)
    note("the hook of \(session) runs at last")
    try runHook(session, call, isFinal: isFinal, &chance)
  }

  /// - Parameter isFinal: whether the counters are all that moved, of a session that was let in.
  private func runHook(
    _ session: Session, _ call: HookCall, isFinal: Bool, _ chance: inout SeededRandom
  ) throws {
    let fault = isCalm ? .none : programs.possible(Fault.ofHook(&chance))
    if fault != .none {
      note("the disconnect hook of #\(session.number)\(fault.words)")
      count(.faults)
    }
    if session.known == .no { addClaimant(of: session) }
    try hold(session.server, &chance) { pause throws in
      try programs.disconnect(call, in: self, fault, pause: pause)
    }
    guard fault.leavesRecord else { return session.lostRecord = true }
    session.isEndTold = true
    // What begins and ends within two seconds, and is known from nowhere, was refused by others.
    let isRecognized = session.known != .no && !session.hasMovedAltogether
    if isFinal, isRecognized || call.duration > 2 {
      session.tell(session.moved, at: session.endedAt ?? clock, now: clock, inLedger: false)
    }
  }

  /// Where no record says who came in, the ledger goes by the name that is shown.
  func addClaimant(of session: Session) {
    session.payers.insert(account(session.claimedName, at: session.since).number)
  }

  /// A server that waits for a hook does nothing else; other servers go on.
  private func hold<Result>(
    _ server: Server, _ chance: inout SeededRandom, _ body: (_ pause: () -> Void) throws -> Result
  ) throws -> Result {
    let wasBusy = server.isBusy
    server.isBusy = true
    defer { server.isBusy = wasBusy }
    var other = SeededRandom(seed: chance.next())
    let hangs = !isCalm && Int.random(in: 0..<10, using: &other) == 0
    return try body {
      guard hangs else { return }
      do { try self.elsewhere(&other) } catch { self.fail("\(error)") }
    }
  }

  private func call(_ session: Session) -> HookCall {
    HookCall(
      server: session.server, boot: session.boot, pid: session.pid,
      serverStart: session.serverStart, since: session.since, address: session.tunnel.atConnect,
      commonName: session.claimedName, place: session.place.told, current: session.place.listed)
  }

  private func finalCall(_ session: Session, _ counters: Usage?) -> HookCall {
    var call = call(session)
    call.address = session.tunnel.atEnd
    call.counters = counters
    call.duration = max(0, clock - session.since)
    return call
  }
}
