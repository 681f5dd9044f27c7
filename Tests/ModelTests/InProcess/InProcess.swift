import Foundation
import Gate
import Hooks
import Ledger
import Quota
import Sweep
import System
import TestSupport

@testable import Support

/// The real code of the programs without their processes: the hooks and the sweep are handed the
/// world's time, its servers and its variables.
final class InProcess: Programs {
  let database: String
  let drift: Int64 = 0
  let knowsBoots = true
  private let terms: HostTerms
  private let settings: Settings
  private let disk: FaultyDisk
  /// The last moment that was asked for: no two are the same.
  private var last = (uptime: Int64(0), nanoseconds: Int64(0))

  /// - Parameter template: a database to begin with, to save its making.
  init(_ terms: HostTerms, template: String) throws {
    disk = try FaultyDisk()
    database = disk.path + "/quota.db"
    self.terms = terms
    settings = terms.settings(database: database)
    try FileManager.default.copyItem(atPath: template, toPath: database)
    let ledger = try open(
      at: JournalMoment(realtime: terms.start * nanoseconds, boottime: 0, boot: 1))
    for user in terms.users {
      let terms = Terms(
        quota: user.quota, period: user.isDaily ? .day : nil, maxSessions: Int64(user.maxSessions),
        thenRate: user.isSlowed ? RateTerm(HostTerms.rate) : nil)
      _ = try ledger.users.add(UserName(user.name), terms, at: self.terms.start)
    }
    try publish(
      ledger, at: JournalMoment(realtime: terms.start * nanoseconds, boottime: 0, boot: 1))
  }

  /// Makes a database that every run can begin with.
  static func makeTemplate(in folder: TemporaryDirectory) throws -> String {
    let path = folder.path + "/quota.db"
    let ledger = try Ledger.open(path, for: .writing, rules: Rules(), zone: .utc)
    try ledger.maintenance.checkpoint()
    return path
  }

  func possible(_ fault: Fault) -> Fault { fault }

  private func open(at moment: JournalMoment) throws(LedgerError) -> Ledger {
    try Ledger.open(
      database, for: .writing, rules: terms.rules, zone: terms.zone, at: moment)
  }

  /// The world's time, as the kernel has it.
  private func moment(_ world: World) -> JournalMoment {
    if last.uptime != world.uptime { last = (world.uptime, 0) }
    last.nanoseconds += last.nanoseconds < 900_000_000 ? 17_000_003 : 1
    return JournalMoment(
      realtime: world.clock * nanoseconds + last.nanoseconds,
      boottime: world.uptime * nanoseconds + last.nanoseconds, boot: world.boot)
  }
}

// MARK: Hooks

extension InProcess {
  func connect(
    _ call: HookCall, in world: World, _ fault: Fault, script: Int32?, pause: () -> Void
  ) throws -> Bool {
    try run("quota-connect", call, "client-connect", world, fault, script, pause) == 0
  }

  func disconnect(_ call: HookCall, in world: World, _ fault: Fault, pause: () -> Void) throws {
    _ = try run("quota-disconnect", call, "client-disconnect", world, fault, nil, pause)
  }

  /// - Returns: the exit status; one of a signal where the hook is killed.
  private func run(
    _ program: String, _ call: HookCall, _ type: String, _ world: World, _ fault: Fault,
    _ script: Int32?, _ pause: () -> Void
  ) throws -> Int32 {
    if fault == .none, script == nil { pause() }
    if case .killed(let step) = fault, step % 2 == 0 { return 137 }
    let before = size(ofFile: journal) ?? 0
    let status = try without(fault) {
      hook(program, call, type, world, script, fault == .none ? pause : {})
    }
    if fault == .torn, let after = size(ofFile: journal), after > before {
      try JournalDamage.cut(journal, to: before + (after - before) / 2)
    }
    return fault.isKill ? 137 : status
  }

  private func hook(
    _ program: String, _ call: HookCall, _ type: String, _ world: World, _ script: Int32?,
    _ pause: () -> Void
  ) -> Int32 {
    var variables = call.variables(type)
    variables["DATABASE"] = database
    variables["ON_ERROR"] = terms.letsInUnseen ? "allow" : "reject"
    var arguments = [program, "--config", "/dev/null", "--server", call.server.name]
    if script != nil { arguments += ["--then", "script"] }
    return withoutActuallyEscaping(pause) { pause in
      Hook.run(
        HookRun(
          arguments: arguments.map { Array($0.utf8) },
          variable: { variables["\($0)"].map { Array($0.utf8) } }, now: { self.moment(world) },
          process: Int32(truncatingIfNeeded: last.nanoseconds),
          run: { _ in
            pause()
            return script ?? 0
          }, become: { _ in SystemError("run", "script", code: 2) }, say: { _ in },
          complain: { _ in }))
    }
  }

  private var journal: String { disk.path + "/journal" }

