import Foundation
import Gate
import System
import TestSupport
import Testing

/// Kills a program at its system calls, one run a call, and looks at what it leaves: the ledger is
/// sound, and what runs next brings it to what it would be had nobody killed anything.
struct Torture {
  private let situation: TortureCase
  private let host: TorturedHost
  private let strace: SystemCalls
  private let usedBefore: [String: Int64]
  private let heldBefore: [String]
  private let undisturbed: (text: [String], held: [String], used: [String: Int64])
  /// The calls of a run that nobody disturbs.
  let calls: [SystemCalls.Call]

  /// Of the calls that change nothing, one in so many is tried.
  private static let stride = 12
  /// Of locks and of writes to a database there are many: after so many one in four is tried.
  private static let enough = 12
  /// A program that makes no more calls than this is killed at each: the hooks make some twenty.
  private static let few = 40

  init(_ situation: TortureCase) throws {
    self.situation = situation
    host = try TorturedHost(hasKernel: situation.isInKernel)
    strace = try SystemCalls()
    try situation.prepare(host)
    usedBefore = (try? host.probe.bytesUsed) ?? [:]
    heldBefore = try host.kernel?.text() ?? []
    try host.keep()
    let (calls, outcome) = try strace.calls(
      of: Program.path(situation.program), Torture.arguments(of: situation, host),
      environment: host.environment(situation.environment(host)), through: host.wrapper)
    try #require(outcome.status == situation.status, "\(outcome.errors)")
    self.calls = calls
    if !situation.isInKernel { try host.sweep() }
    undisturbed = (try host.text(), try host.kernel?.text() ?? [], try host.probe.bytesUsed)
    try #require(try host.probe.faults(hasAllHistory: situation.hasAllHistory) == [])
  }

  private static func arguments(of situation: TortureCase, _ host: TorturedHost) -> [String] {
    situation.arguments.map { $0.replacingOccurrences(of: "FOLDER", with: host.folder) }
  }

  /// The calls to kill it at: those that change something, and others by chance, or all.
  func choice() -> [SystemCalls.Call] {
    var chance = SeededRandom(seed: UInt64(calls.count))
    return calls.filter { call in
      let isOneOfMany = ["fcntl", "pwrite64"].contains(call.name) && call.number > Torture.enough
      let stride = !call.changesSomething ? Torture.stride : isOneOfMany ? 4 : 1
      return Int.random(in: 0..<stride, using: &chance) == 0 || isThorough
        || calls.count <= Torture.few
    }
  }

  /// - Returns: whether the call came.
  func kill(at call: SystemCalls.Call) throws -> Bool {
    try host.putBack()
    let journalBefore = host.journalSize
    let outcome = try strace.run(
      Program.path(situation.program), Torture.arguments(of: situation, host),
      environment: host.environment(situation.environment(host)), through: host.wrapper,
      killedAt: call)
    guard outcome.status == 128 + SIGKILL else { return false }
    try host.kernel?.settle()
    let what: Comment = "\(situation.testDescription), killed at \(call)"
    try expectSound("\(what)")
    // OpenVPN runs no hook twice: until the test does, the sweep has to make do.
    if !situation.environment(host).isEmpty {
      try host.sweep()
      try expectSound("\(what), swept")
    }
    // All that a hook does is one record. Where it is there, nothing is left to do.
    let isHook = !situation.environment(host).isEmpty
    if !isHook || host.journalSize == journalBefore { try runAgain() }
    // The fence has nothing to do with sessions, and a sweep in between may end one once more.
    if !situation.isInKernel { try host.sweep() }
    try expectSound("\(what), run again and swept")
    let text = try host.text()
    try #require(text == undisturbed.text, what)
    return true
  }

  private func runAgain() throws {
    let command =
      host.wrapper + [Program.path(situation.program)] + Torture.arguments(of: situation, host)
    let outcome = try Program.run(
      command[0], Array(command.dropFirst()),
      environment: host.environment(situation.environment(host)))
    guard outcome.status == situation.status || outcome.status == situation.statusAgain else {
      throw Failure(description: "run again it ends with \(outcome.status): \(outcome.errors)")
    }
  }

  /// The ledger is sound, every record of the journal is whole, the kernel has all that it was to be told
  /// or nothing of it, and no user has used less than before or more than they did.
  private func expectSound(_ what: Comment) throws {
    guard FileManager.default.fileExists(atPath: host.database) else { return }
    try #require(try damagedLines() == 0, what)
    let held = try host.kernel?.text() ?? []
    if held != heldBefore { try #require(held == undisturbed.held, what) }
    guard (try? host.probe.bytesUsed) != nil else { return }
    let isMigrated = try host.isOurs()
    try #require(
      try !isMigrated || host.probe.faults(hasAllHistory: situation.hasAllHistory) == [], what)
    for (user, used) in try host.probe.bytesUsed {
      let (first, last) = (usedBefore[user] ?? 0, undisturbed.used[user] ?? 0)
      try #require((min(first, last)...max(first, last)).contains(used), "\(user), \(what)")
    }
  }

  /// Lines of the journal that are no records.
  private func damagedLines() throws -> Int {
    let directory = try Directory(directory(of: host.database))
    guard let file = try JournalFile(.current, in: directory) else { return 0 }
    var scan = JournalScan(from: file.base)
    while try scan.next(in: file) != nil {}
    return scan.damaged
  }
}
