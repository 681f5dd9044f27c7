import Support
import Foundation
import Ledger
import System
import TestSupport
import Testing

/// Cuts the power before each thing that a host's disk did, and looks at what is found afterwards.
struct PowerCuts {
  private let journal: DiskJournal
  private var platter: Platter
  private let moments: [Moment]
  private let server: SimulatedServer
  private let live: [String]
  private let hasAllHistory: Bool
  private let disk: FaultyDisk
  private let settings: Settings
  private var seen: Set<Found> = []
  private var chance: Chance

  /// How often each way to lose some of it by chance is tried at each cut.
  private static let rounds = isThorough ? 12 : 1

  /// - Parameter hasAllHistory: see `LedgerProbe.faults(hasAllHistory:)`.
  init(of host: PoweredHost, hasAllHistory: Bool) throws {
    journal = host.disk.journal
    platter = Platter(journal.base)
    moments = host.book.moments
    server = host.server
    live = host.users
    self.hasAllHistory = hasAllHistory
    disk = try FaultyDisk()
    settings = PoweredHost.settings(folder: disk.path, host.server)
    chance = Chance(seed: UInt64(journal.entries.count))
    try #require(moments.count == journal.entries.count + 1)
  }

  /// How many different states of the disk were looked at.
  var states: Int { seen.count }

  /// How many places there are to cut at.
  var places: Int { moments.count }

  mutating func run() throws {
    let chances = [DiskJournal.Survival.start, .some, .torn]
    for place in 0..<places {
      if place > 0 { platter.take(journal.entries[place - 1]) }
      try look(at: place, .nothing)
      try look(at: place, .everything)
      for _ in 0..<PowerCuts.rounds {
        for surviving in chances { try look(at: place, surviving, spoolByChance(at: place)) }
      }
    }
  }

  /// The spool with what names and contents got to the disk: nobody synchronizes it.
  private mutating func spoolByChance(at place: Int) -> [String: [UInt8]] {
    var spool: [String: [UInt8]] = [:]
    let earlier = moments[Int.random(in: 0...place, using: &chance)].spool
    let now = moments[place].spool
    for name in Set(earlier.keys).union(now.keys).sorted() {
      let found = Bool.random(using: &chance) ? now[name] : earlier[name]
      if let found { spool[name] = Int.random(in: 0..<8, using: &chance) == 0 ? [] : found }
    }
    return spool
  }

  /// - Parameter spool: the spool as it is found; nil for as it was.
  private mutating func look(
    at place: Int, _ surviving: DiskJournal.Survival, _ spool: [String: [UInt8]]? = nil
  ) throws {
    let files = platter.files(surviving: surviving, by: &chance)
    var moment = moments[place]
    moment.spool = spool ?? moment.spool
    let found = Found(files: files, moment: moment)
    guard seen.insert(found).inserted else { return }
    try disk.write(files)
    try write(moment.spool)
    let what = "cut at \(place) of \(places - 1), \(surviving) of what was not synchronized is left"
    do {
      try expectTruth(at: moment, withSpool: spool == nil, "\(what)")
    } catch  where !(error is ExpectationFailedError) {
      throw Failure(description: "\(what): \(error)")
    }
  }

  /// What is found when the power is back.
  private struct Found: Hashable {
    let files: [String: [UInt8]]
    let moment: Moment
  }

  private func write(_ spool: [String: [UInt8]]) throws {
    let folder = disk.path + "/spool"
    try? FileManager.default.removeItem(atPath: folder)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    for (name, bytes) in spool {
      try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
  }

  /// The database opens and is short by what moved since the last sweep at most; the next sweep
  /// brings it up to what its servers say.
  private func expectTruth(at moment: Moment, withSpool: Bool, _ what: Comment) throws {
    var before: [String: Int64] = [:]
    if !moment.swept.isEmpty {
      try #require(try probe.faults(hasAllHistory: hasAllHistory) == [], what)
      before = try probe.bytesUsed
      for (user, used) in before {
        let range = (moment.swept[user] ?? 0)...(moment.moved[user] ?? 0)
        try #require(range.contains(used), "\(user), \(what)")
      }
    }
    try #require(try PoweredHost.sweep(settings).everyServerDone, what)
    try #require(try probe.faults(hasAllHistory: hasAllHistory) == [], what)
    let after = try probe.bytesUsed
    let end = moments[moments.count - 1].moved
    // Of the sessions that ended, a record in the spool is as good as a server that knows.
    for user in live + (withSpool ? Array(moment.spooled) : []) {
      try #require(after[user] == end[user], "\(user), swept, \(what)")
    }
    for (user, used) in after {
      let range = (before[user] ?? 0)...(end[user] ?? 0)
      try #require(range.contains(used), "\(user), swept, \(what)")
    }
    guard withSpool else { return }
    try #require(try PoweredHost.sweep(settings).bytesAdded == 0, "swept twice, \(what)")
    try expectEndOfAll(after, what)
  }

  /// A server of the next boot of the machine ends all sessions and adds nothing.
  private func expectEndOfAll(_ used: [String: Int64], _ what: Comment) throws {
    let ledger = try Ledger.open(
      settings.database, for: .keeper, rules: settings.rules, zone: settings.zone)
    let nobody = ServerReport(
      server: "home", boot: 1, pid: 1, at: Clock.now, isComplete: true, previous: nil,
      sightings: Sightings(count: 0) { _ in fatalError("nobody is there") })
    let result = try ledger.reconcile(nobody, admissions: [])
    try #require(result.closed == live.count, what)
    try #require(try probe.bytesUsed == used, what)
  }

  private var probe: LedgerProbe { LedgerProbe(settings.database) }
}