  /// Runs a body while a file that it needs has another name.
  private func without<Result>(_ fault: Fault, _ body: () throws -> Result) throws -> Result {
    let file: String? =
      switch fault {
      case .tableGone: disk.path + "/access"
      case .journalGone: journal
      case .none, .torn, .killed, .dies, .full: nil
      }
    guard let file else { return try body() }
    try System.rename(file, to: file + ".away")
    defer { try? System.rename(file + ".away", to: file) }
    return try body()
  }

  func cutJournal(_ chance: inout SeededRandom) throws { try JournalDamage.cut(journal, &chance) }

  func spoilJournal(_ chance: inout SeededRandom) throws {
    try JournalDamage.spoil(journal, &chance)
  }
}

// MARK: Sweeps and people

extension InProcess {
  func sweep(_ world: World, _ fault: Fault, pause: @escaping () -> Void) throws -> Bool {
    if case .dies(let call) = fault { disk.die(atCall: call) }
    if case .full(let write) = fault { disk.fill(atWrite: write) }
    defer { disk.recover() }
    do {
      let transport = WorldTransport(world, Life(fault, disk), { self.moment(world) }, pause: pause)
      var sweep = try Sweep(settings, log: .silent, environment: transport.environment)
      let summary = try sweep.run()
      for server in summary.servers where !server.errors.isEmpty {
        world.note("\(server.name): \(server.errors.joined(separator: "; "))")
      }
      for problem in summary.problems { world.note(problem) }
    } catch {
      if fault == .none { throw error }
    }
    return fault == .none
  }

  func administer(_ change: Change, in world: World) throws -> Bool {
    let ledger = try open(at: moment(world))
    let now = world.clock
    switch change {
    case .quota(let name, let bytes): try edit(name, ledger, now) { $0.quota = .set(bytes) }
    case .maxSessions(let name, let count):
      try edit(name, ledger, now) { $0.maxSessions = .set(Int64(count)) }
    case .slow(let name, let isSlowed):
      try edit(name, ledger, now) { $0.thenRate = .set(RateTerm(isSlowed ? HostTerms.rate : nil)) }
    case .expiry(let name, let time):
      try edit(name, ledger, now) { $0.lifetime = .set(time.map { .until($0) } ?? .unlimited) }
    case .enabled(let name, let isEnabled):
      _ = try ledger.users.setEnabled(isEnabled, UserName(name), at: now)
    case .grant(let name, let bytes, let isCarried):
      _ = try ledger.grants.give(bytes, to: UserName(name), isCarried: isCarried, note: "", at: now)
    case .reset(let name): _ = try ledger.users.reset(UserName(name), at: now)
    case .rename(let name, let newName):
      _ = try ledger.users.rename(UserName(name), to: UserName(newName), at: now)
    case .plan(let bytes):
      if try ledger.plans.named("basic") == nil {
        try ledger.plans.add("basic", Terms(quota: bytes), at: now)
      } else {
        var edit = TermsEdit()
        edit.quota = .set(bytes)
        _ = try ledger.plans.change("basic", edit, at: now)
      }
    case .follow(let name):
      try edit(name, ledger, now, plan: .set("basic")) { $0.quota = .follow }
    }
    try publish(ledger, at: moment(world))
    return true
  }

  private func edit(
    _ name: String, _ ledger: Ledger, _ time: Int64, plan: Edit<String> = .keep,
    _ change: (inout TermsEdit) -> Void
  ) throws {
    var edit = TermsEdit()
    change(&edit)
    _ = try ledger.users.change(UserName(name), edit, plan: plan, at: time)
  }

  private func publish(_ ledger: Ledger, at moment: JournalMoment) throws {
    let settings = AccessSettings(onError: settings.onError, identifyBy: settings.identifyBy)
    try ledger.accessTable.publish(settings, at: moment)
  }
}

let nanoseconds: Int64 = 1_000_000_000

/// Counts a program's steps to the one at which it is killed.
final class Life {
  private var left: Int?
  private let disk: FaultyDisk

  init(_ fault: Fault, _ disk: FaultyDisk) {
    if case .killed(let step) = fault { left = step }
    self.disk = disk
  }

  /// Whether it is dead.
  var isOver: Bool { left == 0 || disk.isDead }

  /// A step of the program. After the last one nothing that it does reaches the disk any more.
  func advance() {
    if left == 1 { disk.die(atCall: 1) }
    if let steps = left, steps > 0 { left = steps - 1 }
  }
}

extension Log {
  /// A log that nobody reads.
  static var silent: Log {
    Log(
      diagnostics: DiagnosticPrinter(
        program: "sweep", errors: StandardError(descriptor: -1, reader: .other)),
      path: "", level: .error)
  }
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
    settings.names = rules.names
    settings.fence = rules.fence
    settings.defaultQuota = rules.defaultQuota
    settings.monitorInterval = Int(rules.interval)
    settings.notifyAt = rules.notifyAt
    settings.notifyDaysLeft = Int(rules.notifyDaysLeft)
    settings.onError = letsInUnseen ? .allow : .reject
    return settings
  }
}
