import TestSupport

/// A database of a test's own, and `quota-admin` run on it.
final class Bench {
  let folder: TemporaryDirectory
  var settings: [String: String]

  init() throws {
    folder = try TemporaryDirectory()
    settings = [
      "QUOTA_CONFIG": "/dev/null", "DATABASE": folder.path + "/quota.db", "TIME_ZONE": "UTC",
      // What is typed in these tests are powers of 2.
      "UNITS": "binary",
    ]
  }

  var path: String { folder.path + "/quota.db" }

  /// Runs the real program with a bare environment.
  @discardableResult
  func admin(_ arguments: String...) throws -> Outcome {
    try Program.run(Program.path("quota-admin"), arguments, environment: settings)
  }

  /// Runs a shell's commands, in which `quota-admin` is the real program. Bash, for a test's threads
  /// block signals, and `wait` in dash then waits for ever.
  func shell(_ script: String) throws -> Outcome {
    let path = ["PATH": "\(Program.directory):/usr/bin:/bin"]
    return try Program.run(
      "/bin/bash", ["-c", script], environment: settings.merging(path) { own, _ in own })
  }

  /// A look into the ledger.
  var probe: LedgerProbe { LedgerProbe(path) }

  /// The events in the order they are kept, one a line.
  func events() throws -> [String] {
    try probe.events.map { "\($0.user) \($0.kind) \($0.detail)" }
  }

  /// Two users: alice has used 2 GiB of 10 and is on with two sessions, bob nothing of no quota.
  func populate() throws {
    try admin("add", "alice", "--quota", "10GiB")
    try admin("add", "bob")
    try probe.addUsage(Usage(received: 512 << 20, sent: 1536 << 20), of: "alice")
    for name in ["alice", "bob"] { try probe.setCreated(name, "2026-11-23 20:36:45") }
    for session in [
      LedgerProbe.Session(
        user: "alice", server: "home", connectedSince: 1_795_466_205, address: "10.8.0.2",
        realAddress: "192.0.2.7:1194", usage: Usage(received: 1024, sent: 2048)),
      LedgerProbe.Session(
        user: "alice", server: nil, connectedSince: 1_795_466_265, address: "10.8.0.3"),
      LedgerProbe.Session(
        user: "alice", server: "home", connectedSince: 1_795_466_000, address: "10.8.0.4",
        realAddress: "192.0.2.7:1194", usage: Usage(received: 1024, sent: 2048),
        endedAt: 1_795_466_100, endedBy: "hook"),
    ] { try probe.add(session) }
  }
}

extension Outcome {
  /// Whether it was done, without a word of complaint.
  var isFine: Bool { status == 0 && errors.isEmpty }
}
