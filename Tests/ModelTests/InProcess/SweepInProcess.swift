import Ledger
import OpenVPN
import Quota

@testable import Sweep

/// What `Sweep`, `Reconciler` and `Enforcer` in Sources/Sweep do, with the world in the place of the
/// management interfaces.
struct SweepInProcess {
  private let programs: InProcess
  private let world: World
  private var life: Life
  private let spool: Spool
  private let note: SweepNote?
  private var reports: [(report: ServerReport, live: [LiveSession], server: Server)] = []

  /// Seconds after its kill in which a session may still be listed.
  private static let grace: Int64 = 10

  init(_ programs: InProcess, _ world: World, _ life: Life) {
    self.programs = programs
    self.world = world
    self.life = life
    spool = programs.spool
    note = spool.sweepNote
  }

  mutating func run(_ pause: () -> Void) throws {
    try life.step()
    let ledger = try programs.open(for: .keeper)
    let now = world.clock
    if note.map({ $0.isOfAnotherDay(than: now, in: programs.zone) }) ?? true {
      try ledger.rollOver(at: now)
    }
    for server in world.servers {
      observe(server)
      pause()
      try life.step()
    }
    try reconcile(ledger, pause)
    try enforce(ledger)
    spool.removeOldDrafts(at: world.clock)
    try spool.leave(SweepNote(at: world.clock, listed: listed))
    try life.step()
    try ledger.checkpoint()
  }

  private mutating func observe(_ server: Server) {
    let at = world.clock
    guard let text = world.listing(of: server)?.text else { return }
    let listing = StatusListing(parsing: Array("\(text)SUCCESS: pid=\(server.pid)\r\n".utf8))
    let rows = listing.rows
    let sessions = rows.indices.filter { rows[$0].isSession }
    let names = NameReader(identifyBy: .commonName, config: nil)
    let report = ServerReport(
      server: server.name, boot: world.boot, pid: listing.pid ?? 0, at: at,
      isComplete: listing.isComplete, previous: note?.listed[server.name],
      sightings: Sightings(count: sessions.count) { names.sighting(rows[sessions[$0]]) })
    reports.append((report, [], server))
  }

  private mutating func reconcile(_ ledger: Ledger, _ pause: () -> Void) throws {
    let contents = try spool.readAll()
    pause()
    if life.isEnding {
      // Killed behind the commit, before a record is removed.
      let blind = Spool(besideDatabase: programs.database, isRehearsal: true)
      _ = try ledger.takeIn(contents, of: blind, at: world.clock)
    }
    try life.step()
    _ = try ledger.takeIn(contents, of: spool, at: world.clock)
    var spent: [Admission] = []
    for index in reports.indices {
      pause()
      try life.step()
      let result = try ledger.reconcile(
        reports[index].report, admissions: contents.admissions.map(\.admission))
      reports[index].live = result.live
      spent += result.spent
    }
    try life.step()
    _ = try ledger.release(
      contents, spent: spent, reports: reports.map(\.report), of: spool, at: world.clock)
    pause()
  }

  private mutating func enforce(_ ledger: Ledger) throws {
    for (report, live, server) in reports {
      let violations = try ledger.violations(
        among: live, of: report, listed: listed, at: world.clock)
      try life.step()
      var kills: [(session: SessionIdentity, owner: UserName, reason: Reason)] = []
      for violation in violations where !isGoing(violation.session) {
        let identity = report.identity(of: report.sightings[violation.session.sighting])
        let target = server.live.first { session in
          session.boot == identity.boot && session.pid == identity.pid
            && session.since == identity.connectedSince && session.address == identity.address
        }
        if world.disconnect(target) { kills.append((identity, violation.owner, violation.reason)) }
      }
      try life.step()
      try ledger.recordKills(kills, at: world.clock)
    }
  }

  private func isGoing(_ session: LiveSession) -> Bool {
    session.killedAt.map { (0..<SweepInProcess.grace).contains(world.clock - $0) } ?? false
  }

  private var listed: [String: Int64] {
    let whole = reports.map(\.report).filter(\.isComplete)
    return (note?.listed ?? [:]).merging(whole.map { ($0.server, $0.at) }) { max($0, $1) }
  }
}
