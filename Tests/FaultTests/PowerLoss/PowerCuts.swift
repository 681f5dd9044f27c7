import Foundation
import Gate
import Ledger
import Support
import System
import TestSupport
import Testing

/// Cuts the power before each thing that a host's disk did, and looks at what is found afterwards.
struct PowerCuts {
  private let journal: DiskJournal
  private var image: DiskImage
  private let moments: [Moment]
  private let server: SimulatedServer
  private let live: [String]
  private let hasAllHistory: Bool
  private let disk: FaultyDisk
  private let settings: Settings
  private var seen: Set<Found> = []
  private var chance: SeededRandom

  /// How often each way to lose some of it by chance is tried at each cut.
  private static let rounds = isThorough ? 12 : 1

  /// - Parameter hasAllHistory: see `LedgerProbe.faults(hasAllHistory:)`.
  init(of host: PoweredHost, hasAllHistory: Bool) throws {
    journal = host.disk.journal
    image = DiskImage(journal.base)
    moments = host.moments.moments
    server = host.server
    live = host.users
    self.hasAllHistory = hasAllHistory
    disk = try FaultyDisk()
    settings = PoweredHost.settings(folder: disk.path, host.server)
    chance = SeededRandom(seed: UInt64(journal.entries.count))
    try #require(moments.count == journal.entries.count + 1)
  }

  /// How many different states of the disk were looked at.
  var states: Int { seen.count }

  /// How many places there are to cut at.
  var places: Int { moments.count }

  mutating func run() throws {
    let chances = [DiskJournal.Survival.start, .some, .torn]
    for place in 0..<places {
      if place > 0 { image.take(journal.entries[place - 1]) }
      try look(at: place, .nothing)
      try look(at: place, .everything)
      for _ in 0..<PowerCuts.rounds {
        for surviving in chances { try look(at: place, surviving, journalByChance(at: place)) }
      }
    }
  }

  /// The journal with as much of it as got to the disk. No hook synchronizes it, and a length may be
  /// there before the bytes are.
  private mutating func journalByChance(at place: Int) -> [String: [UInt8]] {
    guard let now = moments[place].journal["journal"] else { return [:] }
    // A new journal is synchronized before anything else is done with it.
    let safe = moments.lazy.compactMap { $0.journal["journal"]?.count }.first ?? now.count
    let kept = Int.random(in: min(safe, now.count)...now.count, using: &chance)
    let length = Int.random(in: kept...now.count, using: &chance)
    var journal = moments[place].journal
    journal["journal"] =
      now.prefix(kept) + [UInt8](repeating: 0, count: length - kept)
    return journal
  }

  /// - Parameter journal: the journal as it is found; nil for as it was.
  private mutating func look(
    at place: Int, _ surviving: DiskJournal.Survival, _ journal: [String: [UInt8]]? = nil
  ) throws {
    let files = image.files(surviving: surviving, by: &chance)
    var moment = moments[place]
    moment.journal = journal ?? moment.journal
    let found = Found(files: files, moment: moment)
    guard seen.insert(found).inserted else { return }
    try disk.write(files)
    try write(moment.journal)
    let what = "cut at \(place) of \(places - 1), \(surviving) of what was not synchronized is left"
    do {
      try expectTruth(at: moment, isJournalWhole: journal == nil, "\(what)")
    } catch  where !(error is ExpectationFailedError) {
      throw Failure(description: "\(what): \(error)")
    }
  }

  /// What is found when the power is back.
  private struct Found: Hashable {
    let files: [String: [UInt8]]
    let moment: Moment
  }

  private func write(_ journal: [String: [UInt8]]) throws {
    for name in ["journal", "journal.old", "journal.new"] {
      let path = "\(disk.path)/\(name)"
      try? FileManager.default.removeItem(atPath: path)
      if let bytes = journal[name] { try Data(bytes).write(to: URL(fileURLWithPath: path)) }
    }
  }

  /// The database opens and is short by what moved since the last sweep at most; the next sweep
  /// brings it up to what its servers say.
  private func expectTruth(at moment: Moment, isJournalWhole: Bool, _ what: Comment) throws {
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
    // Of the sessions that ended, a record in the journal is as good as a server that knows.
    for user in live + (isJournalWhole ? Array(moment.ended) : []) {
      try #require(after[user] == end[user], "\(user), swept, \(what)")
    }
    for (user, used) in after {
      let range = (before[user] ?? 0)...(end[user] ?? 0)
      try #require(range.contains(used), "\(user), swept, \(what)")
    }
    guard isJournalWhole else { return }
    try #require(try PoweredHost.sweep(settings).bytesAdded == 0, "swept twice, \(what)")
    try expectEndOfAll(after, what)
  }

  /// A server of the next boot of the machine ends all sessions and adds nothing.
  private func expectEndOfAll(_ used: [String: Int64], _ what: Comment) throws {
    let ledger = try Ledger.open(
      settings.database, for: .writing, rules: settings.rules, zone: settings.zone)
    let report = ServerReport(
      server: "home", boot: 1, pid: 1, at: Clock.now, isComplete: true,
      position: ledger.journalEnd(), clients: ListedClients([]),
      names: { _ in fatalError("nobody is there") })
    let result = try ledger.reconcile(journal: ledger.stateDirectory(), [report], at: .now)
    try #require(result.closed == live.count, what)
    try #require(try probe.bytesUsed == used, what)
  }

  private var probe: LedgerProbe { LedgerProbe(settings.database) }
}
