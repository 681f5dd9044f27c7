import Quota
import TestSupport

@testable import Ledger
@testable import Sync

// What can happen to several hosts.

extension Fleet {
  /// One thing happens. All chance in it is the step's own, so that it makes sense as well where other
  /// steps are left out.
  func step(_ chance: inout SeededRandom) throws {
    if Bool.random(using: &chance) { try wait(Int64.random(in: 1...4, using: &chance)) }
    let host = hosts.randomElement(using: &chance) ?? hosts[0]
    switch Int.random(in: 0..<45, using: &chance) {
    case 0..<8: try connect(host, as: FleetTerms.names.randomElement(using: &chance) ?? "ann")
    case 8..<17: try move(host, &chance)
    case 17, 18:
      if let session = host.sessions.randomElement(using: &chance) {
        note("\(session.name) leaves \(host.name)")
        try end(session, on: host)
      }
    case 19..<26: try synchronize(host, cut(&chance))
    case 26..<32:
      guard let change = FleetChange.any(host.facts, &chance) else { break }
      try administer(host, change, cut(&chance))
    case 32, 33:
      host.isCutOff.toggle()
      note("\(host.name) is \(host.isCutOff ? "cut off" : "back")")
    case 34: try wait(Int64.random(in: 20...300, using: &chance))
    case 35: try wait(Int64.random(in: 300...5000, using: &chance))
    case 36: if terms.isDaily { try passMidnight(&chance) }
    case 37: try keepOrRestore(host)
    case 38: try runClone(of: host)
    case 39: try forget(host)
    case 40: try leaveAndJoin(host, &chance)
    case 41, 42: dumpCentre()
    case 43: try replace(host, &chance)
    default: try restoreCentre(&chance)
    }
    try check(host)
    checkBounds()
  }

  /// Three of four times nothing goes wrong.
  private func cut(_ chance: inout SeededRandom) -> Line.Cut? {
    let cut = Line.Cut(
      after: Int.random(in: 0...18, using: &chance), isCommitted: Bool.random(using: &chance))
    return Int.random(in: 0..<4, using: &chance) == 0 ? cut : nil
  }

  /// To some seconds before or after the next midnight, which comes to each host by its own clock.
  private func passMidnight(_ chance: inout SeededRandom) throws {
    let next = time - time % day + day
    try wait(next - time + Int64.random(in: -12...12, using: &chance))
    note("it is midnight")
  }

  // MARK: Copies of a disk

  private func keepOrRestore(_ host: FleetHost) throws {
    if let backup = host.backup { return restore(host, from: backup) }
    note("\(host.name) is backed up")
    try sweep(host)
    host.backup = FleetHost.Backup(
      folder: try host.copyDisk(), facts: host.facts, heard: host.heard,
      strangers: host.strangers, heardAt: host.heardAt,
      usage: people.mapValues { $0.usage[host.index] })
  }

  /// The machine begins anew from the backup. What it counted since is lost, but for what it told.
  private func restore(_ host: FleetHost, from backup: FleetHost.Backup) {
    note("\(host.name) is restored from its backup")
    count("restorations")
    for (number, person) in people {
      for (start, bytes) in person.usage[host.index] {
        let known = person.told[host.index][start] ?? Traffic()
        person.told[host.index][start] = known.greater(bytes)
      }
      person.usage[host.index] = backup.usage[number] ?? [:]
    }
    host.boot(from: backup.folder)
    host.backup = nil
    host.facts = backup.facts
    host.heard = backup.heard
    host.strangers = backup.strangers
    host.heardAt = backup.heardAt
    host.isRolledBack = true
  }

  /// A copy of a host's disk runs on another machine, or on the same one while the host is well. It is refused
  /// once the host has spoken.
  private func runClone(of host: FleetHost) throws {
    guard !host.isCutOff, !host.isRolledBack else { return }
    let disk = try host.copyDisk()
    try synchronize(host)
    guard host.heardAt == now(on: host) else { return }
    note("a clone of \(host.name) speaks")
    count("clones")
    let clone = try FleetHost(clone: host, on: disk)
    let before = centre.tables
    let sync = clone.sync(try clone.ledger(time), at: time) { [centre] in
      Line(to: centre, cut: nil, ahead: 0) { _ in }
    }
    do {
      try sync.run()
      fail("a clone of \(host.name) is not refused")
    } catch SyncError.copied {}
    if before.version != centre.tables.version { fail("a clone has changed facts") }
  }

