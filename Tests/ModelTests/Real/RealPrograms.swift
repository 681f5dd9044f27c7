import Foundation
import System
import TestSupport

/// The real programs, each a process under a clock of its own, with environments as OpenVPN gives
/// them and management interfaces that the world answers on.
final class RealPrograms: Programs {
  let database: String
  // They start within the second that the clock was set to, and may end in a later one.
  let drift: Int64 = 10
  // The hooks read the kernel's own number.
  let knowsBoots = false
  private let folder: TemporaryDirectory
  private let clock: FakedClock
  private let config: String
  private var hasPlan = false

  init(_ terms: HostTerms) throws {
    folder = try TemporaryDirectory()
    clock = try FakedClock()
    database = folder.path + "/quota.db"
    let folder = folder
    let servers = terms.servers.indices.map { "s\($0)=unix:\(folder.path)/s\($0).sock" }
    config = try folder.write(
      """
      DATABASE=\(database)
      LOG_FILE=\(folder.path)/log
      MANAGEMENT=\(servers.joined(separator: " "))
      MANAGEMENT_TIMEOUT=5
      RETRY_ATTEMPTS=1
      MONITOR_INTERVAL=\(terms.rules.interval)
      TIME_ZONE=\(terms.zoneName)
      COUNT=\(terms.rules.count)
      NAMES=\(terms.rules.names)
      FENCE=\(terms.rules.fence ? "yes" : "no")
      UNKNOWN_USERS=\(terms.rules.unknownUsers)
      DEFAULT_QUOTA=\(terms.rules.defaultQuota)
      ON_ERROR=\(terms.letsInUnseen ? "allow" : "reject")

      """, to: "quota.conf")
    try pretendFence(beside: database)
    for user in terms.users {
      try admin(
        [
          "add", user.name, "--quota", user.quota == 0 ? "unlimited" : "\(user.quota)B",
          "--max-sessions", user.maxSessions == 0 ? "unlimited" : "\(user.maxSessions)",
        ] + (user.isDaily ? ["--period", "day"] : []) + (user.isSlowed ? ["--then", "1Mbit"] : []),
        at: terms.start)
    }
  }

  /// A database's disk cannot be broken from outside, nor a record be torn.
  func possible(_ fault: Fault) -> Fault {
    switch fault {
    case .torn: .killed(step: 1)
    case .full, .dies: .killed(step: 2)
    case .none, .tableGone, .journalGone, .killed: fault
    }
  }

  func connect(
    _ call: HookCall, in world: World, _ fault: Fault, script: Int32?, pause: () -> Void
  ) throws -> Bool {
    if fault == .none { pause() }
    let status = try run("quota-connect", call, "client-connect", world, fault, script)
    // Killed means: before OpenVPN heard of its answer.
    return status == 0 && !fault.isKill
  }

  func disconnect(_ call: HookCall, in world: World, _ fault: Fault, pause: () -> Void) throws {
    if fault == .none { pause() }
    _ = try run("quota-disconnect", call, "client-disconnect", world, fault, nil)
  }

  private func run(
    _ program: String, _ call: HookCall, _ type: String, _ world: World, _ fault: Fault,
    _ script: Int32?
  ) throws -> Int32 {
    try clock.set(to: world.clock)
    let gone: String? =
      switch fault {
      case .tableGone: "access"
      case .journalGone: "journal"
      case .none, .torn, .killed, .dies, .full: nil
      }
    let file = gone.map { folder.path + "/" + $0 }
    if let file { try System.rename(file, to: file + ".away") }
    defer { if let file { try? System.rename(file + ".away", to: file) } }
    var command = words(for: program, fault) + ["--server", call.server.name]
    if let script { command += ["--then", script == 0 ? "/bin/true" : "/bin/false"] }
    let outcome = try Program.run(
      command[0], Array(command.dropFirst()), environment: call.variables(type))
    if !outcome.errors.isEmpty { world.note(outcome.errors) }
    return outcome.status
  }

  /// The command line of a program that meets a fault.
  private func words(for program: String, _ fault: Fault) -> [String] {
    let plain = [clock.script, Program.path(program, in: Program.built), "--config", config]
    guard case .killed(let step) = fault else { return plain }
    return Strace.killing(atStep: step) + plain
  }

