import Fence
import Foundation
import Quota
import System
import Testing

/// The project's programs set up on a host: their settings, the servers that use the hooks,
/// simulated or real, and a look into the ledger.
package final class Installation {
  /// Where it all is.
  package let folder: String
  private let directory: TemporaryDirectory?
  /// The settings; a change counts from the next program on.
  package var settings: [String: String] { didSet { try? writeSettings() } }
  /// All servers that `MANAGEMENT` names.
  package private(set) var servers: [any VPNServer] = []
  /// The folder with the programs.
  package var programs = Program.directory
  /// The words that each program is started through.
  package var launcher: [String] = []

  /// - Parameters:
  ///   - settings: what differs from a quick set-up in UTC that tries every server once.
  ///   - folder: where; nil for a directory that goes with it.
  ///   - stateDirectory: where in it the ledger is.
  package init(
    _ settings: [String: String] = [:], in folder: String? = nil, stateDirectory: String = "var"
  ) throws {
    directory = folder == nil ? try TemporaryDirectory() : nil
    self.folder = folder ?? directory?.path ?? ""
    self.settings = [
      "DATABASE": "\(self.folder)/\(stateDirectory)/quota.db", "LOG_FILE": self.folder + "/log",
      "OPENVPN_CONFIGS": self.folder + "/openvpn/*.conf", "TIME_ZONE": "UTC",
      "MANAGEMENT_TIMEOUT": "1", "RETRY_ATTEMPTS": "1", "MONITOR_INTERVAL": "30",
    ].merging(settings) { $1 }
    try FileManager.default.createDirectory(
      atPath: "\(self.folder)/\(stateDirectory)", withIntermediateDirectories: true)
    try writeSettings()
  }

  /// The path of `quota.conf`.
  package var config: String { folder + "/quota.conf" }

  package var database: String { settings["DATABASE"] ?? "" }

  /// A look into the ledger.
  package var probe: LedgerProbe { LedgerProbe(database) }

  /// Writes a file below the folder, with the folders it needs, and gives its path.
  @discardableResult
  package func write(_ text: String, to name: String) throws -> String {
    let file = folder + "/" + name
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    return file
  }

  private func writeSettings() throws {
    let lines = settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }
    try write(lines.joined(), to: "quota.conf")
  }

  /// Adds a server to `MANAGEMENT`, as `s0`, `s1`, … unless it has a name.
  ///
  /// - Parameter options: what follows its address, such as `,password-file=PATH`.
  package func add(_ server: any VPNServer, options: String = "") {
    let management = server.management
    let name = management.contains("=") ? "" : "s\(servers.count)="
    servers.append(server)
    let others = (settings["MANAGEMENT"] ?? "").split(separator: " ").map(String.init)
    settings["MANAGEMENT"] = (others + [name + management + options]).joined(separator: " ")
  }

  /// The command line of a hook, as a server's config has it.
  ///
  /// - Parameter server: the server's name, where its config does not tell.
  package func hook(
    _ name: String, through prefix: [String] = [], server: String? = nil
  ) -> String {
    let server = server.map { ["--server", $0] } ?? []
    return (launcher + prefix + [path(of: name), "--config", config] + server)
      .joined(separator: " ")
  }

  private func path(of program: String) -> String {
    Program.path(program, in: programs)
  }

  /// The words that start one of the programs, for `env`.
  ///
  /// - Parameter wrapper: a command it is started through, such as one that gives it another user.
  package func command(
    _ program: String, _ arguments: [String] = [], through wrapper: [String] = []
  ) -> [String] {
    launcher + wrapper + [path(of: program)] + arguments + ["--config", config]
  }

  /// Runs one of the programs with a bare environment, to its end.
  ///
  /// - Parameter wrapper: a command it is started through, such as one that gives it another user.
  package func run(
    _ program: String, _ arguments: [String] = [], through wrapper: [String] = [],
    environment: [String: String] = [:], timeout: Double = 60
  ) throws -> Outcome {
    try Program.run(
      "/usr/bin/env", command(program, arguments, through: wrapper),
      environment: ["PATH": "/usr/bin:/bin"].merging(environment) { $1 },
      timeout: timeout)
  }

  /// Runs a sweep to its end.
  package func sweep(
    _ arguments: [String] = [], environment: [String: String] = [:]
  ) throws -> Outcome {
    try run("quota-sweep", arguments, environment: environment)
  }

  /// Runs a command of `quota-admin`, which has to succeed, and gives its output.
  @discardableResult
  package func admin(_ command: String, _ arguments: String...) throws -> String {
    let outcome = try run("quota-admin", [command] + arguments)
    try outcome.requireSuccess()
    return outcome.output
  }

  /// Lets the ledger take in what hooks have written, as each program does that opens it to write.
  package func takeInJournal() throws { try admin("list") }

  /// Expects the ledger to say, to the byte, what OpenVPN's own final counters say of all sessions
  /// that ended. A session that a crash ended is not among those.
  ///
  /// - Parameter isOver: whether no session may be open.
  package func expectTruth(
    isOver: Bool = true, at location: SourceLocation = #_sourceLocation
  ) throws {
    try takeInJournal()
    try probe.expectTruth(
      of: servers.flatMap { try $0.finished }, isOver: isOver, at: location)
  }
}

extension LedgerProbe {
  /// Expects the ledger to say, to the byte, what OpenVPN's own final counters say of all sessions
  /// that ended: every measure of usage, `bytes_used`, and one row in `traffic_logs` a session.
  ///
  /// - Parameter isOver: whether no session may be open; else users who have one are left out.
  package func expectTruth(
    of finished: [FinalCounters], isOver: Bool, at location: SourceLocation = #_sourceLocation
  ) throws {
    var truth: [String: Usage] = [:]
    for session in finished {
      truth[session.name, default: Usage()] += Usage(
        received: session.received, sent: session.sent)
    }
    let open = try openSessions
    if isOver {
      #expect(!truth.isEmpty, sourceLocation: location)
      #expect(open.isEmpty, sourceLocation: location)
    }
    let users = Set(truth.keys).subtracting(open.map(\.user))
    for measure in Measure.allCases {
      let usage = try usage(by: measure).filter { users.contains($0.key) }
      #expect(
        usage == truth.filter { users.contains($0.key) }, "\(measure)", sourceLocation: location)
    }
    let (used, elsewhere) = (try bytesUsed, try bytesUsedElsewhere)
    for name in users {
      let total = (truth[name]?.total ?? 0) + (elsewhere[name] ?? 0)
      #expect(used[name] == total, "\(name)", sourceLocation: location)
    }
    #expect(
      try loggedSessions.map { "\($0.user): \($0.usage)" }.sorted()
        == finished.map(\.description).sorted(), sourceLocation: location)
  }
}

extension FinalCounters: CustomStringConvertible {
  package var description: String { "\(name): received \(received), sent \(sent)" }
}

/// Has it look beside a database as if quota-fence ran after each sweep, for tests of other programs,
/// which have no kernel to tell.
package func pretendFence(beside database: String, sweep: Int64 = .max) throws {
  let update = FenceUpdate(
    from: nil, to: Fence(), by: FenceRules(count: .total),
    in: FenceRun(generation: 0, sweep: sweep, boot: 0))
  try update.result.write(in: Directory(directory(of: database)))
}
