import Foundation
import Gate
import Quota
import Support
import System
import TestSupport

@testable import Ledger
@testable import Sync

/// A client on a host.
final class FleetSession {
  var person: Person
  let name: String
  let since: Int64
  /// What tells it from others of one second.
  let mark: UInt64
  var counters = Traffic()
  /// As much of that as the host has counted.
  var counted = Traffic()

  init(_ person: Person, as name: String, since: Int64, mark: UInt64) {
    self.person = person
    self.name = name
    self.since = since
    self.mark = mark
  }

  var address: String { "10.8.\(mark / 250).\(mark % 250 + 2)" }
  var port: Int { 1000 + Int(mark) }
}

/// One of several hosts: its real ledger, its real `HostSync`, and beside them what it has to know.
final class FleetHost {
  let index: Int
  let name: String
  private let machine: String
  /// Seconds that its clock is ahead.
  let ahead: Int64
  private var folder: TemporaryDirectory
  private(set) var settings = Settings()
  /// What it knows of the facts.
  var facts = Facts()
  /// What the centre told it of them, but for what is still to come: that it can give back.
  var heard = Facts()
  /// Those that it has seen and nobody told it of, by their names.
  var strangers: [String: Person] = [:]
  var sessions: [FleetSession] = []
  /// Whether the centre cannot be reached.
  var isCutOff = false
  /// Whether its ledger is an older one, and the centre has not said yet what it told since.
  var isRolledBack = false
  /// Whether it was taken for dead since it spoke last.
  var isForgotten = false
  /// When it last heard all, by its own clock.
  var heardAt: Int64?
  /// How far a user may go beyond the quota, as `show` had it then.
  var bounds: [Int: (version: Int, start: Int64, known: Int64, beyond: Int64)] = [:]
  /// Copies of the machine's disk.
  var backup: Backup?
  private var boot: Int64 = 7
  private var warnings: [String] = []

  struct Backup {
    let folder: TemporaryDirectory
    let facts: Facts
    let heard: Facts
    let strangers: [String: Person]
    let heardAt: Int64?
    /// What it had counted, by the numbers of users.
    let usage: [Int: [Int64: Traffic]]
  }

  init(_ index: Int, ahead: Int64, template: String, staleness: Staleness, defaultQuota: Int64)
    throws
  {
    self.index = index
    self.ahead = ahead
    name = "host\(index)"
    machine = "machine of \(name)"
    folder = try FleetHost.newDisk(template)
    settings.timeZone = "Etc/UTC"
    settings.sync = "the model"
    settings.syncInterval = 15
    settings.syncStale = staleness
    settings.defaultQuota = defaultQuota
    settings.notifyAt = []
    settings.database = database
  }

  /// A copy of another one's disk, on another machine.
  init(clone host: FleetHost, on disk: TemporaryDirectory) throws {
    index = host.index
    ahead = host.ahead
    name = host.name
    machine = "another machine"
    folder = disk
    settings = host.settings
    settings.database = database
  }

  private var database: String { folder.path + "/quota.db" }

  // MARK: The ledger

  func moment(_ time: Int64) -> JournalMoment {
    JournalMoment(
      realtime: (time + ahead) * 1_000_000_000,
      boottime: (time - FleetTerms.start + 10_000) * 1_000_000_000,
      boot: boot)
  }

  /// Opens the ledger as programs do.
  func ledger(_ time: Int64) throws -> Ledger {
    let ledger = try Ledger.open(
      settings.database, for: .writing, rules: settings.rules, zone: .utc, at: moment(time))
    try ledger.database.execute("PRAGMA synchronous = OFF")
    return ledger
  }

  func sync(_ ledger: Ledger, at time: Int64, _ connect: @escaping () throws -> Line) -> HostSync {
    HostSync(
      ledger, settings, machine: machine, now: { [ahead] in time + ahead },
      connect: { try connect() }, warn: { message, _ in self.warnings.append(message) })
  }

  /// What was warned of since the last time.
  func takeWarnings() -> [String] {
    defer { warnings = [] }
    return warnings
  }

  // MARK: Clients

  func begin(_ session: FleetSession, at time: Int64) throws {
    sessions.append(session)
    try append(.in, session, at: time)
  }

  func end(_ session: FleetSession, at time: Int64) throws {
    sessions.removeAll { $0 === session }
    try append(.end, session, at: time)
  }

  private func append(
    _ kind: JournalRecord.Kind, _ session: FleetSession, at time: Int64
  ) throws {
    let now = moment(time)
    let isEnd = kind == .end
    try Journal.append(
      JournalRecord(
        kind: kind, mark: session.mark * 2 + (isEnd ? 1 : 0), boot: boot, serverStart: 5,
        server: Array("server".utf8), pid: 100, connectedSince: session.since,
        realtime: now.realtime, boottime: now.boottime, ipv4: Array(session.address.utf8),
        clientHost: Array("192.0.2.1".utf8), clientPort: Array("\(session.port)".utf8),
        commonName: Array(session.name.utf8), owner: Array(session.name.utf8),
        received: isEnd ? session.counters.received : nil,
        sent: isEnd ? session.counters.sent : nil,
        duration: isEnd ? time + ahead - session.since : nil), in: Directory(folder.path))
  }

  /// Takes in a listing of all clients, as a sweep does.
  ///
  /// - Returns: those that have to go.
  func sweep(_ ledger: Ledger, at time: Int64) throws -> [FleetSession] {
    let shown = sessions
    let clients = shown.map { session in
      ListedClient(
        since: session.since,
        endpoints: Endpoints(
          real: RealAddress(listed: Array("192.0.2.1:\(session.port)".utf8)[...]),
          virtual: NetworkAddress(text: Array(session.address.utf8))),
        counters: session.counters, isSession: true)
    }
    let names = shown.map { UserName($0.name) }
    let report = ServerReport(
      server: "server", boot: boot, pid: 100, at: time + ahead, isComplete: true, position: .max,
      clients: ListedClients(clients)
    ) { .init(commonName: names[$0], owner: names[$0]) }
    let result = try ledger.reconcile(
      journal: Directory(folder.path), [report], at: moment(time))
    let violations = try ledger.sessions.violations(
      among: result.listings[0].live, of: report, at: time + ahead)
    return violations.map { shown[$0.session.row] }
  }

  // MARK: Copies

  func copyDisk() throws -> TemporaryDirectory {
    let copy = try TemporaryDirectory()
    for file in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
      try FileManager.default.copyItem(
        atPath: "\(folder.path)/\(file)", toPath: "\(copy.path)/\(file)")
    }
    return copy
  }

  static func newDisk(_ template: String) throws -> TemporaryDirectory {
    let disk = try TemporaryDirectory()
    try FileManager.default.copyItem(atPath: template, toPath: disk.path + "/quota.db")
    return disk
  }

  /// Has a copy for its disk, and begins anew.
  func boot(from copy: TemporaryDirectory) {
    folder = copy
    settings.database = database
    boot += 1
    sessions = []
  }
}