  func administer(_ change: Change, in world: World) throws -> Bool {
    let words: [String]
    switch change {
    case .quota(let name, let bytes):
      words = ["set", name, "--quota", bytes == 0 ? "unlimited" : "\(bytes)B"]
    case .maxSessions(let name, let count):
      words = ["set", name, "--max-sessions", count == 0 ? "unlimited" : "\(count)"]
    case .slow(let name, let isSlowed):
      words = ["set", name, "--then", isSlowed ? "1Mbit" : "cut"]
    // It takes days, and no seconds.
    case .expiry: return false
    case .enabled(let name, let isEnabled): words = [isEnabled ? "enable" : "disable", name]
    case .grant(let name, let bytes, let isCarried):
      words = ["grant", name, "\(bytes)B"] + (isCarried ? ["--carry"] : [])
    case .reset(let name): words = ["reset", name]
    case .rename(let name, let newName): words = ["rename", name, newName]
    case .plan(let bytes):
      words = ["plan", hasPlan ? "set" : "add", "basic", "--quota", "\(bytes)B"]
      hasPlan = true
    case .follow(let name): words = ["set", name, "--plan", "basic", "--follow", "quota"]
    }
    try admin(words, at: world.clock)
    return true
  }

  private func admin(_ words: [String], at time: Int64) throws {
    try clock.set(to: time)
    let program = Program.path("quota-admin", in: Program.built)
    let command = [clock.script, program] + words + ["--config", config]
    let outcome = try Program.run(
      command[0], Array(command.dropFirst()), environment: ["PATH": "/usr/bin:/bin"])
    guard outcome.status == 0 else { throw Failure(description: "\(words): \(outcome.errors)") }
  }

  func cutJournal(_ chance: inout SeededRandom) throws {
    try JournalDamage.cut(folder.path + "/journal", &chance)
  }

  func spoilJournal(_ chance: inout SeededRandom) throws {
    try JournalDamage.spoil(folder.path + "/journal", &chance)
  }

  private struct Failure: Error, CustomStringConvertible { let description: String }

  func sweep(_ world: World, _ fault: Fault, pause: @escaping () -> Void) throws -> Bool {
    try clock.set(to: world.clock)
    let places = try world.servers.filter(\.isFree).map { server in
      try ManagementPlace(server, at: "\(folder.path)/\(server.name).sock")
    }
    let command = words(for: "quota-sweep", fault)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: command[0])
    process.arguments = Array(command.dropFirst())
    process.environment = ["PATH": "/usr/bin:/bin"]
    let errors = try folder.write("", to: "sweep-errors")
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle(forWritingAtPath: errors)
    try process.runWithSignals()
    while process.isRunning {
      var readiness = places.map(\.readiness)
      guard unsafe poll(&readiness, nfds_t(readiness.count), 5) > 0 else { continue }
      for (place, ready) in zip(places, readiness) where ready.revents != 0 {
        place.proceed(in: world, pause: pause)
      }
    }
    process.waitUntilExit()
    if fault != .none { return false }
    // 69: a server was down or broke its listing off.
    if ![0, 69].contains(process.terminationStatus) {
      world.fail("quota-sweep ended with \(process.terminationStatus): \(try text(errors))")
    }
    return true
  }

  private func text(_ file: String) throws -> String {
    try String(contentsOfFile: file, encoding: .utf8)
  }
}

/// Kills a program at one of its system calls.
enum Strace {
  private static let calls = [
    "openat", "pwrite64", "pread64", "fcntl", "rename", "unlink", "fstat", "close", "read", "write",
    "flock", "mmap",
  ]

  /// The words before the command line of a program that is killed at a system call that a number
  /// chooses.
  static func killing(atStep step: Int) -> [String] {
    let call = calls[step % calls.count]
    return [
      "/usr/bin/strace", "-f", "-qq", "-o", "/dev/null", "-e",
      "inject=\(call):signal=SIGKILL:when=\(1 + step * 7 % 5)",
    ]
  }
}
