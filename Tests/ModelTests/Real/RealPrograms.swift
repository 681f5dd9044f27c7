import Foundation
import Ledger
import System
import Quota
import SQLite
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
      UNKNOWN_USERS=\(terms.rules.unknownUsers)
      DEFAULT_QUOTA=\(terms.rules.defaultQuota)
      ON_ERROR=\(terms.letsInUnseen ? "allow" : "reject")

      """, to: "quota.conf")
    let ledger = try Ledger.open(database, for: .keeper, rules: terms.rules, zone: terms.zone)
    for user in terms.users {
      _ = try ledger.addUser(
        UserName(user.name), Terms(quota: user.quota, period: user.isDaily ? .day : nil),
        at: terms.start)
    }
  }

  /// The spool cannot be filled apart from all other disk.
  func possible(_ fault: Fault) -> Fault {
    switch fault {
    case .spoolFull, .full: .nowhere
    case .dies(let call): .killed(step: call)
    case .none, .locked, .gone, .nowhere, .killed: fault
    }
  }

  func connect(
    _ call: HookCall, in world: World, _ fault: Fault, pause: () -> Void
  ) throws -> Bool {
    pause()
    let outcome = try run("quota-connect", call.variables("client-connect"), world, fault)
    // Killed means: before OpenVPN heard of its answer.
    return outcome.status == 0 && !fault.isKill
  }

  func disconnect(
    _ call: HookCall, in world: World, _ fault: Fault, pause: () -> Void
  ) throws -> Told {
    pause()
    _ = try run("quota-disconnect", call.variables("client-disconnect"), world, fault)
    return fault == .nowhere || fault.isKill ? .nowhere : .spool
  }

  private func run(
    _ program: String, _ variables: [String: String], _ world: World, _ fault: Fault
  ) throws -> Outcome {
    try clock.set(to: world.clock)
    let isGone = fault == .gone || fault == .nowhere
    if isGone { try System.rename(database, to: database + ".away") }
    defer { if isGone { try? System.rename(database + ".away", to: database) } }
    let command = words(for: program, fault)
    let start = {
      try Program.run(command[0], Array(command.dropFirst()), environment: variables)
    }
    if fault != .locked { return try start() }
    let other = try Connection(database, busyTimeout: 0)
    try other.execute("BEGIN IMMEDIATE")
    defer { try? other.execute("ROLLBACK") }
    return try start()
  }

  /// The command line of a program that meets a fault.
  private func words(for program: String, _ fault: Fault) -> [String] {
    let plain = [clock.script, Program.built + "/" + program, "--config", config]
    switch fault {
    case .killed(let step): return Strace.killing(atStep: step) + plain
    case .nowhere: return ["/bin/sh", "-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"] + plain
    case .none, .locked, .gone, .spoolFull, .dies, .full: return plain
    }
  }

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

extension HookCall {
  /// The environment that OpenVPN gives the hook.
  func variables(_ script: String) -> [String: String] {
    let place = realAddress.split(separator: ":").map(String.init)
    var variables = [
      "script_type": script, "common_name": commonName, "daemon_pid": "\(pid)",
      "time_unix": "\(since)", "ifconfig_pool_remote_ip": address, "trusted_ip": place[0],
      "trusted_port": place[1], "config": "/etc/openvpn/server/\(server).conf",
    ]
    if script == "client-disconnect" {
      variables["time_duration"] = "\(duration)"
      variables["bytes_received"] = counters.map { "\($0.received)" }
      variables["bytes_sent"] = counters.map { "\($0.sent)" }
    }
    return variables
  }
}

extension HostTerms {
  /// The name of a zone with this offset all year round.
  var zoneName: String {
    switch offset {
    case 19_800: "Asia/Kolkata"
    case -10_800: "Etc/GMT+3"
    default: "UTC"
    }
  }
}
