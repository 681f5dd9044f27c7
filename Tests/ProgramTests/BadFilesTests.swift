import Foundation
import Glibc
import TestSupport
import Testing

/// Every way that the access table and the journal can be no good, under the real programs: the hooks
/// answer, nothing waits, and a sweep goes on with what is whole.
@Suite struct `A file of the state directory` {
  enum Spoiling: String, CaseIterable {
    case missing, empty, short, torn, garbage, huge, ofAnotherFormat, anothers, aLink, aPipe
    case aDirectory

    /// Makes a file so.
    func apply(to file: String) throws {
      var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
      let elsewhere = file + ".elsewhere"
      switch self {
      case .missing: try FileManager.default.removeItem(atPath: file)
      case .empty: bytes = []
      case .short: bytes.removeLast(bytes.count / 2 + 7)
      case .torn: for index in bytes.count / 2..<bytes.count { bytes[index] = 0 }
      case .garbage: bytes = (0..<9000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) }
      case .huge: #expect(unsafe truncate(file, 1 << 40) == 0)
      case .ofAnotherFormat:
        // The version: behind the line feed, or behind a page's head and the word that tells a table.
        bytes[file.hasSuffix("journal") ? 1 : 24] ^= 0x7F
      case .anothers: try #require(unsafe chown(file, 65_534, 65_534) == 0)
      case .aLink, .aPipe, .aDirectory:
        try FileManager.default.moveItem(atPath: file, toPath: elsewhere)
      }
      switch self {
      case .empty, .short, .torn, .garbage, .ofAnotherFormat:
        // Into the same file, as a member of its group may.
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
        try handle.truncate(atOffset: 0)
        try handle.write(contentsOf: Data(bytes))
        try handle.close()
      case .aLink:
        try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: elsewhere)
      case .aPipe: #expect(unsafe mkfifo(file, 0o666) == 0)
      case .aDirectory: #expect(unsafe mkdir(file, 0o777) == 0)
      case .missing, .huge, .anothers: break
      }
    }
  }

  /// A user with a quota, who has used some of it in a session that a sweep took in.
  private func quota() throws -> (quota: Installation, server: SimulatedServer) {
    let quota = try Installation()
    try quota.admin("add", "alice", "--quota", "10kB")
    let server = try quota.addServer()
    let alice = try server.enter("alice")
    try alice.setCounters(received: 1000, sent: 2000)
    try alice.leave()
    try server.settle()
    try quota.sweep().expect(status: 0)
    #expect(try quota.probe.used("alice").total == 3000)
    return (quota, server)
  }

  /// Runs a hook, which waits for nothing.
  private func hook(
    _ name: String, _ quota: Installation, _ environment: [String: String]
  ) throws -> Outcome {
    try Program.run(
      Program.path(name), ["--config", quota.config, "--server", "s0"], environment: environment)
  }

  @Test(.timeLimit(.minutes(5)), arguments: Spoiling.allCases, ["allow", "reject"])
  func `that is the table leaves the answer to ON_ERROR until a sweep writes it anew`(
    spoiling: Spoiling, onError: String
  ) throws {
    if spoiling == .anothers, getuid() != 0 { return }
    let (quota, server) = try quota()
    quota.settings["ON_ERROR"] = onError
    let table = (quota.database as NSString).deletingLastPathComponent + "/access"
    try spoiling.apply(to: table)
    let client = HookSession("alice", number: 1)
    let answer = try hook("quota-connect", quota, client.connecting)
    // A table that is only too long is read as far as it goes.
    let isReadable = spoiling == .huge
    #expect(answer.status == (isReadable || onError == "allow" ? 0 : 1), "\(answer)")
    #expect(
      answer.errors.split(separator: "\n").count == (isReadable ? 0 : 1), "\(answer.errors)")
    #expect(isReadable || answer.errors.contains("; ON_ERROR "), "\(answer.errors)")
    let ended = try hook(
      "quota-disconnect", quota, client.disconnecting(received: 300, sent: 400))
    #expect(ended.status == 0 && ended.errors.isEmpty, "\(ended)")

    let sweep = try quota.sweep()
    // A directory is nothing that a table could take the place of.
    let isInTheWay = spoiling == .aDirectory
    #expect(isInTheWay ? [73, 74].contains(sweep.status) : sweep.status == 0, "\(sweep)")
    if isInTheWay {
      #expect(sweep.errors.contains(table), "\(sweep.errors)")
      #expect(unsafe rmdir(table) == 0)
      try quota.sweep().expect(status: 0)
    }
    #expect(try quota.probe.used("alice").total == 3000 + (answer.status == 0 ? 700 : 0))
    let again = try hook("quota-connect", quota, HookSession("alice", number: 2).connecting)
    #expect(again.status == 0 && again.errors.isEmpty, "\(again)")
    withExtendedLifetime(server) {}
  }

  @Test(.timeLimit(.minutes(5)), arguments: Spoiling.allCases)
  func `that is the journal leaves the answer to the table, and a sweep goes on`(
    spoiling: Spoiling
  ) throws {
    if spoiling == .anothers, getuid() != 0 { return }
    let (quota, server) = try quota()
    // Half of what was in it is known to the ledger, half is not.
    let before = HookSession("alice", number: 1)
    for (name, environment) in [
      ("quota-connect", before.connecting),
      ("quota-disconnect", before.disconnecting(received: 300, sent: 400)),
    ] {
      #expect(try hook(name, quota, environment).status == 0)
    }
    try spoiling.apply(to: quota.journal)

    let client = HookSession("alice", number: 2)
    let answer = try hook("quota-connect", quota, client.connecting)
    #expect(answer.status == 0, "\(answer)")
    // It is told of once that it cannot be read, and once that it cannot be written; damage behind its
    // header is passed over as any damaged line is.
    let lines = answer.errors.split(separator: "\n")
    #expect(lines.count <= 2 && lines.allSatisfy { $0.hasPrefix("quota-connect: warning: ") })
    #expect(
      lines.contains { $0.contains("the access table alone decides") } == (spoiling != .torn),
      "\(answer.errors)")
    let ended = try hook(
      "quota-disconnect", quota, client.disconnecting(received: 30, sent: 40))
    #expect(ended.status == 0 && ended.errors.split(separator: "\n").count <= 1, "\(ended)")

    let sweep = try quota.sweep()
    #expect([0, 73, 74, 77].contains(sweep.status), "\(sweep)")
    #expect(sweep.errors.isPlain)
    // Nothing is counted twice, nor what nobody moved.
    let used = try quota.probe.used("alice").total
    #expect([3000, 3070, 3700, 3770].contains(used), "\(used)")
    #expect(try quota.probe.faults() == [])

    // Each program reports what is in the journal's place until it is removed.
    let isInTheWay = [.aLink, .aPipe, .aDirectory, .anothers].contains(spoiling)
    if isInTheWay {
      #expect(sweep.errors.contains(quota.journal), "\(sweep.errors)")
      try FileManager.default.removeItem(atPath: quota.journal)
      try quota.sweep().expect(status: 0)
    }
    let alice = try server.enter("alice")
    #expect(!alice.isRefused)
    try alice.setCounters(received: 5, sent: 6)
    try alice.leave()
    try server.settle()
    try quota.sweep().expect(status: 0)
    #expect(try quota.probe.used("alice").total == used + 11)
  }

  @Test func `that is in the new table's way keeps no change from being made, as is said`() throws {
    let (quota, server) = try quota()
    let obstacle = (quota.database as NSString).deletingLastPathComponent + "/access.new"
    #expect(unsafe mkdir(obstacle, 0o777) == 0)
    let change = try quota.run("quota-admin", ["disable", "alice"])
    #expect(change.status == 74, "\(change)")
    #expect(change.errors.contains("what was changed is kept, and cannot be published: "))
    #expect(change.errors.contains("hint: the next sweep publishes it"))
    #expect(try quota.probe.users.first?.status == "disabled")
    #expect(try !server.enter("alice").isRefused)
    try FileManager.default.removeItem(atPath: obstacle)
    try quota.sweep().expect(status: 0)
    #expect(try server.enter("alice").isRefused)
  }
}
