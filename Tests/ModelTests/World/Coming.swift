import Quota
import TestSupport

/// How clients come in and go.
extension World {
  func connect(_ chance: inout Chance) throws {
    let names = terms.users.map(\.name) + HostTerms.strangers
    guard let server = servers.filter(\.isFree).randomElement(using: &chance),
      let name = names.randomElement(using: &chance)
    else { return }
    // Two of one name and one second are told apart by their addresses alone, while those stay.
    if sessions.contains(where: { $0.hasMoved && $0.isAlike(server, boot, since: clock, name) }) {
      return
    }
    if !server.allowsDuplicates {
      for earlier in live(name, on: server) { try end(earlier, &chance) }
    }
    let session = Session(
      number: fresh(), server: server, boot: boot, since: clock, owner: name,
      clientID: server.nextClientID(), address: server.freeAddress(),
      realAddress: "198.51.100.\(sessions.count % 250):\(40_000 + fresh())")
    session.move(Usage(received: Int64.random(in: 1500...2000, using: &chance), sent: 1800))
    // However late hooks run, that of a session comes before the next one with its identity.
    while let index = late.firstIndex(where: { $0.session.hasIdentity(of: session) }) {
      try runLateHook(at: index, &chance)
    }
    compare(session)
    sessions.append(session)
    let fault = isCalm ? .none : programs.possible(Fault.any(&chance))
    let (wasOver, mightBeOver) = (isSurelyOver(name), mayBeOver(name))
    note("\(session) is at the door\(fault.words)")
    let comesIn = try hold(server, fault, &chance) { pause throws in
      try programs.connect(call(session), in: self, fault, pause: pause)
    }
    note(comesIn ? "and comes in" : "and is turned away")
    count(comesIn ? .sessions : .refusals)
    if fault != .none { count(.faults) }
    judgeDoor(
      session, comesIn, fault, wasOver: wasOver && isSurelyOver(name),
      mightBeOver: mightBeOver || mayBeOver(name))
    session.isKnown = fault.leavesRecord
    if comesIn { server.live.append(session) } else { try turnAway(session, fault, &chance) }
  }

  /// Whether the door was right.
  private func judgeDoor(
    _ session: Session, _ comesIn: Bool, _ fault: Fault, wasOver: Bool, mightBeOver: Bool
  ) {
    let name = session.owner
    let isUnwanted =
      terms.rules.unknownUsers == .reject && !terms.users.contains { $0.name == name }
    switch fault {
    case .killed, .dies: if comesIn { fail("\(session) came in although the hook was killed") }
    case .gone, .nowhere:
      if comesIn != terms.letsInUnseen { fail("\(session): ON_ERROR was not heeded") }
    case .none, .locked, .spoolFull, .full:
      if comesIn, isUnwanted { fail("\(session) came in and is not a known user") }
      if comesIn, wasOver { fail("\(session) came in over quota: \(used(by: name))") }
      if !comesIn, !isUnwanted, !mightBeOver {
        fail("\(session) was refused under quota: \(used(by: name)) of \(terms.user(name).quota)")
      }
    }
  }

  /// 2.6 and later run the disconnect hook right after a refusal.
  private func turnAway(_ session: Session, _ fault: Fault, _ chance: inout Chance) throws {
    session.isRefused = true
    session.endedAt = clock
    let server = session.server
    server.halfOpen.append((session.owner, session.moved.received))
    guard server.tellsOfRefusals else { return session.isNoSession = true }
    session.isNoSession = fault.leavesRecord
    // Whoever killed the connect hook knows not what record it left.
    let isSure = !session.isNoSession && !fault.isKill
    try runHook(session, finalCall(session, session.moved), isFinal: isSure, &chance)
  }

