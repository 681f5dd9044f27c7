import Ledger
import Quota
import Support
import System

/// What this host and the centre do with each other. The ledger's transactions are short, and nothing in
/// them waits for the network.
package struct HostSync {
  let ledger: Ledger
  let settings: Settings
  /// See `PresentHost.machine`.
  private let machine: String
  /// Connects to the centre.
  private let connect: () throws -> SomeCentre
  /// This host's clock, in seconds since 1970 in UTC.
  let now: () -> Int64
  /// Is told what is not as it should be, though the work goes on, and what would help.
  let warn: (String, String?) -> Void

  /// - Parameter patience: how long one run may take.
  package init(
    _ ledger: Ledger, _ settings: Settings, machine: String, patience: Duration = Centre.patience,
    warn: @escaping (_ message: String, _ hint: String?) -> Void
  ) {
    self.init(
      ledger, settings, machine: machine, now: { Clock.now },
      connect: { try Centre(settings.sync, patience: patience) }, warn: warn)
  }

  package init(
    _ ledger: Ledger, _ settings: Settings, machine: String, now: @escaping () -> Int64,
    connect: @escaping () throws -> SomeCentre,
    warn: @escaping (_ message: String, _ hint: String?) -> Void
  ) {
    self.ledger = ledger
    self.settings = settings
    self.machine = machine
    self.now = now
    self.connect = connect
    self.warn = warn
  }

  /// What a run came to.
  package struct Outcome: Equatable, Sendable {
    /// Facts of this host's that were offered to the centre.
    package var offered = 0
    /// Facts that were taken in.
    package var facts = 0
    /// Rows of usage that were told.
    package var told = 0
    /// Users whose usage elsewhere was taken in.
    package var heard = 0
    /// Whether the ledger, or the centre, was an older one.
    package var wasRestored = false
  }

  /// Usage that is told at once.
  static let portion = 5000

  // MARK: The run

  /// Tells the centre what is new here, and takes in what is new there.
  ///
  /// - Throws: `SyncError`, `PostgresError`, `LedgerError` or `SQLiteError`; what was done until then holds.
  @discardableResult
  package func run() throws -> Outcome {
    _ = try membership()
    do {
      let centre = try open()
      defer { try? ledger.hosts.note(.retries, centre.retries) }
      let host = try present(to: centre)
      return try exchange(centre, host, wasRestored: wasRestored(centre, host))
    } catch {
      try? ledger.hosts.note(.failures, 1)
      throw error
    }
  }

  @discardableResult
  private func exchange(
    _ centre: borrowing SomeCentre, _ host: PresentHost, wasRestored: Bool
  ) throws -> Outcome {
    // The centre may have usage under its name, of another ledger.
    let isFirst = host.membership.heardAt == nil
    var outcome = Outcome()
    outcome.wasRestored = wasRestored
    if outcome.wasRestored {
      try ledger.hosts.startOver()
      warn("the ledger or the centre was restored from a backup", "all is told and heard anew")
    }
    // The versions before the facts: whose usage has a version up to one of these is known by then, and
    // what is told meanwhile is read twice and not left out.
    let hosts = try centre.hosts()
    // The sessions of a host that was forgotten, and is back, are over for the centre.
    var host = host
    host.isBack = hosts.contains { $0.host == host.membership.host && $0.hasLeft }
    if host.isBack { try ledger.hosts.startOver() }
    try giveBack(to: centre)
    let new = try ledger.hosts.newFacts()
    if !new.isEmpty { try centre.offer(new, isJoining: isFirst) }
    outcome.offered = new.count
    outcome.facts = try takeIn(centre)
    if isFirst || outcome.wasRestored {
      try takeOwnDays(centre, host)
      try ledger.hosts.takeOwn(centre.usage(of: host.membership.host), at: now())
    }
    outcome.told = try tell(centre, host, isRestored: outcome.wasRestored)
    outcome.heard = try hear(centre, of: hosts, as: host.membership.host)
    return outcome
  }

  /// Whether this ledger is an older one than the centre knows, or the centre an older one than this ledger
  /// knows: then it has another token of this host's, or none, or counted less far.
  private func wasRestored(_ centre: borrowing SomeCentre, _ host: PresentHost) throws -> Bool {
    let (membership, state) = (host.membership, try centre.state())
    switch try centre.standing(of: host) {
    case .known:
      try ledger.hosts.noteCentre(state.identity)
      return membership.centre == state.identity
        && (membership.factsSeen > state.version || membership.epoch > state.epoch)
    case .restored: return true
    case .unknown:
      // It joined after the dump was made that the centre is restored from.
      guard membership.heardAt != nil, membership.centre == state.identity else {
        throw SyncError.notJoined
      }
      try centre.add(host)
      return true
    }
  }

  /// Gives back to a restored centre what it lost.
  private func giveBack(to centre: borrowing SomeCentre) throws {
    guard try membership().factsSeen == 0 else { return }
    var facts = try ledger.hosts.heardFacts()
    // One whom it lost, and another host saw since then, has another uid there.
    let known = Set(facts.map(\.key))
    for namesake in try centre.namesakes(of: facts.filter { $0.uniqueName != nil })
    where !known.contains(namesake.other) {
      try ledger.hosts.rename(namesake.user, to: namesake.other, after: namesake.version)
    }
    facts = try ledger.hosts.heardFacts()
    if !facts.isEmpty { _ = try centre.restore(facts) }
  }

  /// Takes in the facts that are new in the centre.
  ///
  /// - Returns: how many.
  private func takeIn(_ centre: borrowing SomeCentre) throws -> Int {
    let state = try centre.state()
    if try membership().epoch != state.epoch { try ledger.hosts.readAnew() }
    let membership = try membership()
    guard state.version != membership.factsSeen else { return 0 }
    let facts = try centre.facts(
      above: membership.factsSeen, upTo: state.version, garbage: warnOfGarbage)
    for problem in try ledger.hosts.takeIn(facts, upTo: state.version, at: now()) {
      warn(problem, nil)
    }
    try ledger.hosts.noteEpoch(state.epoch)
    return facts.count
  }

  /// Tells what users used here, a portion at a time, and then what is left of days.
  ///
  /// - Parameter history: rows of days from before this host joined that are told at most, roughly.
  /// - Returns: how many rows of usage.
  private func tell(
    _ centre: borrowing SomeCentre, _ host: PresentHost, isRestored: Bool, history: Int = 100_000
  ) throws -> Int {
    var told = 0
    let today = Day(of: now(), in: settings.zone)
    try ledger.hosts.beginDays(with: today)
    while true {
      let own = try ledger.hosts.ownUsage(limit: HostSync.portion, at: now())
      let days = try ledger.hosts.days(with: own)
      let sound = own.filter(isSound)
        .sorted { ($0.user, $0.periodStart) < ($1.user, $1.periodStart) }
      try ledger.hosts.noteTelling(sound)
      try centre.push(sound, days.filter(isSound), of: host, isRestored: isRestored)
      try ledger.hosts.noteToken()
      // What is not sound is not looked at again before it changes.
      try ledger.hosts.notePushed(own)
      try ledger.hosts.noteTold(days)
      told += sound.count
      if own.count < HostSync.portion { break }
    }
    try tellDays(centre, host, on: today, history: history)
    return told
  }

  private func isSound(_ usage: OwnUsage) -> Bool {
    let isSound =
      usage.traffic.received >= 0 && usage.traffic.sent >= 0 && usage.sessions >= 0
      && !usage.user.isEmpty
    if !isSound {
      warn("usage of the user with the uid \(usage.user) makes no sense and is not told", nil)
    }
    return isSound
  }

  /// Takes in what users used elsewhere.
  ///
  /// - Returns: of how many.
  private func hear(
    _ centre: borrowing SomeCentre, of hosts: [KnownHost], as host: String
  ) throws -> Int {
    let membership = try membership()
    let others = hosts.filter { $0.host != host }
    var seen: [String: Int64] = [:]
    for other in others {
      // One whose row was deleted and made anew counts its versions from 0 again.
      let known = membership.usageSeen[other.host] ?? 0
      seen[other.host] = known > other.version ? 0 : known
    }
    let news = others.contains { $0.version > seen[$0.host] ?? 0 }
    let users = news ? try centre.users(changedSince: seen) : []
    let wanted = try ledger.hosts.wantedPeriods(
      of: users, isAnew: membership.usageSeen.isEmpty, at: now())
    if !wanted.isEmpty {
      let sums = try centre.usage(of: wanted, elsewhereThan: host, garbage: warnOfGarbage)
      try ledger.hosts.noteElsewhere(sums, at: now())
    }
    for other in others { seen[other.host] = other.version }
    try ledger.hosts.noteHeard(
      usageSeen: seen, hosts: Int64(hosts.count { !$0.hasLeft || $0.host == host }), at: now())
    return wanted.count
  }

  private func warnOfGarbage(_ what: String) {
    warn(
      "what the centre says makes no sense and is left out: \(what)",
      "who owns the tables can put it right")
  }

  // MARK: Joining and leaving

  /// What joining would do to this host's users.
  package struct Preview: Equatable, Sendable {
    /// Users of this host whose names the centre knows: their terms there will hold here.
    package var known = 0
    /// Users and plans that only this host has.
    package var users = 0
    package var plans = 0
    /// Facts that this host will get.
    package var facts = 0
  }

  /// Looks at what joining would do, and changes nothing.
  package func preview() throws -> Preview {
    let centre = try open()
    _ = try clockAhead(centre)
    let new = try ledger.hosts.newFacts()
    let users = new.filter { $0.kind == .user && !$0.isRemoved }
    var preview = Preview()
    preview.known = try centre.known(users.compactMap(\.uniqueName))
    preview.users = users.count - preview.known
    preview.plans = new.count { $0.kind == .plan }
    preview.facts = try centre.facts(
      above: 0, upTo: centre.state().version, garbage: warnOfGarbage
    ).count
    return preview
  }

  /// Makes this host one of the centre's, and has it speak for the first time.
  ///
  /// - Parameter name: what it is called there.
  /// - Throws: `SyncError.joined` where it has joined already.
  package func join(as name: String) throws -> Outcome {
    let centre = try open()
    let former = try ledger.hosts.membership()
    if former == nil {
      try ledger.hosts.join(as: name, id: randomDigits())
    }
    let host = try present(to: centre)
    // The program, or the connection, may have ended between the two.
    if former != nil, try !centre.hosts().contains(where: { $0.host == name && $0.hasLeft }),
      try centre.standing(of: host) != .unknown
    {
      throw SyncError.joined(as: host.membership.host)
    }
    // What another centre, or this one before it was restored, had of this host is not known here.
    if former != nil { try ledger.hosts.startOver() }
    try ledger.hosts.noteCentre(centre.state().identity)
    do { try centre.add(host) } catch {
      // Where the answer was lost it may well have joined.
      let isLost = (error as? PostgresError)?.isUndecided ?? false
      if former == nil, !isLost { try ledger.hosts.leave() }
      throw error
    }
    return try exchange(centre, host, wasRestored: wasRestored(centre, host))
  }

  /// Makes this host one by itself again.
  ///
  /// - Parameter isAlone: whether the centre is not told.
  package func leave(alone isAlone: Bool) throws {
    let host = try membership().host
    if !isAlone {
      let centre = try open()
      _ = try tell(centre, present(to: centre), isRestored: false, history: .max)
      _ = try centre.remove(host)
    }
    try ledger.hosts.leave()
  }

  // MARK: Changes

  /// Changes facts in the centre, all of them or none, and then takes them in here.
  ///
  /// - Parameter changed: is called once the centre has them; what fails after that is warned of.
  /// - Throws: what kept the centre from changing them; nothing was changed then, but for
  ///   `SyncError.unknownCommit`.
  package func change(_ facts: [SharedFact], changed: () throws -> Void = {}) throws {
    _ = try membership()
    let centre = try open()
    var host = try present(to: centre)
    if try wasRestored(centre, host) {
      // First what it lost, with the versions that these facts change.
      try exchange(centre, host, wasRestored: true)
      host = try present(to: centre)
    }
    let another = try commit(facts, by: host, to: centre)
    do {
      try changed()
      try ledger.hosts.noteToken()
      if let another { _ = try takeIn(another) } else { _ = try takeIn(centre) }
    } catch {
      let reason = (error as? any UserFacingError)?.message ?? "\(error)"
      warn("it is changed, and this host does not know of it yet: \(reason)", nil)
    }
  }

  /// Changes facts. Where the connection is lost the centre is asked before it is done again.
  ///
  /// - Returns: the other connection that was made for that.
  private func commit(
    _ facts: [SharedFact], by host: PresentHost, to centre: borrowing SomeCentre
  ) throws -> SomeCentre? {
    do {
      try centre.change(facts, by: host)
      return nil
    } catch SyncError.unknownCommit(let lost) {
      func asking<Result: ~Copyable>(_ body: () throws -> Result) throws(SyncError) -> Result {
        do { return try body() } catch { throw .unknownCommit(lost) }
      }
      let another = try asking { try open() }
      let isChanged = try asking { try another.token(of: host) == host.membership.token }
      if !isChanged { try another.change(facts, by: host) }
      return another
    }
  }

  // MARK: Agreement

  private func membership() throws -> Membership {
    guard let membership = try ledger.hosts.membership() else {
      throw settings.sync.isEmpty ? SyncError.noSetting : SyncError.notJoined
    }
    return membership
  }

  /// This host, with a token that is committed here before the centre is told.
  private func present(to centre: borrowing SomeCentre) throws -> PresentHost {
    let clockAhead = try clockAhead(centre)
    guard let membership = try ledger.hosts.drawToken() else { throw SyncError.notJoined }
    return PresentHost(
      membership, machine: machine, interval: Int64(settings.syncInterval), clockAhead: clockAhead)
  }

  /// Connects, and makes sure that this host may take part.
  private func open() throws -> SomeCentre {
    let centre = try connect()
    let (rules, here) = (try centre.rules(), try settings.commonRules())
    guard rules.names == here.names else {
      throw SyncError.names(here: here.names, centre: rules.names)
    }
    guard Zone.isReadable(rules.zone),
      settings.zone.isSame(as: rules.zone, named: here.zone, from: now())
    else {
      throw SyncError.zone(here: here.zone, centre: rules.zone)
    }
    return centre
  }

  /// How far this host's clock is ahead, with a warning where that matters.
  private func clockAhead(_ centre: borrowing SomeCentre) throws -> Int64 {
    let ahead = try centre.clockAhead()
    if abs(ahead) > 5 {
      warn(
        "the clock of this host is \(abs(ahead)) s \(ahead > 0 ? "ahead of" : "behind") the centre's",
        "periods begin and end by it; let both go by NTP")
    }
    return ahead
  }
}

extension Settings {
  /// What all hosts have to agree on, as this one has it.
  package func commonRules() throws(SyncError) -> CommonRules {
    let name = timeZone.isEmpty ? Zone.nameOfSystem : timeZone
    guard let name else { throw .namelessZone }
    return CommonRules(zone: name, names: names == .fold ? "fold" : "exact")
  }
}

extension Zone {
  /// What `/etc/localtime` is a link to, below the directory of zone files.
  fileprivate static var nameOfSystem: String? {
    guard let path = try? canonicalPath(of: "/etc/localtime") else { return nil }
    return path.firstRange(of: "/zoneinfo/").map { String(path[$0.upperBound...]) }
  }

  /// Whether days begin at the same moments as in another zone, this year and the next.
  ///
  /// - Parameters:
  ///   - other: the other zone's name.
  ///   - name: this one's.
  ///   - start: the present moment.
  fileprivate func isSame(as other: String, named name: String, from start: Int64) -> Bool {
    if other == name { return true }
    let there = Zone.system(named: other)
    // By days, so that the change to summer time is on the same one.
    return (0..<730).allSatisfy { day in
      let time = start + Int64(day) * 86_400
      return offset(time) == there.offset(time)
    }
  }
}
