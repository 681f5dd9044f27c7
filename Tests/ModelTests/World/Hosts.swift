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
  func stop(_ server: Server, _ chance: inout SeededRandom) throws {
    note("\(server.name) stops")
    for session in server.live { try end(session, &chance) }
    server.isUp = false
  }

  /// SIGUSR1 or SIGHUP: the process stays, its clients go, and client ids start over.
  func restart(_ server: Server, _ chance: inout SeededRandom) throws {
    note("\(server.name) restarts its sessions")
    for session in server.live { try end(session, &chance) }
    server.forgetClients()
    server.restartsUntil = elapsed + 1
    if Bool.random(using: &chance) { server.startedAt = clock }
  }

  func start(_ server: Server?) {
    guard let server, !server.isUp else { return }
    server.pid = newPID(server.kind)
    server.startedAt = clock
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
  func sweep(_ chance: inout SeededRandom) throws {
    // The second of two finds the lock taken.
    guard !isSweeping else { return }
    isSweeping = true
    defer { isSweeping = false }
    seen = []
    let fault = isCalm ? .none : programs.possible(Fault.ofSweep(&chance))
    note("a sweep\(fault.words)")
    if fault != .none { count(.faults) }
    let told = sessions.filter { $0.known == .journal || $0.isEndTold }
    var other = SeededRandom(seed: chance.next())
    listingChance = SeededRandom(seed: chance.next())
    let isDone = try programs.sweep(self, fault) {
      if self.isCalm { return }
      do { try self.goOn(duringSweep: &other) } catch { self.fail("\(error)") }
    }
    guard isDone else { return note("the sweep does not come to its end") }
    count(.sweeps)
    isJournalCut = false
    for session in told { session.reachLedger() }
    for listing in seen where listing.isJudged { take(listing) }
    judge(seen)
    try Checks(self).runAfterSweep()
  }

  /// What happens between two steps of a sweep. A client that comes back within its second is shown by
  /// a listing of before as if it had never gone.
  private func goOn(duringSweep chance: inout SeededRandom) throws {
    switch Int.random(in: 0..<6, using: &chance) {
    case 0: try elsewhere(&chance)
    case 1...2:
      let young = servers.filter(\.isFree).flatMap(\.live).first { $0.since == clock }
      if let young, depth == 0 { try comeBack(young, &chance) }
    default: break
    }
  }

  /// What a server answers to `status`; nil where it does not.
  ///
  /// - Parameters:
  ///   - isPlain: whether the listing is one of `status 1`.
  ///   - isJudged: whether its sessions are held against the ledger; else it only tells whom
  ///     to disconnect.
  func listing(of server: Server, isPlain: Bool, isJudged: Bool) -> Listing? {
    guard server.isFree else { return nil }
    if isPlain {
      let listing = Listing(plain: server, at: clock, isJudged: isJudged)
      seen.append(listing)
      note("\(server.name) lists all in short")
      return listing
    }
    let isCut = !isCalm && isJudged && Int.random(in: 0..<12, using: &listingChance) == 0
    let rows = isCut ? Int.random(in: 0...server.live.count, using: &listingChance) : nil
    let dips = !isCalm && isJudged && Int.random(in: 0..<25, using: &listingChance) == 0
    let listing = Listing(of: server, at: clock, rows: rows, dips: dips, isJudged: isJudged)
    seen.append(listing)
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
    let payers = accounts.filter { self.payers(of: session).contains($0.number) }
    let mayGo = payers.contains { account in
      mayBeBarred(account)
        || account.maxSessions > 0
          && liveSessions(of: account, inLedger: true).most > account.maxSessions
    }
    if !mayGo {
      fail(
        "\(session) was disconnected: used \(used(by: session.owner)), limit "
          + "\(String(describing: session.owner.limit)), sessions \(liveSessions(of: session.owner))"
      )
    }
    note("\(session) is disconnected")
    count(.disconnections)
    session.goesAt = session.goesAt ?? elapsed + 5
    return true
  }

  /// The ledger knows by now what a listing showed.
  private func take(_ listing: Listing) {
    if !listing.dips {
      for shown in listing.shown { take(shown, of: listing) }
    }
    guard listing.isWhole else { return }
    let shown = Set(listing.shown.map(\.session.number))
    for session in sessions
    where session.server === listing.server && !session.isLive && session.known == .ledger
      && !shown.contains(session.number)
    {
      session.isEndSettled = true
    }
  }

  private func take(_ shown: Listing.Shown, of listing: Listing) {
    let session = shown.session
    // A listing in short, or one that does not tell the sessions of a second apart, may tell nothing.
    let isClear = second(of: session).count == 1 || session.isToldApartInListings
    guard isClear, !isBlurred(session) else { return }
    // Without an address it is a session only by its name in the routing table, which stands at the
    // end.
    if session.tunnel.listed.isEmpty, !listing.isWhole || shown.name == nil { return }
    // Its end is in the journal behind the listing, and says all there is to say.
    if session.isEndTold { return }
    if listing.text.hasPrefix("OpenVPN CLIENT LIST") { return }
    if session.known == .no {
      // Without a record the name that is shown has to do, and only one that is metered is kept.
      addClaimant(of: session)
      let account = account(shown.name ?? "", at: session.since)
      session.payers.insert(account.number)
      guard account.isMetered, second(of: session).count == 1 else { return }
    }
    session.known = .ledger
    guard session.owner.isMetered || session.payers.count > 1 else { return }
    session.see(listing.at + programs.drift)
    session.tell(
      shown.counters, at: listing.at, now: clock + programs.drift, inLedger: true,
      isWhole: listing.isWhole)
  }

  /// Whether a listing shows anything that a session is known by: one without an address that has
  /// floated is known by being the only one of its second, in a whole listing.
  private func canBeFound(_ session: Session, in listing: Listing) -> Bool {
    let isWhereItWas = session.place.listed == session.place.atConnect
    return listing.isWhole || isWhereItWas || !session.tunnel.listed.isEmpty
  }

  /// A user who had to go is gone, or on the way.
  private func judge(_ listings: [Listing]) {
    let shown = listings.filter { $0.isJudged && !$0.dips }.flatMap { listing in
      listing.shown.map(\.session).filter { canBeFound($0, in: listing) }
    }
    for session in shown where session.isLive && session.goesAt == nil {
      guard session.known != .no, isSurely(session, of: session.owner) else { continue }
      if let bar = bar(on: session.owner) {
        fail("\(session) outlived a sweep, and its user \(bar)")
      }
    }
    for account in accounts where account.maxSessions > 0 && account.isMetered {
      let whole = listings.filter { $0.isJudged && $0.isWhole }.flatMap(\.shown).map(\.session)
      let staying = whole.filter {
        $0.isLive && $0.goesAt == nil && $0.known == .ledger && isSurely($0, of: account)
      }
      if staying.count > account.maxSessions {
        fail(
          "\(staying.count) sessions of \(account.name) outlived a sweep, and they may have "
            + "\(account.maxSessions)")
      }
    }
  }
}