  /// An administrator takes a host for dead. It is told again when it speaks.
  private func forget(_ host: FleetHost) throws {
    note("\(host.name) is forgotten")
    _ = centre.remove(host.name)
    host.isForgotten = true
    for host in hosts { host.bounds = [:] }
  }

  // MARK: Leaving

  /// A host that knows all leaves, goes on by itself for a while, and joins again.
  private func leaveAndJoin(_ host: FleetHost, _ chance: inout SeededRandom) throws {
    if host.isCutOff || host.isRolledBack { return }
    try synchronize(host)
    guard host.heardAt == now(on: host) else { return }
    let isAlone = Bool.random(using: &chance)
    note("\(host.name) leaves\(isAlone ? ", and the centre is told by another one" : "")")
    count("departures")
    for host in hosts { host.bounds = [:] }
    let hasLeft = try talk(host, isAlone ? nil : cut(&chance)) { try $0.leave(alone: isAlone) }
    host.isForgotten = true
    guard hasLeft else { return }
    if isAlone { _ = centre.remove(host.name) }
    host.heardAt = nil
    try wait(Int64.random(in: 1...100, using: &chance))
    try move(host, &chance)
    if let other = hosts.randomElement(using: &chance), other !== host { try synchronize(other) }
    try check(host)
    try join(host, cut(&chance))
  }

  /// The disk is lost. The administrator tells the centre, and the host joins with a new ledger.
  private func replace(_ host: FleetHost, _ chance: inout SeededRandom) throws {
    if host.isCutOff { return }
    note("\(host.name) has lost its disk")
    count("new disks")
    let nothing = FleetHost.Backup(
      folder: try FleetHost.newDisk(template), facts: Facts(), heard: Facts(), strangers: [:],
      heardAt: nil, usage: [:])
    restore(host, from: nothing)
    try forget(host)
    try join(host, cut(&chance))
    // In an older centre the administrator has to do so again.
    dump = nil
  }

  /// Once more where the connection is lost.
  private func join(_ host: FleetHost, _ cut: Line.Cut?) throws {
    note("\(host.name) joins\(cut.map { ", cut off after \($0)" } ?? "")")
    if try talk(host, cut, { _ = try $0.join(as: host.name) }) { return try noteHeard(host) }
    if try talk(host, nil, { _ = try $0.join(as: host.name) }) { return try noteHeard(host) }
    try synchronize(host)
  }

  // MARK: An older centre

  private func dumpCentre() {
    note("the centre is dumped")
    dump = (centre.tables, facts)
  }

  /// The centre is what it was when the dump was made, and is given back what hosts have heard since. What
  /// none of them had heard is lost. Nothing is changed before all have spoken: of two changes the later
  /// one would hold, and which that is is not for hosts to know. The one that knows most speaks first, before
  /// others tell of strangers whom it knows.
  private func restoreCentre(_ chance: inout SeededRandom) throws {
    guard let dump else { return dumpCentre() }
    note("the centre is restored from the dump")
    count("restorations of the centre")
    (centre.tables, facts) = dump
    for host in hosts {
      host.bounds = [:]
      host.isCutOff = false
    }
    try wait(100)
    if let host = hosts.max(by: { $0.heard.version < $1.heard.version }) { try synchronize(host) }
    for host in hosts.shuffled(using: &chance) {
      try synchronize(host, cut(&chance))
      try check(host)
    }
    for host in hosts { try synchronize(host) }
  }

  // MARK: The end

  /// All are there again, and speak until each has heard of each, and of those whom that ended.
  func windUp() throws {
    note("all partitions are over")
    for host in hosts { host.isCutOff = false }
    try wait(100)
    for _ in 0..<4 {
      for host in hosts { try synchronize(host) }
    }
    if failures.isEmpty { try checkAgreement() }
  }
}

extension Run {
  /// Lets it happen to several hosts.
  func playFleet(tellsStory: Bool = false, template: String) -> Result {
    var chance = SeededRandom(seed: ~seed)
    do {
      let fleet = try Fleet(FleetTerms(&chance), template: template, tellsStory: tellsStory)
      do {
        for seed in steps where fleet.failures.isEmpty {
          var chance = SeededRandom(seed: seed)
          try fleet.step(&chance)
        }
        if fleet.failures.isEmpty { try fleet.windUp() }
      } catch {
        fleet.fail("\(error)")
      }
      return Result(failures: fleet.failures, story: fleet.story, counts: fleet.counts)
    } catch {
      return Result(failures: ["\(error)"])
    }
  }
}