  /// A session ends, for whatever reason; its hook runs as a rule.
  func end(_ session: Session, _ chance: inout Chance) throws {
    let server = session.server
    guard session.isLive, server.isFree else { return }
    server.live.removeAll { $0 === session }
    session.endedAt = clock
    // Its record of the door goes, and a sweep may have been shown another name already.
    if isSweeping, !terms.isMetered(session.owner) { session.payers.insert(session.claimedName) }
    let isZeroed = !isCalm && Int.random(in: 0..<12, using: &chance) == 0
    let call = finalCall(
      session, isZeroed ? (Bool.random(using: &chance) ? nil : Usage()) : session.moved)
    note("\(session) ends at \(session.moved)\(isZeroed ? ", its final counters lost" : "")")
    if !isCalm, Int.random(in: 0..<16, using: &chance) == 0 {
      note("its hook runs later")
      late.append((session, call, !isZeroed))
      return
    }
    try runHook(session, call, isFinal: !isZeroed, &chance)
  }

  func runLateHook(_ chance: inout Chance) throws {
    guard let index = late.indices.randomElement(using: &chance) else { return }
    try runLateHook(at: index, &chance)
  }

  private func runLateHook(at index: Int, _ chance: inout Chance) throws {
    let (session, call, isFinal) = late.remove(at: index)
    note("the hook of \(session) runs at last")
    // The record of the door is not kept for ever where no sweep sees the client, and whoever is not
    // metered has nothing else.
    if session.stretches.isEmpty || !terms.isMetered(session.owner) {
      session.payers.insert(session.claimedName)
    }
    try runHook(session, call, isFinal: isFinal, &chance)
  }

  /// - Parameter isFinal: whether the counters are all that moved.
  private func runHook(
    _ session: Session, _ call: HookCall, isFinal: Bool, _ chance: inout Chance
  ) throws {
    let fault = isCalm ? .none : programs.possible(Fault.any(&chance))
    if fault != .none {
      note("the disconnect hook of #\(session.number)\(fault.words)")
      count(.faults)
    }
    var told = try hold(session.server, fault, &chance) { pause throws in
      try programs.disconnect(call, in: self, fault, pause: pause)
    }
    // Told again of a session that has no account, the ledger has nothing to know it by.
    let hasAccount = told == .ledger && !session.isNoSession && terms.isMetered(session.owner)
    if hasAccount, Int.random(in: 0..<12, using: &chance) == 0 {
      note("the hook runs once more")
      told = try programs.disconnect(call, in: self, .none) {}
    }
    guard told != .nowhere else { return }
    session.isToldOver = true
    if isFinal {
      session.tell(
        session.moved, at: session.endedAt ?? clock, now: clock, inLedger: told == .ledger)
    }
  }

  /// A server that waits for a hook does nothing else; other servers go on.
  private func hold<Result>(
    _ server: Server, _ fault: Fault, _ chance: inout Chance,
    _ body: (_ pause: () -> Void) throws -> Result
  ) throws -> Result {
    let wasBusy = server.isBusy
    server.isBusy = true
    defer { server.isBusy = wasBusy }
    var other = Chance(seed: chance.next())
    // What is wrong with the disk would be so for everybody.
    let mayHang = !isCalm && !fault.isOfTheDisk
    let hangs = mayHang && Int.random(in: 0..<10, using: &other) == 0
    return try body {
      guard hangs else { return }
      do { try self.elsewhere(&other) } catch { self.fail("\(error)") }
    }
  }

  /// Where an earlier session had the same identity and its end was not told in time, no record can
  /// tell the two apart.
  private func compare(_ session: Session) {
    for twin in sessions where twin.hasIdentity(of: session) {
      let wasShort = twin.endedAt.map { (0...1).contains($0 - twin.since) } ?? false
      if twin.isNoSession || (wasShort && twin.isToldOver && !twin.isConfused) { continue }
      note("\(session) cannot be told from \(twin)")
      session.isConfused = true
      twin.isConfused = true
      session.payers.formUnion(twin.payers)
      twin.payers = session.payers
    }
  }

  private func call(_ session: Session) -> HookCall {
    HookCall(
      server: session.server.name, boot: session.boot, pid: session.pid, since: session.since,
      address: session.address, commonName: session.claimedName, realAddress: session.realAddress)
  }

  private func finalCall(_ session: Session, _ counters: Usage?) -> HookCall {
    var call = call(session)
    call.counters = counters
    call.duration = clock - session.since
    return call
  }
}
