import TestSupport

/// What happens to servers and to the whole machine.
extension World {
  /// SIGKILL: no hook runs.
  func crash(_ server: Server) {
    note("\(server.name) is killed")
    for session in server.live { session.endedAt = clock }
    server.live = []
    server.isUp = false
  }

  /// SIGTERM: one hook a client, one after another.
  func stop(_ server: Server, _ chance: inout Chance) throws {
    note("\(server.name) stops")
    for session in server.live { try end(session, &chance) }
    server.isUp = false
  }

  /// SIGUSR1 or SIGHUP: the process stays, its clients go, and client ids start over.
  func restart(_ server: Server, _ chance: inout Chance) throws {
    note("\(server.name) restarts its sessions")
    for session in server.live { try end(session, &chance) }
    server.forgetClients()
  }

  func start(_ server: Server?) {
    guard let server, !server.isUp else { return }
    server.pid = newPID()
    server.forgetClients()
    server.isUp = true
    note("\(server.name) starts as \(server.pid)")
  }

  func rebootAll() {
    guard depth == 0, programs.knowsBoots else { return }
    for server in servers where server.isUp { crash(server) }
    late = []
    reboot()
    for server in servers {
      server.isUp = true
      server.forgetClients()
    }
    note("the machine is booted")
  }
}

/// What a sweep sees of the world, and what it does to it.
extension World {
  func sweep(_ chance: inout Chance) throws {
    // Whoever comes second finds the lock taken.
    guard !isSweeping else { return }
    isSweeping = true
    defer { isSweeping = false }
    seen = []
    let fault = isCalm ? .none : programs.possible(Fault.ofSweep(&chance))
    note("a sweep\(fault.words)")
    if fault != .none { count(.faults) }
    let inSpool = sessions.filter { $0.isToldOver }
    var other = Chance(seed: chance.next())
    listingChance = Chance(seed: chance.next())
    let isDone = try programs.sweep(self, fault) {
      guard !self.isCalm, !fault.isOfTheDisk, Int.random(in: 0..<6, using: &other) == 0 else {
        return
      }
      do { try self.elsewhere(&other) } catch { self.fail("\(error)") }
    }
    guard isDone else { return note("the sweep does not come to its end") }
    count(.sweeps)
    for session in inSpool { session.reachLedger() }
    for listing in seen { take(listing) }
    for listing in seen { judge(listing) }
  }

  /// What a server answers to `status`; nil where it does not.
  ///
  /// - Parameter isJudged: whether its sessions are held against the ledger; else it only tells whom
  ///   to disconnect.
  func listing(of server: Server, isJudged: Bool = true) -> Listing? {
    guard server.isFree else { return nil }
    let isCut = !isCalm && isJudged && Int.random(in: 0..<12, using: &listingChance) == 0
    let rows = isCut ? Int.random(in: 0...server.live.count, using: &listingChance) : nil
    let dips = !isCalm && isJudged && Int.random(in: 0..<25, using: &listingChance) == 0
    let listing = Listing(of: server, at: clock, rows: rows, dip: dips)
    if isJudged { seen.append(listing) }
    note(
      "\(server.name) lists \(listing.shown.map { "#\($0.session.number)" }.joined(separator: " "))"
        + (isCut ? " and breaks off" : "") + (dips ? ", counters reading 0" : ""))
    return listing
  }

  /// A server is told to disconnect a client.
  ///
  /// - Returns: whether there is such a client.
  func disconnect(_ session: Session?) -> Bool {
    guard let session, session.isLive, session.server.isFree else { return false }
    let isUnwanted =
      terms.rules.unknownUsers == .reject
      && session.payers.contains { name in !terms.users.contains { $0.name == name } }
    if !isUnwanted, !session.payers.contains(where: mayBeOver) {
      fail("\(session) was disconnected under quota: \(used(by: session.owner))")
    }
    note("\(session) is disconnected")
    count(.disconnections)
    session.goesAt = session.goesAt ?? elapsed + 5
    session.killedAt = clock
    return true
  }

  /// The ledger knows by now what a listing showed.
  private func take(_ listing: Listing) {
    for shown in listing.shown {
      let session = shown.session
      // Of whom nobody meters nothing is taken down.
      if session.isKnown, !terms.isMetered(session.owner) { continue }
      // Who has no record of the door has an account only if he shows a name that is metered.
      guard session.isKnown || shown.name.map(terms.isMetered) ?? false else { continue }
      session.isKnown = true
      // Who is not metered has only the record of the door, under the address that he had there.
      if session.address == shown.address, terms.isMetered(session.owner) {
        session.isOnTheMove = false
      }
      session.see(listing.at + programs.drift)
      session.tell(
        shown.counters, at: listing.at, now: clock + programs.drift, inLedger: true,
        isWhole: listing.isWhole)
    }
  }

  /// Whoever was over is gone, or on his way.
  private func judge(_ listing: Listing) {
    for session in listing.shown.map(\.session) where session.isLive && session.goesAt == nil {
      // With another address since he was listed there is no telling which client he is.
      if session.isOnTheMove { continue }
      if isSurely(session, of: session.owner), isSurelyOver(session.owner) {
        fail("\(session) outlived a sweep over quota: \(used(by: session.owner))")
      }
    }
  }
}
