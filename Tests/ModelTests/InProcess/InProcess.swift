import Foundation
import Ledger
import System
import Quota
import SQLite
import Sweep
import TestSupport

@testable import Support

/// The programs without their processes: the same calls on `Ledger` and `Spool` as the hooks and the
/// sweep make, with time and surroundings as values.
final class InProcess: Programs {
  let database: String
  let rules: Rules
  let zone: Zone
  let letsInUnseen: Bool
  let drift: Int64 = 0
  let knowsBoots = true
  private let settings: Settings
  private let disk: FaultyDisk

  /// - Parameter template: a database to begin with, to save its making.
  init(_ terms: HostTerms, template: String) throws {
    disk = try FaultyDisk()
    database = disk.path + "/quota.db"
    rules = terms.rules
    zone = terms.zone
    letsInUnseen = terms.letsInUnseen
    settings = terms.settings(database: database)
    try FileManager.default.copyItem(atPath: template, toPath: database)
    let ledger = try open(for: .keeper)
    for user in terms.users {
      _ = try ledger.addUser(
        UserName(user.name), Terms(quota: user.quota, period: user.isDaily ? .day : nil),
        at: terms.start)
    }
  }

  /// Makes a database that every run can begin with.
  static func makeTemplate(in folder: TemporaryDirectory) throws -> String {
    let path = folder.path + "/quota.db"
    let ledger = try Ledger.open(path, for: .keeper, rules: Rules(), zone: .utc)
    try ledger.checkpoint()
    return path
  }

  func possible(_ fault: Fault) -> Fault { fault }

  var spool: Spool { Spool(besideDatabase: database) }

  func open(for opener: Ledger.Opener) throws(LedgerError) -> Ledger {
    try Ledger.open(database, for: opener, rules: rules, zone: zone)
  }

  func connect(
    _ call: HookCall, in world: World, _ fault: Fault, pause: () -> Void
  ) throws -> Bool {
    let life = Life(fault, disk)
    do {
      return try with(fault, leaving: ["admitted", "refused"], call) {
        try answer(call, world, life, pause)
      }
    } catch is Killed { return false }
  }

  func disconnect(
    _ call: HookCall, in world: World, _ fault: Fault, pause: () -> Void
  ) throws -> Told {
    let life = Life(fault, disk)
    do {
      return try with(fault, leaving: ["closed"], call) { try close(call, world, life, pause) }
    } catch is Killed { return .nowhere }
  }

  func sweep(_ world: World, _ fault: Fault, pause: @escaping () -> Void) throws -> Bool {
    do {
      try with(fault, leaving: [], nil) {
        let transport = WorldTransport(world, Life(fault, disk), pause: pause)
        var sweep = try Sweep(settings, log: .silent, environment: transport.environment)
        _ = try sweep.run()
      }
    } catch {
      if fault == .none { throw error }
    }
    return fault == .none
  }

  /// Lets something go wrong while a body runs.
  private func with<Result>(
    _ fault: Fault, leaving kinds: [String], _ call: HookCall?, _ body: () throws -> Result
  ) throws -> Result {
    if case .dies(let call) = fault { disk.die(atCall: call) }
    if case .full(let write) = fault { disk.fill(atWrite: write) }
    defer { disk.recover() }
    let isGone = fault == .gone || fault == .nowhere
    let isFull = fault == .spoolFull || fault == .nowhere
    // A draft cannot be made where a directory has its name.
    let drafts =
      isFull ? kinds.map { "\(spool.path)/.\(getpid())-\($0)-\(call?.fileNameEnd ?? "")" } : []
    for draft in drafts { try makeDirectory(draft, mode: 0o700) }
    defer { for draft in drafts { _ = unsafe rmdir(draft) } }
    if isGone { try System.rename(database, to: database + ".away") }
    defer { if isGone { try? System.rename(database + ".away", to: database) } }
    if fault != .locked { return try body() }
    let other = try Connection(database, busyTimeout: 0)
    try other.execute("BEGIN IMMEDIATE")
    defer { try? other.execute("ROLLBACK") }
    return try body()
  }
}

/// A program is killed.
struct Killed: Error {}

/// Counts a program's steps to the one at which it is killed.
final class Life {
  private var left: Int?
  private let disk: FaultyDisk
  private let isDoomed: Bool

  init(_ fault: Fault, _ disk: FaultyDisk) {
    if case .killed(let step) = fault { left = step }
    self.disk = disk
    isDoomed = fault.isKill
  }

  /// Whether it is dead.
  var isOver: Bool { left == 0 || disk.isDead }

  /// A step of a program that finds out by itself: nothing that it does reaches the disk any more.
  func advance() {
    if left == 1 { disk.die(atCall: 1) }
    if let steps = left, steps > 0 { left = steps - 1 }
  }

  /// A step of one that does not.
  func step() throws {
    if isOver { throw Killed() }
    left = left.map { $0 - 1 }
  }

  /// The end of the program: whoever was not killed yet is now.
  func end() throws { if isDoomed { throw Killed() } }
}

extension Log {
  /// A log that nobody reads.
  static var silent: Log {
    Log(
      voice: Voice(
        program: "sweep", errors: StandardError(descriptor: -1, reader: .other)), path: "",
      level: .error)
  }
}

extension HookCall {
  var identity: SessionIdentity {
    SessionIdentity(boot: boot, pid: pid, connectedSince: since, address: address)
  }

  var fileNameEnd: String { "\(pid)-\(since)-\(address)" }
}

extension HostTerms {
  /// The operator's settings. There is one try a server, as time stands still while one waits.
  func settings(database: String) -> Settings {
    var settings = Settings()
    settings.database = database
    settings.logFile = ""
    settings.management = servers.indices.map { "s\($0)=unix:/s\($0)" }.joined(separator: " ")
    settings.retryAttempts = 1
    settings.timeZone = zoneName
    settings.count = rules.count
    settings.unknownUsers = rules.unknownUsers
    settings.defaultQuota = rules.defaultQuota
    settings.monitorInterval = Int(rules.interval)
    settings.notifyAt = rules.notifyAt
    settings.notifyDaysLeft = Int(rules.notifyDaysLeft)
    return settings
  }

  var zone: Zone {
    let offset = offset
    return Zone { _ in offset }
  }
}
